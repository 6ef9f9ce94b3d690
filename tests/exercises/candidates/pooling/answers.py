"""Right and wrong answers to the exercises of chapter 4."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Answer = Callable[..., Any]

# Sizes


def _count_windows(
    input_size: int,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """Lay window after window, and count."""
    step = kernel_size if stride is None else stride
    start, count, span = -padding, 0, dilation * (kernel_size - 1) + 1
    while start + span <= input_size + padding:
        start, count = start + step, count + 1
    # One more, if the last one left pixels or padding over and it starts early enough.
    left_over = start - step + span < input_size + padding
    return count + (ceil_mode and left_over and start < input_size)


def _count_starts(
    input_size: int,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """Of all starts before the right padding, those with room, or with some slack."""
    step = stride or kernel_size
    span = dilation * (kernel_size - 1) + 1
    last = input_size + 2 * padding - span + (step - 1 if ceil_mode else 0)
    return len([start for start in range(0, input_size + padding, step) if start <= last])


def _size(
    *,
    default: str = "kernel",
    rounding: Callable[[float], int] = math.floor,
    span: str = "right",
    limit: Callable[[int, int], float] = lambda size, padding: size + padding,
    pad: int = 2,
    plus: int = 1,
) -> Answer:
    """The right formula with one thing changed."""

    def pool_output_size(
        input_size: int,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        dilation: int = 1,
        ceil_mode: bool = False,
    ) -> int:
        if stride is None:
            stride = kernel_size if default == "kernel" else 1
        spans = {"right": dilation * (kernel_size - 1) + 1, "undilated": kernel_size}
        free = input_size + pad * padding - spans[span]
        count = (math.ceil if ceil_mode else rounding)(free / stride) + plus
        if ceil_mode and (count - 1) * stride >= limit(input_size, padding):
            count -= 1
        return count

    return pool_output_size


# Pooling by slices: one shifted copy of the image for each place in a window


def _both(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _slices(
    image: Tensor, kernel_size: Any, stride: Any, dilation: Any, rows: int, columns: int
) -> list[Tensor]:
    (kh, kw), (sh, sw), (dh, dw) = _both(kernel_size), _both(stride), _both(dilation)
    return [
        image[:, :, i * dh :: sh, j * dw :: sw][:, :, :rows, :columns]
        for i in range(kh)
        for j in range(kw)
    ]


def _maxima(frame: Callable[[torch.dtype], float], combine: Answer = torch.maximum) -> Answer:
    def max_pool(
        input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1
    ) -> Tensor:
        stride = kernel_size if stride is None else stride
        ph, pw = _both(padding)
        padded = F.pad(input, (pw, pw, ph, ph), value=frame(input.dtype))
        along = (padded.shape[2:], *map(_both, (kernel_size, stride, dilation)))
        rows, columns = (
            (size - d * (k - 1) - 1) // s + 1 for size, k, s, d in zip(*along, strict=True)
        )
        parts = _slices(padded, kernel_size, stride, dilation, rows, columns)
        result = parts[0]
        for part in parts[1:]:
            result = combine(result, part)
        return result

    return max_pool


def _least(dtype: torch.dtype) -> float:
    return -math.inf if dtype.is_floating_point else torch.iinfo(dtype).min


def _least_but(least: float) -> Callable[[torch.dtype], float]:
    """A number that is merely small, as far as the dtype has it."""
    return lambda dtype: max(least, _least(dtype))


_max_pool = _maxima(_least)


def _max_by_as_strided(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1
) -> Tensor:
    (kh, kw), (ph, pw), (dh, dw) = _both(kernel_size), _both(padding), _both(dilation)
    sh, sw = _both(kernel_size if stride is None else stride)
    padded = F.pad(input, (pw, pw, ph, ph), value=_least(input.dtype)).contiguous()
    n, c, h, w = padded.shape
    oh, ow = (h - dh * (kh - 1) - 1) // sh + 1, (w - dw * (kw - 1) - 1) // sw + 1
    a, b, y, x = padded.stride()
    view = padded.as_strided((n, c, oh, ow, kh, kw), (a, b, y * sh, x * sw, y * dh, x * dw))
    return view.flatten(-2).sort(-1).values[..., -1]


def _max_with(**changes: Callable[[Any], Any]) -> Answer:
    """The right answer with some arguments tampered with."""

    def max_pool(input: Tensor, kernel_size: Any, **options: Any) -> Tensor:
        options = {"stride": None, **options}
        if options["stride"] is None:
            options["stride"] = kernel_size
        for name, change in changes.items():
            if name in options:
                options[name] = change(options[name])
        return _max_pool(input, kernel_size, **options)

    return max_pool


def _sums(image: Tensor, k: int, step: int, padding: int, ceil_mode: bool, frame: float) -> Tensor:
    """Sums of windows, in a loop over the windows, each cut off at the end of the padding."""
    padded = F.pad(image, (padding,) * 4, value=frame)
    counts = [_count_windows(n, k, step, padding, 1, ceil_mode) for n in image.shape[2:]]
    result = image.new_zeros(*image.shape[:2], *counts)
    for i in range(counts[0]):
        for j in range(counts[1]):
            window = padded[:, :, i * step : i * step + k, j * step : j * step + k]
            result[:, :, i, j] = window.sum(dim=(2, 3))
    return result


def _mean(
    *,
    counted: str = "right",
    default: str = "kernel",
    ceil: Callable[[bool], bool] = lambda given: given,
    divide: bool = True,
) -> Answer:
    """The mean by loops, with one thing changed."""

    def avg_pool(
        input: Tensor,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Tensor:
        step = stride or (kernel_size if default == "kernel" else 1)
        given = kernel_size, step, padding, ceil(ceil_mode)
        total = _sums(input, *given, 0)
        if divisor_override is not None and divide:
            return total / divisor_override
        ones = {"pixels": 0.0, "padding": 1.0}.get(counted, float(count_include_pad))
        if counted == "whole window" and count_include_pad:
            return total / kernel_size**2
        return total / _sums(torch.ones_like(input), *given, ones)

    return avg_pool


_avg_pool = _mean()


def _mean_by_convolution(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Sums are a convolution with ones; so are the divisors."""
    step = stride or kernel_size
    counts = [_count_starts(n, kernel_size, step, padding, 1, ceil_mode) for n in input.shape[2:]]

    def sums(image: Tensor, frame: float) -> Tensor:
        padded = F.pad(image, (padding,) * 4, value=frame).flatten(0, 1)[:, None]
        over = [max(0, (n - 1) * step + kernel_size - size)
                for n, size in zip(counts, padded.shape[2:], strict=True)]  # fmt: skip
        padded = F.pad(padded, (0, over[1], 0, over[0]))
        whole = F.conv2d(padded, padded.new_ones(1, 1, kernel_size, kernel_size), stride=step)
        return whole[:, 0, : counts[0], : counts[1]].unflatten(0, input.shape[:2])

    divisor = sums(torch.ones_like(input), float(count_include_pad))
    return sums(input, 0) / (divisor_override or divisor)


