"""The windows of an image: what a kernel of weights is laid on, and what pooling summarizes."""

from __future__ import annotations

import torch

Pair = tuple[int, int]


def windows(input: torch.Tensor, kernel_size: Pair, stride: Pair, dilation: Pair) -> torch.Tensor:
    """Every window of the last two dimensions, as a view: nothing is copied.

    Parameters
    ----------
    input
        Shape ``(…, H, W)``.
    kernel_size, stride, dilation
        For the vertical and the horizontal dimension, in pixels.

    Returns
    -------
    torch.Tensor
        Shape ``(…, oH, oW, kH, kW)``.

    Raises
    ------
    ValueError
        If a window does not fit.
    """
    for size, step, gap in zip(kernel_size, stride, dilation, strict=True):
        # The new dimension comes last, so that -2 is first the height and then the width.
        input = input.unfold(-2, fitting_span(input.shape[-2], size, gap), step)
    return input[..., :: dilation[0], :: dilation[1]]


def fitting_span(padded: int, kernel_size: int, dilation: int) -> int:
    """How many of ``padded`` pixels a dilated kernel spans, ``dilation (kernel_size - 1) + 1``.

    Raises
    ------
    ValueError
        If there are not so many.
    """
    span = dilation * (kernel_size - 1) + 1
    if span > padded:
        raise ValueError(
            f"kernel_size is {kernel_size} and spans {span} at dilation {dilation}; "
            f"allowed: a span of at most {padded}, the padded input"
        )
    return span


def pair(name: str, value: int | Pair, least: int) -> Pair:
    """The argument called ``name``: one number for both dimensions, or one for each.

    Raises
    ------
    ValueError
        If it is neither, or a number is below ``least``.
    """
    both = (value, value) if isinstance(value, int) else tuple(value)
    if len(both) != 2 or min(both) < least:
        raise ValueError(f"{name} is {value}; allowed: an int or a pair, each at least {least}")
    return both
