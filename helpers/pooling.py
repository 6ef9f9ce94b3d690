"""Pooling in two dimensions: each window of an image is replaced by its largest number or its mean.

`max_pool2d` and `avg_pool2d` give exactly what torch's functions of these names give, sizes
included: `ceil_mode` adds windows that hang over the right and bottom edge, and drops those that
would start outside. Both take all windows as a view and let one tensor operation summarize them.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from .windows import Pair, pair, windows

#: For each of the two dimensions: kernel size, stride, padding, dilation, number of windows.
_Along = tuple[int, int, int, int, int]


def pool_output_size(
    input_size: int,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """The number of windows of a pooling layer along one dimension.

    Parameters
    ----------
    input_size, kernel_size, stride, padding, dilation
        In pixels. ``stride`` is ``kernel_size`` if None. ``padding`` is added at both ends.
    ceil_mode
        Round up, not down: a last window may hang over the end. It must start inside the input
        or its left padding, though; one that would start in the right padding is dropped.

    Returns
    -------
    int
        ``(input_size + 2 padding - dilation (kernel_size - 1) - 1) / stride``, rounded, plus 1.

    Raises
    ------
    ValueError
        If an argument is too small, ``padding`` is more than half of ``kernel_size``, or there
        is room for no window.

    Notes
    -----
    ``pooling_output_shape`` in ``ATen/native/Pool.h`` of PyTorch.

    Examples
    --------
    >>> pool_output_size(5, 3), pool_output_size(5, 3, ceil_mode=True)
    (1, 2)
    """
    stride = kernel_size if stride is None else stride
    named = {"input_size": input_size, "kernel_size": kernel_size, "stride": stride}
    for name, value in (named | {"dilation": dilation}).items():
        if value < 1:
            raise ValueError(f"{name} is {value}; allowed: at least 1")
    if not 0 <= padding <= kernel_size // 2:
        raise ValueError(
            f"padding is {padding}; allowed: 0 to {kernel_size // 2}, half of kernel_size"
        )
    free = input_size + 2 * padding - dilation * (kernel_size - 1) - 1
    count = (free + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= input_size + padding:
        count -= 1  # the last window would start in the right padding, or beyond
    if count < 1:
        raise ValueError(
            f"kernel_size is {kernel_size} and spans {dilation * (kernel_size - 1) + 1} at "
            f"dilation {dilation}; allowed: a span that fits into {input_size + 2 * padding}, "
            "the padded input"
        )
    return count


def max_pool2d(
    input: torch.Tensor,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
    """The largest number of each window, as `torch.nn.functional.max_pool2d`.

    Parameters
    ----------
    input
        Shape ``(N, C, H, W)`` or ``(C, H, W)``, any real dtype.
    kernel_size, stride, padding, dilation, ceil_mode
        As in `pool_output_size`: one number, or one for the height and one for the width. What
        lies outside is less than every number; a dilated window that touches no pixel gives the
        dtype's least value, and the index -1.
    return_indices
        Return also where each largest number stands.

    Returns
    -------
    output
        Shape ``(N, C, oH, oW)`` or ``(C, oH, oW)``.
    indices
        If asked for; int64, of the same shape: row · W + column. Of equal numbers the first one
        counts, and to it alone the gradient goes. (A NaN is larger than all; where a window has
        several, torch names the last and this function the first.)

    Raises
    ------
    ValueError
        As `pool_output_size`, or if ``input`` has another shape, or is complex or bool.
    """
    along = _along(input, kernel_size, stride, padding, dilation, ceil_mode)
    height, width = input.shape[-2:]
    numbered = torch.arange(height * width, device=input.device).reshape(height, width)
    views = _views(input, along, fill=_least(input.dtype)).flatten(-2)
    places = _views(numbered, along, fill=-1).flatten(-2)  # -1: outside
    largest = (views == views.amax(-1, keepdim=True)) | views.isnan()
    first = (largest & (places >= 0)).int().argmax(-1, keepdim=True)
    output = views.gather(-1, first).squeeze(-1)
    if not return_indices:
        return output
    return output, places.expand_as(views).gather(-1, first).squeeze(-1)


def max_unpool2d(input: torch.Tensor, indices: torch.Tensor, output_size: Pair) -> torch.Tensor:
    """Put each number back where `max_pool2d` found it, and zeros elsewhere.

    Parameters
    ----------
    input, indices
        What `max_pool2d` returned, or tensors of the same shapes, ``(…, oH, oW)``.
    output_size
        Height and width of what was pooled.

    Returns
    -------
    torch.Tensor
        Shape ``(…, H, W)``, of the input's dtype.

    Raises
    ------
    ValueError
        If the shapes differ, or an index lies outside.

    Notes
    -----
    Zeiler & Fergus (2014), "Visualizing and Understanding Convolutional Networks": the indices
    are their *switches*. `torch.nn.functional.max_unpool2d`.
    """
    if input.ndim < 2 or indices.shape != input.shape:
        raise ValueError(
            f"indices has shape {_shape(indices)}; allowed: that of the input, {_shape(input)}"
        )
    height, width = pair("output_size", output_size, 1)
    if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < height * width:
        raise ValueError(
            f"indices runs from {int(indices.min())} to {int(indices.max())}; "
            f"allowed: 0 to {height * width - 1}, the pixels of {height}×{width}"
        )
    canvas = input.new_zeros(*input.shape[:-2], height * width)
    canvas = canvas.scatter(-1, indices.flatten(-2), input.flatten(-2))
    return canvas.unflatten(-1, (height, width))


def avg_pool2d(
    input: torch.Tensor,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> torch.Tensor:
    """The mean of each window, as `torch.nn.functional.avg_pool2d`.

    Parameters
    ----------
    input
        Shape ``(N, C, H, W)`` or ``(C, H, W)``, any real dtype. Means of whole numbers are
        rounded toward zero.
    kernel_size, stride, padding, ceil_mode
        As in `pool_output_size`: one number, or one for the height and one for the width.
    count_include_pad
        Divide by the number of pixels and padding zeros in the window, not of pixels alone. What
        `ceil_mode` lets hang over the padded input never counts.
    divisor_override
        Divide by this number instead.

    Returns
    -------
    torch.Tensor
        Shape ``(N, C, oH, oW)`` or ``(C, oH, oW)``.

    Raises
    ------
    ValueError
        As `pool_output_size`, or if ``input`` has another shape, or is complex or bool, or
        ``divisor_override`` is 0.
    """
    if divisor_override == 0:
        raise ValueError("divisor_override is 0; allowed: any other whole number, or None")
    along = _along(input, kernel_size, stride, padding, 1, ceil_mode)
    total = _views(input, along, fill=0).sum((-2, -1), dtype=input.dtype)
    divisor = torch.tensor(divisor_override or 1, device=input.device)
    if divisor_override is None:
        counted = torch.ones(input.shape[-2:], dtype=torch.int64, device=input.device)
        divisor = _views(counted, along, fill=0, frame=int(count_include_pad)).sum((-2, -1))
    if input.is_floating_point():
        return total / divisor.to(input.dtype)
    return total.div(divisor.to(input.dtype), rounding_mode="trunc")


def adaptive_bins(input_size: int, output_size: int) -> list[Pair]:
    """The bins of adaptive pooling along one dimension.

    Returns
    -------
    list of tuple of int
        ``(start, end)`` of each bin; the end is not in it. Bin i runs from ``i input_size /
        output_size``, rounded down, to ``(i + 1) input_size / output_size``, rounded up.

    Raises
    ------
    ValueError
        If a size is not positive.

    Examples
    --------
    >>> adaptive_bins(5, 3)
    [(0, 2), (1, 4), (3, 5)]
    """
    for name, value in {"input_size": input_size, "output_size": output_size}.items():
        if value < 1:
            raise ValueError(f"{name} is {value}; allowed: at least 1")
    edges = [(i * input_size, (i + 1) * input_size) for i in range(output_size)]
    return [(low // output_size, -(-high // output_size)) for low, high in edges]


def adaptive_avg_pool2d(input: torch.Tensor, output_size: int | Pair) -> torch.Tensor:
    """The mean of each of a given number of bins, as `torch.nn.functional.adaptive_avg_pool2d`.

    Parameters
    ----------
    input
        Shape ``(N, C, H, W)`` or ``(C, H, W)``, floats.
    output_size
        How many bins: one number, or one for the height and one for the width.

    Returns
    -------
    torch.Tensor
        Shape ``(N, C, *output_size)`` or ``(C, *output_size)``.

    Raises
    ------
    ValueError
        If ``input`` has another shape or dtype, or ``output_size`` is not positive.
    """
    _check_input(input)
    if not input.is_floating_point():
        raise ValueError(f"input is {input.dtype}; allowed: floating-point numbers")
    for axis, count in zip((-2, -1), pair("output_size", output_size, 1), strict=True):
        size = input.shape[axis]
        bins = torch.tensor(adaptive_bins(size, count), device=input.device)
        lengths = bins[:, 1] - bins[:, 0]
        steps = torch.arange(int(lengths.max()), device=input.device)
        places = (bins[:, :1] + steps).clamp(max=size - 1)
        values = input.movedim(axis, -1)[..., places]  # a row for each bin, as long as the longest
        inside = torch.where(steps < lengths[:, None], values, 0)
        input = (inside.sum(-1) / lengths.to(input.dtype)).movedim(-1, axis)
    return input


def blur_pool2d(input: torch.Tensor, stride: int = 2) -> torch.Tensor:
    """Blur with [1, 2, 1] / 4 along both dimensions, then keep every ``stride``-th pixel.

    Parameters
    ----------
    input
        Shape ``(N, C, H, W)`` or ``(C, H, W)``, floats, at least 2×2. It is mirrored at its edges.
    stride
        In pixels, for both dimensions.

    Returns
    -------
    torch.Tensor
        Shape ``(…, (H - 1) // stride + 1, (W - 1) // stride + 1)``.

    Raises
    ------
    ValueError
        If ``input`` has another shape or dtype, or ``stride`` is not positive.

    Notes
    -----
    Zhang (2019), "Making Convolutional Networks Shift-Invariant Again".
    """
    _check_input(input)
    if not input.is_floating_point() or min(input.shape[-2:]) < 2:
        raise ValueError(
            f"input is {_shape(input)}, {input.dtype}; allowed: floats, at least 2×2 pixels"
        )
    step = pair("stride", stride, 1)
    weights = input.new_tensor([1, 2, 1]) / 4
    views = windows(F.pad(input, (1, 1, 1, 1), mode="reflect"), (3, 3), step, (1, 1))
    return torch.einsum("...ij,i,j->...", views, weights, weights)


def _along(
    input: torch.Tensor,
    kernel_size: int | Pair,
    stride: int | Pair | None,
    padding: int | Pair,
    dilation: int | Pair,
    ceil_mode: bool,
) -> list[_Along]:
    """The arguments of a pooling function, checked, for the height and for the width."""
    _check_input(input)
    size = pair("kernel_size", kernel_size, 1)
    step = size if stride is None else pair("stride", stride, 1)
    edge, gap = pair("padding", padding, 0), pair("dilation", dilation, 1)
    given = list(zip(size, step, edge, gap, strict=True))
    counts = [
        pool_output_size(pixels, *numbers, ceil_mode)
        for pixels, numbers in zip(input.shape[-2:], given, strict=True)
    ]
    return [(*numbers, count) for numbers, count in zip(given, counts, strict=True)]


def _views(
    image: torch.Tensor, along: list[_Along], fill: float, frame: float | None = None
) -> torch.Tensor:
    """The windows, ``(…, oH, oW, kH, kW)``, of an image in a frame of padding.

    ``frame`` is what the padding is, ``fill`` (the default for it) what lies beyond it, where
    windows hang over.
    """
    (kh, sh, ph, dh, rows), (kw, sw, pw, dw, columns) = along
    # How far the last window reaches beyond the right and the bottom padding; negative if some
    # pixels or padding are not read at all, for F.pad then cuts them off.
    below = (rows - 1) * sh + dh * (kh - 1) + 1 - image.shape[-2] - 2 * ph
    right = (columns - 1) * sw + dw * (kw - 1) + 1 - image.shape[-1] - 2 * pw
    framed = F.pad(image, (pw, pw, ph, ph), value=fill if frame is None else frame)
    return windows(F.pad(framed, (0, right, 0, below), value=fill), (kh, kw), (sh, sw), (dh, dw))


def _least(dtype: torch.dtype) -> float:
    return -math.inf if dtype.is_floating_point else torch.iinfo(dtype).min


def _check_input(input: torch.Tensor) -> None:
    if input.ndim not in (3, 4):
        raise ValueError(f"input has shape {_shape(input)}; allowed: N×C×H×W or C×H×W")
    if input.is_complex() or input.dtype == torch.bool:
        raise ValueError(f"input is {input.dtype}; allowed: real numbers, for they are compared")


def _shape(tensor: torch.Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a single number"
