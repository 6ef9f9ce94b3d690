"""Right and wrong answers to the exercises of chapter 2."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Answer = Callable[..., Any]

# Slide, multiply, add


def _correlate_by_taps(input: Tensor, weight: Tensor) -> Tensor:
    """One shifted copy of the input for each number of the kernel."""
    height, width = (a - b + 1 for a, b in zip(input.shape, weight.shape, strict=True))
    output = torch.zeros(height, width, dtype=input.dtype)
    for i, row in enumerate(weight):
        for j, number in enumerate(row):
            output += number * input[i : i + height, j : j + width]
    return output


def _correlate_in_python(input: Tensor, weight: Tensor) -> Tensor:
    a, b = input.tolist(), weight.tolist()
    height, width = len(b), len(b[0])

    def at(i: int, j: int) -> Any:
        return sum(a[i + m][j + n] * b[m][n] for m in range(height) for n in range(width))

    rows = [[at(i, j) for j in range(len(a[0]) - width + 1)] for i in range(len(a) - height + 1)]
    return torch.tensor(rows, dtype=input.dtype)


def _correlate_by_matrix(input: Tensor, weight: Tensor) -> Tensor:
    """as_strided makes the windows a matrix; one product with the kernel as a vector."""
    (h, w), (kh, kw), (sh, sw) = input.shape, weight.shape, input.stride()
    size = (h - kh + 1, w - kw + 1)
    windows = input.as_strided((*size, kh, kw), (sh, sw, sh, sw))
    return (windows.reshape(-1, kh * kw) @ weight.reshape(-1)).reshape(size)


# Sizes


def _count_places(i: int, k: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Slide the kernel along and count."""
    start, count = -padding, 0
    while start + dilation * (k - 1) < i + padding:
        start, count = start + stride, count + 1
    return count


