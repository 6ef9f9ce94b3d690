"""Tables of numbers as shades of gray, on axes that say what a row and a column are."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from . import show, style

#: Inches across a page, for a title and the axes' labels of a panel, and at least for a row.
_PAGE, _ROOM, _ROW = 6.9, 0.9, 0.15


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
    if not panels or columns < 1:
        raise ValueError(f"panels has {len(panels)} entries, columns is {columns}; allowed: ≥ 1")
    shapes = {tuple(table.shape) for table in panels.values()}
    shape = shapes.pop()
    if shapes or len(shape) != 2 or not all(shape):
        raise ValueError(f"panels has {shape} and {shapes}; allowed: one shape, (rows, columns)")
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    across = min(columns, len(panels))
    down = -(-len(panels) // across)
    wide = min(3.4, _PAGE / across)
    with style():
        high = max(wide * shape[0] / shape[1], _ROW * min(shape[0], 10)) + _ROOM
        figure = Figure(figsize=(wide * across, high * down))
        grid = figure.subplots(down, across, squeeze=False).flat
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        for (title, table), axes in zip(panels.items(), grid, strict=False):
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
