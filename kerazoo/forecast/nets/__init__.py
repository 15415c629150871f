"""The recurrent networks of a forecaster: members, windows, training and rollout."""
