"""A legend above a chart that is read row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
