"""Graphs of functions and of their slopes, small and side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from . import show, style


def graphs(
    functions: Mapping[str, Callable[[Tensor], Tensor]],
    alt: str,
    low: float = -4.0,
    high: float = 4.0,
) -> None:
    """Show functions of one number, each with its slope, on the same axes.

    Parameters
    ----------
    functions
        Title → a function of a tensor, number by number, that autograd can go through.
    alt
        What is to be seen, for those who do not see it.
    low, high
        Where the graphs begin and end.

    Raises
    ------
    ValueError
        If ``functions`` or ``alt`` is empty, or ``low`` is not below ``high``.
    """
    if not functions:
        raise ValueError("functions is empty; allowed: one entry or more")
    if low >= high:
        raise ValueError(f"low is {low}; allowed: less than high, which is {high}")
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    columns = min(4, len(functions))
    rows = -(-len(functions) // columns)
    with style():
        figure = Figure(figsize=(1.75 * columns + 0.4, 1.75 * rows + 0.3))
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for (title, function), axes in zip(functions.items(), grid.flat, strict=False):
            x = torch.linspace(low, high, 161, requires_grad=True)
            y = function(x)
            y.sum().backward()
            assert x.grad is not None
            axes.plot(x.tolist(), y.tolist(), label="value")
            axes.plot(x.tolist(), x.grad.tolist(), label="slope")
            axes.set_title(title)
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        for axes in grid.flat[len(functions) :]:
            axes.set_axis_off()
        handles, labels = grid.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2)
    show(figure, alt)
