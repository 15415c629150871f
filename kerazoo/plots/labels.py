"""Labels of points that do not overlap. Imports matplotlib: loaded by the functions that draw labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Labels"]

# Where a label may be, in order of preference: the point of the text's box, in fractions of its width and height, that
# lies beside the dot, and the direction from the dot to it.
_PLACES = np.array(
    [
        (0.0, 0.5, 1.0, 0.0),  # right
        (1.0, 0.5, -1.0, 0.0),  # left
        (0.5, 0.0, 0.0, 1.0),  # above
        (0.5, 1.0, 0.0, -1.0),  # below
        (0.0, 0.0, 0.7, 0.7),
        (1.0, 0.0, -0.7, 0.7),
        (0.0, 1.0, 0.7, -0.7),
        (1.0, 1.0, -0.7, -0.7),
        (0.2, 0.0, 0.0, 1.0),
        (0.8, 0.0, 0.0, 1.0),
        (0.2, 1.0, 0.0, -1.0),
        (0.8, 1.0, 0.0, -1.0),
    ]
)
_MARGIN = 1.0  # points between two labels


class Labels(Artist):
    """Labels beside points, in order of their importance; one without room inside the axes is not drawn.

    Each label takes the place, of twelve around its point, that overlaps no earlier label and covers the fewest other
    points; of equal places the first. The places are found when the figure is drawn, because only then the size of the
    axes is known, and again when that, the limits or the resolution changed. It draws nothing itself.

    Args:
        ax: the axes; their limits should be final.
        points: (N, 2), in data coordinates.
        texts: N labels; earlier ones have priority.
        distance: of labels from the centres of their points, in points (1/72 inch).
        fontsize: in points.
        weights: N font weights, or None.

    Attributes:
        annotations: N matplotlib Annotations; those without room are invisible.
        n_hidden: how many are.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> labels = Labels(ax, np.array([[0.5, 0.5], [0.5, 0.5]]), ["one", "two"])
    >>> labels.place()
    >>> labels.n_hidden, ["right" if each.get_position()[0] > 0 else "left" for each in labels.annotations]
    (0, ['right', 'left'])
    """

    def __init__(
        self,
        ax: Axes,
        points: NDArray[np.float64],
        texts: Sequence[str],
        *,
        distance: float = 3.0,
        fontsize: float = 8.0,
        weights: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self.set_zorder(-1)  # before all that is drawn
        self.set_in_layout(False)
        self.points, self.distance = np.asarray(points, np.float64), distance
        self.n_hidden = 0
        self.annotations = []
        for i, (point, text) in enumerate(zip(self.points, texts, strict=True)):
            label = ax.annotate(
                text,
                point,
                xytext=(0, 0),
                textcoords="offset points",
                fontsize=fontsize,
                fontweight="normal" if weights is None else weights[i],
                ha="left",
                va="bottom",
                zorder=3,
            )
            label.set_path_effects([withStroke(linewidth=2.0, foreground=ax.get_facecolor())])  # over lines
            label.set_parse_math(False)  # a word may have dollar signs
            label.set_in_layout(False)  # labels lie inside the axes
            self.annotations.append(label)
        self._before: tuple[float, ...] = ()
        self._note: tuple[Text, str, str] | None = None
        ax.add_artist(self)

    def report_in(self, text: Text, what: str) -> None:
        """Append to a text, such as one of a legend, how many labels have no room.

        Args:
            text: the matplotlib Text.
            what: of what these are, in the plural.
        """
        self._note = (text, text.get_text(), what)

    def place(self, renderer: Any = None) -> None:
        """Find the places of all labels, for the size that the axes have now."""
        ax = self.axes
        assert ax is not None
        scale = ax.figure.dpi / 72  # pixels per point
        low, size = ax.bbox.min, ax.bbox.size
        centres = ax.transData.transform(self.points) - low
        boxes = np.zeros((len(centres), 4))  # left, bottom, right, top of those that have a place
        n_placed = 0
        for i, label in enumerate(self.annotations):
            label.set_visible(True)  # else it has no size
            extent = Text.get_window_extent(label, renderer)
            extents = np.array([extent.width, extent.height])
            corners = centres[i] + self.distance * scale * _PLACES[:, 2:] - _PLACES[:, :2] * extents
            found = np.hstack([corners, corners + extents])
            taken = boxes[:n_placed] + _MARGIN * scale * np.array([-1, -1, 1, 1])
            free = ~_overlap(found, taken).any(axis=1) & (corners >= 0).all(axis=1)
            free &= (corners + extents <= size).all(axis=1)
            others = np.delete(centres, i, axis=0)
            covered = _overlap(found, np.hstack([others, others])).sum(axis=1)
            label.set_visible(bool(free.any()))
            if free.any():
                best = np.where(free, covered, len(centres)).argmin()
                label.set_position((corners[best] - centres[i]) / scale)
                boxes[n_placed] = found[best]
                n_placed += 1
        self.n_hidden = len(centres) - n_placed
        if self._note:
            text, start, what = self._note
            text.set_text(f"{start}; {self.n_hidden} {what} have no room" if self.n_hidden else start)

    def draw(self, renderer: Any) -> None:
        """Place the labels, if something changed since the last time."""
        ax = self.axes
        assert ax is not None
        now = (*ax.bbox.size, *ax.get_xlim(), *ax.get_ylim(), ax.figure.dpi)
        if now != self._before:
            self.place(renderer)
            self._before = now


def _overlap(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N, M): whether box i and box j have a point in common, each as left, bottom, right, top."""
    a, b = boxes[:, None, :], others[None, :, :]
    return np.asarray((a[..., :2] < b[..., 2:]).all(axis=-1) & (b[..., :2] < a[..., 2:]).all(axis=-1))
