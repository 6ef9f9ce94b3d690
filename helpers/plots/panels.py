"""Panels side by side, and a legend above them that is read row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Inches across a page, and at most across a panel that is alone in its row, or is not.
_PAGE, _ALONE, _BESIDE = 6.9, 4.6, 3.4


@contextmanager
def grid(
    panels: Mapping[str, Any],
    columns: int,
    high: Callable[[float], float],
    **options: Any,
) -> Iterator[tuple[Figure, list[Any]]]:
    """A figure and its axes, a panel for each entry, to be drawn on in the house style.

    Parameters
    ----------
    panels
        As many as there shall be.
    columns
        Panels in a row, at most. All of a row fit on a page.
    high
        Inches of a panel's width → of its height.
    options
        For matplotlib's ``Figure.subplots``.

    Raises
    ------
    ValueError
        If ``panels`` is empty or ``columns`` is not positive.
    """
    from matplotlib.figure import Figure

    if not panels:
        raise ValueError("panels is empty; allowed: one entry or more")
    if columns < 1:
        raise ValueError(f"columns is {columns}; allowed: 1 or more")
    across = min(columns, len(panels))
    down = -(-len(panels) // across)
    wide = min(_ALONE if across == 1 else _BESIDE, _PAGE / across)
    with style():
        figure = Figure(figsize=(wide * across, high(wide) * down))
        axes = list(figure.subplots(down, across, squeeze=False, **options).flat)
        for unused in axes[len(panels) :]:
            unused.set_axis_off()
        yield figure, axes[: len(panels)]


def legend(figure: Figure, handles: Sequence[Any]) -> None:
    """Put the labels of what was drawn above a figure, in rows, in the order given.

    Matplotlib fills a legend column by column: of four entries in three columns the second would
    stand under the first. Four entries stand two by two, others at most three in a row; a single
    one needs no legend.
    """
    count = len(handles)
    across = 2 if count == 4 else min(3, count)
    turned = [handles[n] for column in range(across) for n in range(column, count, across)]
    if count > 1:
        figure.legend(handles=turned, loc="outside upper center", ncols=across)
