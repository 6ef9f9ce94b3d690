"""Convolution in two dimensions: its arithmetic of sizes, and the layer as one matrix product.

A convolution lays a small kernel on every window of its input, multiplies place by place and
adds up. Written with the windows as the columns of a matrix, that is one matrix product. The
transposed convolution is the same product the other way: a column for every input pixel, added
back to the places of its window.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from torch.nn import functional as F

from .windows import Pair, fitting_span, windows
from .windows import pair as _pair


def conv_output_size(
    input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """The number of outputs of a convolution along one dimension.

    Parameters
    ----------
    input_size, kernel_size, stride, padding, dilation
        In pixels. ``padding`` is added at both ends.

    Returns
    -------
    int
        ``floor((input_size + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1``.

    Raises
    ------
    ValueError
        If an argument is too small, or the kernel does not fit into the padded input.

    Notes
    -----
    Dumoulin & Visin (2016), relationships 6 and 15.

    Examples
    --------
    >>> conv_output_size(6, 3, stride=2, padding=1)
    3
    """
    _check_sizes(input_size=input_size, kernel_size=kernel_size, stride=stride)
    _check_sizes(padding=padding, dilation=dilation)
    padded = input_size + 2 * padding
    return (padded - fitting_span(padded, kernel_size, dilation)) // stride + 1


def conv_transpose_output_size(
    input_size: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> int:
    """The number of outputs of a transposed convolution along one dimension.

    Parameters
    ----------
    input_size, kernel_size, stride, padding, output_padding, dilation
        In pixels. ``padding`` is cut off at both ends, ``output_padding`` is added at the last.

    Returns
    -------
    int
        ``(input_size - 1) stride + dilation (kernel_size - 1) + 1 - 2 padding + output_padding``.

    Raises
    ------
    ValueError
        If an argument is too small, if ``output_padding`` is not smaller than ``stride`` or
        ``dilation``, or if nothing is left.

    Notes
    -----
    Dumoulin & Visin (2016), relationship 14, with dilation.

    Examples
    --------
    >>> conv_transpose_output_size(3, 3, stride=2, padding=1, output_padding=1)
    6
    """
    _check_sizes(input_size=input_size, kernel_size=kernel_size, stride=stride)
    _check_sizes(padding=padding, output_padding=output_padding, dilation=dilation)
    if output_padding >= max(stride, dilation):
        raise ValueError(
            f"output_padding is {output_padding}; allowed: 0 to {max(stride, dilation) - 1}, "
            "less than stride or dilation"
        )
    whole = (input_size - 1) * stride + dilation * (kernel_size - 1) + 1 + output_padding
    if whole <= 2 * padding:
        raise ValueError(
            f"padding is {padding}; allowed: at most {(whole - 1) // 2}, "
            f"for it is cut from both ends of {whole} outputs"
        )
    return whole - 2 * padding


def receptive_field(layers: Iterable[tuple[int, int, int]]) -> int:
    """How many input pixels in a row one output of a stack of convolutions sees.

    Parameters
    ----------
    layers
        ``(kernel_size, stride, dilation)`` of each layer, from the input on.

    Returns
    -------
    int
        ``1 + sum of dilation (kernel_size - 1) (product of the strides before)``, in pixels.

    Raises
    ------
    ValueError
        If one of the numbers is less than 1.

    Notes
    -----
    Araujo, Norris & Sim (2019), "Computing Receptive Fields of Convolutional Neural Networks":
    the closed form for a single path, with the span ``dilation (kernel_size - 1) + 1`` in the
    place of ``kernel_size``.

    Examples
    --------
    >>> receptive_field([(3, 2, 1), (3, 1, 2)])
    11
    """
    size, step = 1, 1
    for kernel_size, stride, dilation in layers:
        _check_sizes(kernel_size=kernel_size, stride=stride, dilation=dilation)
        size += dilation * (kernel_size - 1) * step  # step: input pixels between neighbors here
        step *= stride
    return size


def conv2d(
    input: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | Pair | Literal["same", "valid"] = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> torch.Tensor:
    """Cross-correlate images with kernels, as `torch.nn.functional.conv2d`.

    Parameters
    ----------
    input
        Shape ``(N, C, H, W)`` or ``(C, H, W)``, any dtype that can be multiplied.
    weight
        Shape ``(out, C / groups, kH, kW)``.
    bias
        Shape ``(out,)``.
    stride, padding, dilation
        In pixels: one number, or one for the height and one for the width. ``"same"`` keeps the
        size at stride 1 (an odd pixel of padding goes to the right and the bottom), ``"valid"``
        is no padding.
    groups
        Into how many parts the channels are cut; each is convolved with its own kernels.

    Returns
    -------
    torch.Tensor
        Shape ``(N, out, oH, oW)`` or ``(out, oH, oW)``, sizes as in `conv_output_size`.

    Raises
    ------
    ValueError
        If an argument is too small, shapes or dtypes do not go together, the kernel does not
        fit, or ``padding="same"`` meets a stride above 1.

    Notes
    -----
    Chellapilla, Puri & Simard (2006), "High Performance Convolutional Neural Networks for
    Document Processing": convolution unrolled into a matrix product.
    """
    _check_tensors(input, weight, bias, groups, transposed=False)
    if input.ndim == 3:
        return conv2d(input[None], weight, bias, stride, padding, dilation, groups)[0]
    stride, dilation = _pair("stride", stride, 1), _pair("dilation", dilation, 1)
    out, _, height, width = weight.shape
    padded = F.pad(input, _edges(padding, (height, width), stride, dilation))
    views = windows(padded, (height, width), stride, dilation)
    batch, channels, rows, columns = views.shape[:4]
    # A column for each window, a row for each kernel; groups side by side.
    patches = views.permute(0, 1, 4, 5, 2, 3)
    patches = patches.reshape(batch, groups, channels // groups * height * width, rows * columns)
    kernels = weight.reshape(groups, out // groups, channels // groups * height * width)
    output = (kernels @ patches).reshape(batch, out, rows, columns)
    return output if bias is None else output + bias[:, None, None]


def conv_transpose2d(
    input: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    groups: int = 1,
    dilation: int | Pair = 1,
) -> torch.Tensor:
    """Spread each pixel over a window and add up, as `torch.nn.functional.conv_transpose2d`.

    Parameters
    ----------
    input
        Shape ``(N, C, H, W)`` or ``(C, H, W)``, any dtype that can be multiplied.
    weight
        Shape ``(C, out / groups, kH, kW)``.
    bias
        Shape ``(out,)``.
    stride, padding, output_padding, dilation
        In pixels, as in `conv_transpose_output_size`: one number, or one for the height and one
        for the width.
    groups
        Into how many parts the channels are cut; each is spread with its own kernels.

    Returns
    -------
    torch.Tensor
        Shape ``(N, out, oH, oW)`` or ``(out, oH, oW)``.

    Raises
    ------
    ValueError
        If an argument is too small or too large, or shapes or dtypes do not go together.

    Notes
    -----
    Dumoulin & Visin (2016), chapter 4: the matrix of `conv2d`, transposed.
    """
    _check_tensors(input, weight, bias, groups, transposed=True)
    if input.ndim == 3:
        options = (bias, stride, padding, output_padding, groups, dilation)
        return conv_transpose2d(input[None], weight, *options)[0]
    stride, dilation = _pair("stride", stride, 1), _pair("dilation", dilation, 1)
    cut, extra = _pair("padding", padding, 0), _pair("output_padding", output_padding, 0)
    batch, channels, rows, columns = input.shape
    out, (height, width) = weight.shape[1] * groups, weight.shape[2:]
    along = zip(input.shape[2:], weight.shape[2:], stride, cut, extra, dilation, strict=True)
    out_rows, out_columns = (conv_transpose_output_size(*numbers) for numbers in along)
    pixels = input.reshape(batch, groups, channels // groups, rows * columns)
    kernels = weight.reshape(groups, channels // groups, out // groups * height * width)
    patches = (kernels.mT @ pixels).reshape(batch, out, height, width, rows, columns)
    canvas = _fold(patches, (out_rows + 2 * cut[0], out_columns + 2 * cut[1]), stride, dilation)
    output = canvas[..., cut[0] : cut[0] + out_rows, cut[1] : cut[1] + out_columns]
    return output if bias is None else output + bias[:, None, None]


def _fold(patches: torch.Tensor, size: Pair, stride: Pair, dilation: Pair) -> torch.Tensor:
    """Add patches ``(N, C, kH, kW, oH, oW)`` to their windows of a canvas ``(N, C, *size)``."""
    batch, channels, height, width, rows, columns = patches.shape
    numbered = torch.arange(size[0] * size[1], device=patches.device).reshape(size)
    # The windows of a canvas of numbers say where each entry of each patch belongs.
    places = windows(numbered, (height, width), stride, dilation)[:rows, :columns]
    canvas = patches.new_zeros(batch, channels, size[0] * size[1])
    flat = patches.reshape(batch, channels, height * width * rows * columns)
    canvas = canvas.index_add(2, places.permute(2, 3, 0, 1).flatten(), flat)
    return canvas.reshape(batch, channels, *size)


def _edges(
    padding: int | Pair | str, kernel_size: Pair, stride: Pair, dilation: Pair
) -> tuple[int, int, int, int]:
    """The padding ``(left, right, top, bottom)``, the order of `torch.nn.functional.pad`."""
    if padding == "same":
        if stride != (1, 1):
            raise ValueError(f"stride is {stride}; allowed with padding='same': 1")
        total = [gap * (size - 1) for size, gap in zip(kernel_size, dilation, strict=True)]
        top, left = total[0] // 2, total[1] // 2
        return left, total[1] - left, top, total[0] - top
    if isinstance(padding, str) and padding != "valid":
        raise ValueError(f"padding is {padding!r}; allowed: 'same', 'valid', an int or a pair")
    height, width = (0, 0) if isinstance(padding, str) else _pair("padding", padding, 0)
    return width, width, height, height


def _check_sizes(**sizes: int) -> None:
    for name, value in sizes.items():
        least = 0 if "padding" in name else 1
        if value < least:
            raise ValueError(f"{name} is {value}; allowed: at least {least}")


def _check_tensors(
    input: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    groups: int,
    *,
    transposed: bool,
) -> None:
    if input.ndim not in (3, 4):
        raise ValueError(f"input has shape {_shape(input)}; allowed: N×C×H×W or C×H×W")
    layout = "C × out/groups × kH × kW" if transposed else "out × C/groups × kH × kW"
    if weight.ndim != 4:
        raise ValueError(f"weight has shape {_shape(weight)}; allowed: {layout}")
    channels = input.shape[-3]
    if groups < 1 or channels % groups:
        raise ValueError(f"groups is {groups}; allowed: a divisor of the {channels} channels")
    first, second = weight.shape[0], weight.shape[1] * groups
    expected, out = (first, second) if transposed else (second, first)
    if channels != expected or out % groups:
        raise ValueError(
            f"weight has shape {_shape(weight)}; "
            f"allowed: {layout}, here with C = {channels} and groups = {groups}"
        )
    if bias is not None and bias.shape != (out,):
        raise ValueError(f"bias has shape {_shape(bias)}; allowed: one number for each of {out}")
    for name, other in (("weight", weight), ("bias", bias)):
        if other is not None and other.dtype != input.dtype:
            raise ValueError(f"{name} is {other.dtype}; allowed: {input.dtype}, as the input")


def _shape(tensor: torch.Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a single number"