# Unpooling


def _unpool_in_loops(input: Tensor, indices: Tensor, output_size: tuple[int, int]) -> Tensor:
    result = torch.zeros(*input.shape[:2], *output_size, dtype=input.dtype)
    for n, c, i, j in torch.cartesian_prod(*map(torch.arange, input.shape)).tolist():
        place = int(indices[n, c, i, j])
        result[n, c, place // output_size[1], place % output_size[1]] = input[n, c, i, j]
    return result


def _unpool_by_index(input: Tensor, indices: Tensor, output_size: tuple[int, int]) -> Tensor:
    """All maps in one row, each with its offset."""
    size = output_size[0] * output_size[1]
    maps = input.shape[0] * input.shape[1]
    result = torch.zeros(maps * size, dtype=input.dtype)
    offsets = torch.arange(maps).reshape(*input.shape[:2], 1, 1) * size
    result[(indices + offsets).flatten()] = input.flatten()
    return result.reshape(*input.shape[:2], *output_size)


def _unpool_with(change: Callable[[Tensor, Tensor, tuple[int, int]], Any]) -> Answer:
    return lambda input, indices, size: _unpool_in_loops(*change(input, indices, size))


def _unpool_added(input: Tensor, indices: Tensor, output_size: tuple[int, int]) -> Tensor:
    row = input.new_zeros(*input.shape[:2], output_size[0] * output_size[1])
    return row.scatter_add(2, indices.flatten(2), input.flatten(2)).unflatten(2, output_size)


# The gradient


def _gradient_in_loops(
    input: Tensor, gradient: Tensor, kernel_size: int, stride: int, *, add: bool = True
) -> Tensor:
    result = torch.zeros_like(input)
    for n, c, i, j in torch.cartesian_prod(*map(torch.arange, gradient.shape)).tolist():
        top, left = i * stride, j * stride
        window = input[n, c, top : top + kernel_size, left : left + kernel_size]
        best = int(window.argmax())
        place = n, c, top + best // kernel_size, left + best % kernel_size
        result[place] = gradient[n, c, i, j] + (result[place] if add else 0)
    return result


def _gradient_by_autograd(input: Tensor, gradient: Tensor, kernel_size: int, stride: int) -> Tensor:
    """Autograd through one's own pooling, which picks one pixel of each window."""
    leaf = input.clone().requires_grad_()
    views = leaf.unfold(2, kernel_size, stride).unfold(3, kernel_size, stride).flatten(-2)
    output = views.gather(-1, views.argmax(-1, keepdim=True))[..., 0]
    return torch.autograd.grad((output * gradient).sum(), leaf)[0]


def _gradient_with(find: Callable[[Tensor], Tensor]) -> Answer:
    """Each window's gradient dealt out as ``find(window)`` says."""

    def max_pool_gradient(input: Tensor, gradient: Tensor, kernel_size: int, stride: int) -> Tensor:
        result = torch.zeros_like(input)
        for n, c, i, j in torch.cartesian_prod(*map(torch.arange, gradient.shape)).tolist():
            part = (n, c, slice(i * stride, i * stride + kernel_size),
                    slice(j * stride, j * stride + kernel_size))  # fmt: skip
            result[part] += find(input[part]) * gradient[n, c, i, j]
        return result

    return max_pool_gradient


def _last_of_equals(window: Tensor) -> Tensor:
    place = window.numel() - 1 - int(window.flatten().flip(0).argmax())
    return F.one_hot(torch.tensor(place), window.numel()).reshape(window.shape)


# Adaptive pooling


def _bins_by_pixels(input_size: int, output_size: int) -> list[tuple[int, int]]:
    """Each pixel, cut into output_size slivers; which bins hold one of them?"""
    bins = []
    for i in range(output_size):
        slivers = range(i * input_size, (i + 1) * input_size)
        pixels = [sliver // output_size for sliver in slivers]
        bins.append((min(pixels), max(pixels) + 1))
    return bins


def _bins_by_ceil(input_size: int, output_size: int) -> list[list[int]]:
    parts = [(i * input_size / output_size, (i + 1) * input_size / output_size)
             for i in range(output_size)]  # fmt: skip
    return [[math.floor(low), math.ceil(round(high, 9))] for low, high in parts]


def _bins_with(
    low: Callable[[float], int] = math.floor,
    high: Callable[[float], int] = math.ceil,
    plus: int = 0,
) -> Answer:
    return lambda size, count: [
        (low(i * size / count), high((i + 1) * size / count) + plus) for i in range(count)
    ]


# Blur pooling


def _blur_by_slices(input: Tensor, stride: int = 2) -> Tensor:
    x = F.pad(input, (1, 1, 1, 1), mode="reflect")
    x = (x[:, :, :-2] + 2 * x[:, :, 1:-1] + x[:, :, 2:]) / 4
    x = (x[..., :-2] + 2 * x[..., 1:-1] + x[..., 2:]) / 4
    return x[:, :, ::stride, ::stride]


def _blur_by_windows(input: Tensor, stride: int = 2) -> Tensor:
    x = F.pad(input, (1, 1, 1, 1), mode="reflect")
    kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    return (x.unfold(2, 3, stride).unfold(3, 3, stride) * kernel).sum(dim=(-2, -1))


def _blur_with(
    mode: str = "reflect", weights: tuple[float, ...] = (1, 2, 1), scale: float = 16
) -> Answer:
    def blur_pool(input: Tensor, stride: int = 2) -> Tensor:
        one = torch.tensor(weights, dtype=input.dtype)
        kernel = (torch.outer(one, one) / scale).expand(input.shape[1], 1, 3, 3)
        framed = F.pad(input, (1, 1, 1, 1), mode=mode)
        return F.conv2d(framed, kernel, stride=stride, groups=input.shape[1])

    return blur_pool


def _blur_mixing_channels(input: Tensor, stride: int = 2) -> Tensor:
    return _blur_by_slices(input, stride).mean(1, keepdim=True).expand(-1, input.shape[1], -1, -1)
