"""Graphs of functions and of their slopes, small and side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from . import show
from .panels import grid, legend


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
    from matplotlib.ticker import MaxNLocator

    shared = {"sharex": True, "sharey": True}
    with grid(functions, 4, lambda wide: wide + 0.1, **shared) as (figure, panes):
        for (title, function), axes in zip(functions.items(), panes, strict=True):
            x = torch.linspace(low, high, 161, requires_grad=True)
            y = function(x)
            y.sum().backward()
            assert x.grad is not None
            lines = axes.plot(x.tolist(), y.tolist(), label="value")
            lines += axes.plot(x.tolist(), x.grad.tolist(), label="slope")
            axes.set_title(title)
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        legend(figure, lines)
    show(figure, alt)
