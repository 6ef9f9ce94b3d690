"""Tables of numbers as shades of gray, on axes that say what a row and a column are."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from . import show
from .panels import grid

#: Inches for a title and the axes' labels of a panel, and at least for a row.
_ROOM, _ROW = 0.9, 0.15


def shades(
    panels: Mapping[str, Tensor], xlabel: str, ylabel: str, alt: str, columns: int = 2
) -> None:
    """Show tables side by side, each from black at its least value to white at its greatest.

    Both values stand under a panel's title. Rows and columns are counted from 0.

    Parameters
    ----------
    panels
        Title → a tensor of shape (rows, columns), the same shape for all.
    xlabel, ylabel
        What a column is, and what a row is.
    alt
        What is to be seen, for those who do not see it.
    columns
        Panels in a row.

    Raises
    ------
    ValueError
        If ``panels`` or ``alt`` is empty, ``columns`` is not positive, or a tensor has another
        shape.
    """
    from matplotlib.ticker import MaxNLocator

    shapes = {tuple(table.shape) for table in panels.values()}
    if len(shapes) > 1 or any(len(shape) != 2 or not all(shape) for shape in shapes):
        raise ValueError(f"panels has shapes {shapes}; allowed: one shape, (rows, columns)")

    def high(wide: float) -> float:
        ((rows, across),) = shapes
        return max(wide * rows / across, _ROW * min(rows, 10)) + _ROOM

    with grid(panels, columns, high) as (figure, panes):
        for (title, table), axes in zip(panels.items(), panes, strict=True):
            values = table.detach().cpu().double()
            axes.imshow(values.numpy(), interpolation="nearest", aspect="auto")
            least, most = (f"{value:.3g}".replace("-", "−") for value in values.aminmax())
            axes.set_title(f"{title}\nblack {least}, white {most}")
            axes.set(xlabel=xlabel, ylabel=ylabel)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(MaxNLocator(nbins=10, integer=True))
            axes.tick_params(labelsize=8)
            axes.grid(visible=False)
            axes.spines[:].set_visible(True)
    show(figure, alt)