def _size_by_unfold(i: int, k: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    return torch.zeros(i + 2 * padding).unfold(0, dilation * (k - 1) + 1, stride).shape[0]


def _size(
    rounding: Callable[[float], float], *, pad: int = 2, plus: int = 1, span: str = "right"
) -> Answer:
    def conv_output_size(
        input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
    ) -> int:
        spans = {
            "right": dilation * (kernel_size - 1) + 1,
            "undilated": kernel_size,
            "multiplied": dilation * kernel_size,
        }
        return int(rounding((input_size + pad * padding - spans[span]) / stride) + plus)

    return conv_output_size


def _size_as_float(i: int, k: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> float:
    return (i + 2 * padding - dilation * (k - 1) - 1) / stride + 1


def _same_by_search(kernel_size: int, dilation: int = 1) -> tuple[int, int]:
    """Add pixels, the right first, until the size is kept."""
    left = right = 0
    while _count_places(100 + left + right, kernel_size, dilation=dilation) < 100:
        left, right = (left, right + 1) if left == right else (left + 1, right)
    return left, right


def _same_by_ceil(kernel_size: int, dilation: int = 1) -> tuple[int, int]:
    half = dilation * (kernel_size - 1) / 2
    return math.floor(half), math.ceil(half)


def _lay_down(i: int, k: int, stride: int = 1, padding: int = 0, **more: int) -> int:
    """Lay down one kernel after the other and see which pixels are reached."""
    gap = more.get("dilation", 1)
    reached = {n * stride + m * gap for n in range(i) for m in range(k)}
    whole = max(reached) - min(reached) + 1 + more.get("output_padding", 0)
    return len(range(whole)[padding : whole - padding])


def _invert_the_size(i: int, k: int, stride: int = 1, padding: int = 0, **more: int) -> int:
    """The smallest input of a convolution whose output has this size, and output_padding more."""
    gap, size = more.get("dilation", 1), max(1, more.get("dilation", 1) * (k - 1) + 1 - 2 * padding)
    while _count_places(size, k, stride, padding, gap) < i:
        size += 1
    return size + more.get("output_padding", 0)


def _transposed(*, less: int = 1, pad: int = -2, extra: int = 1, dilate: bool = True) -> Answer:
    def conv_transpose_output_size(
        input_size: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        output_padding: int = 0,
        dilation: int = 1,
    ) -> int:
        span = (dilation if dilate else 1) * (kernel_size - 1) + 1
        return (input_size - less) * stride + pad * padding + span + extra * output_padding

    return conv_transpose_output_size


# Channels first


def _channels_by_flat_pixels(images: Tensor) -> Tensor:
    n, h, w, c = images.shape
    return images.reshape(n, h * w, c).mT.reshape(n, c, h, w)


# One's own conv2d


def _both(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _by_taps(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Add up one product of channels for each tap of the kernel, group by group."""
    (sh, sw), (ph, pw), (dh, dw) = _both(stride), _both(padding), _both(dilation)
    input = F.pad(input, (pw, pw, ph, ph))
    kh, kw = weight.shape[2:]
    oh = (input.shape[2] - dh * (kh - 1) - 1) // sh + 1
    ow = (input.shape[3] - dw * (kw - 1) - 1) // sw + 1
    parts = []
    for part, kernels in zip(input.chunk(groups, 1), weight.chunk(groups, 0), strict=True):
        total = input.new_zeros(input.shape[0], kernels.shape[0], oh, ow)
        for i in range(kh):
            for j in range(kw):
                tap = part[:, :, i * dh :: sh, j * dw :: sw][:, :, :oh, :ow]
                total = total + torch.einsum("nchw,oc->nohw", tap, kernels[:, :, i, j])
        parts.append(total)
    output = torch.cat(parts, 1)
    return output if bias is None else output + bias.view(-1, 1, 1)


def _by_as_strided(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """One view of all windows, one matrix product for all groups."""
    (sh, sw), (ph, pw), (dh, dw) = _both(stride), _both(padding), _both(dilation)
    padded = F.pad(input, (pw, pw, ph, ph)).contiguous()
    n, c, h, w = padded.shape
    out, _, kh, kw = weight.shape
    oh, ow = (h - dh * (kh - 1) - 1) // sh + 1, (w - dw * (kw - 1) - 1) // sw + 1
    a, b, y, x = padded.stride()
    view = padded.as_strided((n, c, kh, kw, oh, ow), (a, b, y * dh, x * dw, y * sh, x * sw))
    columns = view.reshape(n, groups, c // groups * kh * kw, oh * ow)
    output = (weight.reshape(groups, out // groups, -1) @ columns).reshape(n, out, oh, ow)
    return output if bias is None else output + bias[None, :, None, None]


def _pixel_by_pixel(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    (n, _, h, w), (out, _, kh, kw) = input.shape, weight.shape
    output = input.new_zeros(n, out, h - kh + 1, w - kw + 1)
    for i in range(h - kh + 1):
        for j in range(w - kw + 1):
            window = input[:, None, :, i : i + kh, j : j + kw]
            output[:, :, i, j] = (window * weight).sum(dim=(2, 3, 4))
    return output if bias is None else output + bias[:, None, None]


def _no_bias(input: Tensor, weight: Tensor, bias: Tensor | None = None, **options: Any) -> Tensor:
    return _by_taps(input, weight, None, **options)


def _changed(**changes: Callable[[Any], Any]) -> Answer:
    """The right answer with some arguments tampered with."""

    def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, **options: Any) -> Tensor:
        for name, change in changes.items():
            if name in options:
                options[name] = change(options[name])
        return _by_taps(input, weight, bias, **options)

    return conv2d


def _swap(value: Any) -> tuple[int, int]:
    return _both(value)[::-1]


def _padded(pad: Callable[[Tensor, int, int], Tensor]) -> Answer:
    """The right answer with another frame."""

    def conv2d(
        input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0
    ) -> Tensor:
        return _by_taps(pad(input, *_both(padding)), weight, bias, stride)

    return conv2d


def _stride_before_padding(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    sh, sw = _both(stride)
    return _by_taps(input[:, :, ::sh, ::sw], weight, bias, 1, padding)


def _interleaved_groups(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, groups: int = 1, **options: Any
) -> Tensor:
    """Channel c goes to group c % groups, where it should be c // (C / groups)."""
    parts = [input[:, g::groups] for g in range(groups)]
    return _by_taps(torch.cat(parts, 1), weight, bias, groups=groups, **options)


def _added_groups(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, groups: int = 1, **options: Any
) -> Tensor:
    """Each kernel sees every group's channels."""
    wide = weight.repeat(1, groups, 1, 1)
    return _by_taps(input, wide, bias, **options)


def _detached(input: Tensor, weight: Tensor, *args: Any, **options: Any) -> Tensor:
    return _by_taps(input, weight.detach(), *args, **options)


def _always_float(input: Tensor, weight: Tensor, *args: Any, **options: Any) -> Tensor:
    args = tuple(None if arg is None else arg.float() for arg in args)
    if options.get("bias") is not None:
        options["bias"] = options["bias"].float()
    return _by_taps(input.float(), weight.float(), *args, **options)


RIGHT: dict[str, dict[str, object]] = {
    "cross-correlation": {
        "tap by tap": _correlate_by_taps,
        "lists and sums": _correlate_in_python,
        "as_strided and a matrix product": _correlate_by_matrix,
    },
    "conv-output-size": {
        "counting the places": _count_places,
        "the shape of Tensor.unfold": _size_by_unfold,
        "math.floor": _size(math.floor),
    },
    "same-padding": {
        "a search": _same_by_search,
        "floor and ceil of the half": _same_by_ceil,
    },
    "channels-first": {
        "stacked channel by channel": lambda x: torch.stack(x.unbind(-1), dim=1),
        "two swaps": lambda images: images.transpose(2, 3).transpose(1, 2),
        "movedim": lambda images: images.movedim(3, 1),
        "a matrix of pixels, transposed": _channels_by_flat_pixels,
    },
    "conv2d-batch-channels": {
        "tap by tap": _by_taps,
        "as_strided and a matrix product": _by_as_strided,
        "pixel by pixel": _pixel_by_pixel,
    },
    "conv2d-stride-padding": {
        "tap by tap": _by_taps,
        "as_strided and a matrix product": _by_as_strided,
    },
    "conv2d-dilation-groups": {
        "tap by tap": _by_taps,
        "as_strided and a matrix product": _by_as_strided,
    },
    "conv-transpose-output-size": {
        "which pixels are reached": _lay_down,
        "a search for the convolution's input": _invert_the_size,
    },
}

WRONG: dict[str, dict[str, object]] = {
    "cross-correlation": {
        "the kernel flipped": lambda input, weight: _correlate_by_taps(input, weight.flip(0, 1)),
        "the kernel transposed": lambda input, weight: _correlate_by_taps(input, weight.T),
        "one row and column too few": lambda input, weight: _correlate_by_taps(input, weight)[
            :-1, :-1
        ],
        "square inputs only": lambda a, b: _correlate_by_taps(a[:, : len(a)], b[:, : len(b)]),
        "floats for integers": lambda input, weight: _correlate_by_taps(input, weight).float(),
        "integers for floats": lambda input, weight: _correlate_by_taps(input, weight).long(),
        "torch's own": lambda a, b: F.conv2d(a[None, None], b[None, None])[0, 0],
        "F.unfold": lambda a, b: b.flatten().float() @ F.unfold(a[None, None].float(), b.shape)[0],
    },
    "conv-output-size": {
        "round for floor": _size(round),
        "ceil for floor": _size(math.ceil),
        "round at the end": lambda *args, **options: round(_size_as_float(*args, **options)),
        "no floor": _size_as_float,
        "one too few": _size(math.floor, plus=0),
        "padding on one side": _size(math.floor, pad=1),
        "dilation ignored": _size(math.floor, span="undilated"),
        "dilation times kernel": _size(math.floor, span="multiplied"),
        "stride ignored": lambda i, k, stride=1, **more: _count_places(i, k, **more),
    },
    "same-padding": {
        "the extra one on the left": lambda k, dilation=1: _same_by_ceil(k, dilation)[::-1],
        "both sides the smaller half": lambda k, dilation=1: (dilation * (k - 1) // 2,) * 2,
        "half the kernel": lambda k, dilation=1: (dilation * (k // 2),) * 2,
        "dilation ignored": lambda k, dilation=1: _same_by_ceil(k),
        "all on the right": lambda k, dilation=1: (0, dilation * (k - 1)),
        "a list": lambda k, dilation=1: list(_same_by_ceil(k, dilation)),
    },
    "channels-first": {
        "reshape": lambda x: x.reshape(x.shape[0], x.shape[3], x.shape[1], x.shape[2]),
        "height and width swapped": lambda images: images.permute(0, 3, 2, 1),
        "channels before the batch": lambda images: images.permute(3, 0, 1, 2),
        "bytes made floats": lambda images: images.permute(0, 3, 1, 2).float(),
        "the first image only": lambda images: images[:1].permute(0, 3, 1, 2),
    },
    "conv2d-batch-channels": {
        "the first channel only": lambda x, w, bias=None: _by_taps(x[:, :1], w[:, :1], bias),
        "the mean over channels": lambda x, w, bias=None: _by_taps(x, w / x.shape[1], bias),
        "the first image only": lambda x, w, bias=None: _by_taps(x[:1], w, bias),
        "the first image for all": lambda x, w, bias=None: _by_taps(x[:1].expand_as(x), w, bias),
        "the bias forgotten": _no_bias,
        "all biases everywhere": lambda x, w, bias=None: (
            _by_taps(x, w) + (0 if bias is None else bias.sum())
        ),
        "the kernel flipped": lambda x, w, bias=None: _by_taps(x, w.flip(2, 3), bias),
        "torch's own": F.conv2d,
        "F.unfold": lambda input, weight, bias=None: (
            weight.flatten(1) @ F.unfold(input, weight.shape[2:])
        ),
    },
    "conv2d-stride-padding": {
        "stride ignored": _changed(stride=lambda value: 1),
        "padding ignored": _changed(padding=lambda value: 0),
        "height and width of the stride swapped": _changed(stride=_swap),
        "height and width of the padding swapped": _changed(padding=_swap),
        "the first of a pair for both": _changed(stride=lambda value: _both(value)[0]),
        "padding on one side": _padded(lambda x, h, w: F.pad(x, (2 * w, 0, 2 * h, 0))),
        "padding with copies of the edge": _padded(
            lambda x, h, w: F.pad(x, (w, w, h, h), mode="replicate")
        ),
        "stride before padding": _stride_before_padding,
        "the bias forgotten": _no_bias,
        "torch's own": F.conv2d,
    },
    "conv2d-dilation-groups": {
        "dilation ignored": _changed(dilation=lambda value: 1),
        "one dilation too few": _changed(
            dilation=lambda value: tuple(n - 1 or 1 for n in _both(value))
        ),
        "height and width of the dilation swapped": _changed(dilation=_swap),
        "channels dealt out to groups in turn": _interleaved_groups,
        "every group sees all channels": _added_groups,
        "no gradient for the weight": _detached,
        "always floats": _always_float,
        "the bias forgotten": _no_bias,
        "stride ignored": _changed(stride=lambda value: 1),
        "torch's own": F.conv2d,
    },
    "conv-transpose-output-size": {
        "one step too many": _transposed(less=0),
        "padding added": _transposed(pad=2),
        "padding from one side": _transposed(pad=-1),
        "output padding ignored": _transposed(extra=0),
        "output padding on both sides": _transposed(extra=2),
        "dilation ignored": _transposed(dilate=False),
        "the size of a convolution": lambda i, k, output_padding=0, **o: _count_places(i, k, **o),
    },
}

EQUIVALENT: dict[str, set[str]] = {}
