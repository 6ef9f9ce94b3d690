"""Linear layers and the layers around them: flatten, dropout, normalization, embedding.

All are functions with the arguments, the names and the numbers of `torch.nn.functional`. What a
module adds is only memory: the parameters, the running averages and the mode.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.nn import functional as F

Pair = tuple[int, int]


def linear(
    input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """Multiply by a matrix and add a bias, as `torch.nn.functional.linear`.

    Parameters
    ----------
    input
        Shape ``(…, in)``: any number of dimensions before the features.
    weight
        Shape ``(out, in)``: a row for each output.
    bias
        Shape ``(out,)``.

    Returns
    -------
    torch.Tensor
        Shape ``(…, out)``.

    Raises
    ------
    ValueError
        If shapes or dtypes do not go together.

    Examples
    --------
    >>> linear(torch.tensor([1, 2]), torch.tensor([[1, 0], [1, 1]]), torch.tensor([0, 10]))
    tensor([ 1, 13])
    """
    if weight.ndim != 2:
        raise ValueError(f"weight has shape {_shape(weight)}; allowed: out×in")
    out, features = weight.shape
    if input.ndim < 1 or input.shape[-1] != features:
        raise ValueError(
            f"input has shape {_shape(input)}; allowed: {features} features in the last "
            f"dimension, as many as the weight has columns"
        )
    _check_shapes((out,), bias=bias)
    for name, other in (("weight", weight), ("bias", bias)):
        if other is not None and other.dtype != input.dtype:
            raise ValueError(f"{name} is {other.dtype}; allowed: {input.dtype}, as the input")
    output = input @ weight.mT
    return output if bias is None else output + bias


def flatten(input: torch.Tensor, start_dim: int = 0, end_dim: int = -1) -> torch.Tensor:
    """Make one dimension of several neighboring ones, as `torch.flatten`.

    Parameters
    ----------
    input
        Any shape and dtype.
    start_dim, end_dim
        The first and the last of the dimensions that become one; negative ones count from the
        end. `torch.nn.Flatten` begins at 1, and so keeps the batch dimension.

    Returns
    -------
    torch.Tensor
        The same numbers in the same order; a view of the input where its memory allows.

    Raises
    ------
    ValueError
        If there is no such dimension, or ``start_dim`` comes after ``end_dim``.
    """
    if input.ndim == 0:
        input = input.reshape(1)
    first, last = (
        _dimension(name, value, input.ndim)
        for name, value in (("start_dim", start_dim), ("end_dim", end_dim))
    )
    if first > last:
        raise ValueError(f"start_dim is {start_dim}; allowed: up to end_dim, which is {end_dim}")
    shape = input.shape
    return input.reshape(*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])


def conv_matrix(
    weight: torch.Tensor,
    input_size: Pair,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
) -> torch.Tensor:
    """The matrix of a convolution: what a linear layer needs to do the same.

    Parameters
    ----------
    weight
        Shape ``(out, C, kH, kW)``, as for `torch.nn.functional.conv2d`.
    input_size
        Height and width of the images, in pixels.
    stride, padding
        As for the convolution: one number, or one for the height and one for the width.

    Returns
    -------
    torch.Tensor
        Shape ``(out oH oW, C H W)``. Applied to flattened images it gives flattened feature
        maps. Every row holds one kernel's weights, at the places of one window.

    Raises
    ------
    ValueError
        If an argument is too small or the kernel does not fit.

    Notes
    -----
    Dumoulin & Visin (2016), section 4.1: convolution as a matrix operation.

    Examples
    --------
    >>> conv_matrix(torch.tensor([[[[1, 10]]]]), (1, 3))
    tensor([[ 1, 10,  0],
            [ 0,  1, 10]])
    """
    if weight.ndim != 4:
        raise ValueError(f"weight has shape {_shape(weight)}; allowed: out × C × kH × kW")
    steps, edges = _pair("stride", stride, 1), _pair("padding", padding, 0)
    out, channels, *kernel_size = weight.shape
    pixels = channels * math.prod(_pair("input_size", input_size, 1))
    places = torch.arange(pixels, device=weight.device).reshape(channels, *input_size)
    # Every pixel carries its number, padding the number after the last: a column to throw away.
    places = F.pad(places, (edges[1],) * 2 + (edges[0],) * 2, value=pixels)
    for dim, size, step in zip((1, 2), kernel_size, steps, strict=True):
        room = places.shape[dim]
        if size > room:
            raise ValueError(f"weight spans {size}; allowed: at most {room}, the padded input")
        places = places.unfold(dim, size, step)
    places = places.permute(1, 2, 0, 3, 4)  # (oH, oW, C, kH, kW)
    windows = math.prod(places.shape[:2])
    columns = places.reshape(1, windows, -1).expand(out, -1, -1)
    values = weight.reshape(out, 1, -1).expand(-1, windows, -1)  # shared by all windows
    matrix = weight.new_zeros(out, windows, pixels + 1).scatter(2, columns, values)
    return matrix[..., :pixels].reshape(out * windows, pixels)


def dropout(
    input: torch.Tensor,
    p: float = 0.5,
    training: bool = True,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Set numbers to zero at random and scale up the others, as `torch.nn.functional.dropout`.

    Parameters
    ----------
    input
        Any shape, a floating-point dtype.
    p
        The probability of being dropped.
    training
        If False, the input is returned as it is.
    generator
        Where the chance comes from; by default torch's own generator.

    Returns
    -------
    torch.Tensor
        The input's shape: 0 with probability ``p``, else ``input / (1 - p)``, so that the
        expected value is the input.

    Raises
    ------
    ValueError
        If ``p`` is not from 0 to 1, or the input does not hold floating-point numbers.

    Notes
    -----
    Srivastava et al. (2014), "Dropout", section 10: the scaling done while training.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p is {p}; allowed: 0 to 1")
    if not input.is_floating_point():
        raise ValueError(f"input is {input.dtype}; allowed: a floating-point dtype")
    if not training or p == 0:
        return input
    if p == 1:
        return input * 0
    keep = torch.empty_like(input).bernoulli_(1 - p, generator=generator)
    return input * (keep / (1 - p))


def batch_norm(
    input: torch.Tensor,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> torch.Tensor:
    """Normalize each channel over the batch, as `torch.nn.functional.batch_norm`.

    Parameters
    ----------
    input
        Shape ``(N, C, …)``: the channels are the second dimension.
    running_mean, running_var
        Shape ``(C,)``. Used in evaluation; in training moved, in place, towards this batch's
        mean and (unbiased) variance.
    weight, bias
        Shape ``(C,)``: a scale and a shift after normalizing.
    training
        Whether to use this batch's statistics.
    momentum
        How far the running statistics move: all the way at 1.
    eps
        Added to the variance, so that nothing is divided by zero.

    Returns
    -------
    torch.Tensor
        The input's shape.

    Raises
    ------
    ValueError
        If a shape is wrong, if training meets a single number for a channel, or if evaluation
        meets no running statistics.

    Notes
    -----
    Ioffe & Szegedy (2015), "Batch Normalization", algorithms 1 and 2.
    """
    if input.ndim < 2:
        raise ValueError(f"input has shape {_shape(input)}; allowed: N×C or N×C×…")
    channels = input.shape[1]
    vectors = {"running_mean": running_mean, "running_var": running_var}
    _check_shapes((channels,), **vectors, weight=weight, bias=bias)
    wide, shape = _widened(input), (channels,) + (1,) * (input.ndim - 2)
    if training:
        count = input.numel() // channels if channels else 0
        if count < 2:
            raise ValueError(
                f"input has shape {_shape(input)}; allowed in training: more than one number for "
                "each channel"
            )
        others = [0, *range(2, input.ndim)]
        var, mean = torch.var_mean(wide, dim=others, correction=0)
        _follow(running_mean, mean, momentum)
        _follow(running_var, var * (count / (count - 1)), momentum)  # unbiased
    elif running_mean is None or running_var is None:
        raise ValueError("running_mean or running_var is None; allowed only in training")
    else:
        mean, var = _widened(running_mean), _widened(running_var)
    output = (wide - mean.reshape(shape)) * (var.reshape(shape) + eps).rsqrt()
    return _affine(output, weight, bias, shape).to(input.dtype)


def layer_norm(
    input: torch.Tensor,
    normalized_shape: Sequence[int],
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    eps: float = 1e-5,
) -> torch.Tensor:
    """Normalize each sample over its last dimensions, as `torch.nn.functional.layer_norm`.

    Parameters
    ----------
    input
        Shape ``(…, *normalized_shape)``.
    normalized_shape
        The sizes of the dimensions over which mean and variance are taken.
    weight, bias
        Shape ``normalized_shape``: a scale and a shift after normalizing.
    eps
        Added to the variance, so that nothing is divided by zero.

    Returns
    -------
    torch.Tensor
        The input's shape.

    Raises
    ------
    ValueError
        If ``normalized_shape`` is empty, or a shape does not end in it.

    Notes
    -----
    Ba, Kiros & Hinton (2016), "Layer Normalization".
    """
    shape = tuple(normalized_shape)
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        raise ValueError(
            f"normalized_shape is {shape}; allowed: the last dimension or dimensions of the "
            f"input, {_shape(input)}"
        )
    _check_shapes(shape, weight=weight, bias=bias)
    wide = _widened(input)
    var, mean = torch.var_mean(wide, dim=list(range(-len(shape), 0)), correction=0, keepdim=True)
    return _affine((wide - mean) * (var + eps).rsqrt(), weight, bias, shape).to(input.dtype)


def embedding(
    input: torch.Tensor, weight: torch.Tensor, padding_idx: int | None = None
) -> torch.Tensor:
    """Look up a row of a table for each index, as `torch.nn.functional.embedding`.

    Parameters
    ----------
    input
        Indices of any shape, int64 or int32, from 0 to ``V - 1``.
    weight
        The table, shape ``(V, D)``: a vector of D numbers for each of V words.
    padding_idx
        A row to which no gradient flows; negative ones count from the end.

    Returns
    -------
    torch.Tensor
        Shape ``(*input.shape, D)``.

    Raises
    ------
    ValueError
        If the table is not 2-D, or the input holds something other than its indices.
    """
    if weight.ndim != 2:
        raise ValueError(f"weight has shape {_shape(weight)}; allowed: V×D")
    if input.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"input is {input.dtype}; allowed: torch.int64 or torch.int32")
    rows = len(weight)
    if input.numel() and not 0 <= int(input.min()) <= int(input.max()) < rows:
        raise ValueError(
            f"input goes from {int(input.min())} to {int(input.max())}; allowed: 0 to {rows - 1}"
        )
    found = weight[input.long()]
    if padding_idx is None:
        return found
    padding = _dimension("padding_idx", padding_idx, rows)
    return torch.where((input == padding)[..., None], found.detach(), found)


def _affine(
    normalized: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    shape: Sequence[int],
) -> torch.Tensor:
    """A scale and a shift, of a shape that goes with the last dimensions."""
    if weight is not None:
        normalized = normalized * weight.reshape(shape)
    return normalized if bias is None else normalized + bias.reshape(shape)


@torch.no_grad()
def _follow(running: torch.Tensor | None, value: torch.Tensor, momentum: float) -> None:
    """Move a running statistic towards a value, in place."""
    if running is not None:
        running += momentum * (value - running)


def _widened(tensor: torch.Tensor) -> torch.Tensor:
    """Half precision as float32, for means and variances need more digits than that."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _check_shapes(shape: tuple[int, ...], **tensors: torch.Tensor | None) -> None:
    for name, tensor in tensors.items():
        if tensor is not None and tuple(tensor.shape) != shape:
            raise ValueError(f"{name} has shape {_shape(tensor)}; allowed: {shape}")


def _dimension(name: str, value: int, count: int) -> int:
    if not -count <= value < count:
        raise ValueError(f"{name} is {value}; allowed: {-count} to {count - 1}")
    return value % count


def _pair(name: str, value: int | Pair, least: int) -> Pair:
    """One number for both dimensions, or one for each."""
    pair = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair) != 2 or min(pair) < least:
        raise ValueError(f"{name} is {value}; allowed: an int or a pair, each at least {least}")
    return pair


def _shape(tensor: torch.Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a single number"
