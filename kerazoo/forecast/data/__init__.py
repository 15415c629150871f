"""Series in and out: panels, indexes, frequencies, calendars."""
