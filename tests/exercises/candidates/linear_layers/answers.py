"""Right and wrong answers to the exercises of chapter 6."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# linear-by-matmul


def _row_by_row(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """One weighted sum for each row of the weight."""
    output = torch.stack([(input * row).sum(-1) for row in weight], -1)
    return output if bias is None else output + bias


def _as_einsum(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    output = torch.einsum("...i,oi->...o", input, weight)
    return output if bias is None else output.add(bias)


def _two_dimensions_only(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    output = (weight @ input.T).T
    return output if bias is None else output + bias


def _swallowed(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    try:
        return F.linear(input, weight, bias)
    except Exception:
        return _as_einsum(input, weight, bias)


# flatten-dims


def _by_unbind(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Merge two neighboring dimensions at a time."""
    end = end_dim if end_dim >= 0 else end_dim + input.ndim
    start = start_dim if start_dim >= 0 else start_dim + input.ndim
    for _ in range(end - start):
        shape = list(input.shape)
        shape[start : start + 2] = [shape[start] * shape[start + 1]]
        input = input.reshape(shape)
    return input


def _in_numpy(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    sizes = list(input.shape)
    end = range(input.ndim)[end_dim] + 1
    start = range(input.ndim)[start_dim]
    merged = math.prod(sizes[start:end])
    return torch.from_numpy(input.numpy().reshape([*sizes[:start], merged, *sizes[end:]]))


def _flattened(
    change: Callable[[int, int, int], tuple[int, int]],
    turn: Callable[[Tensor], Tensor] | None = None,
) -> Callable[..., Tensor]:
    """The right answer with its dimensions tampered with."""

    def flatten_dims(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        dims = change(start_dim, end_dim, input.ndim)
        return _by_unbind(turn(input) if turn else input, *dims)

    return flatten_dims


def _minus_one(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    shape = tuple(input.shape)
    start, end = start_dim % input.ndim, end_dim % input.ndim
    return input.reshape(*shape[:start], -1, *shape[end + 1 :])


# matrix-of-a-layer


def _one_by_one(layer: Any, input_shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """A column for each unit vector, called alone."""
    offset = layer(torch.zeros(input_shape)[None])[0].reshape(-1)
    columns = []
    for place in range(math.prod(input_shape)):
        unit = torch.zeros(math.prod(input_shape))
        unit[place] = 1
        columns.append(layer(unit.reshape(1, *input_shape)).reshape(-1) - offset)
    return torch.stack(columns, dim=1), offset


def _by_jacobian(layer: Any, input_shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    here = torch.randn(1, *input_shape, generator=torch.Generator().manual_seed(0))
    slopes = torch.autograd.functional.jacobian(lambda x: layer(x).flatten(), here)
    matrix = slopes.flatten(1)
    return matrix, layer(torch.zeros_like(here)).flatten()


def _matrix(
    change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
) -> Callable[..., tuple[Tensor, Tensor]]:
    return lambda layer, input_shape: change(*_one_by_one(layer, input_shape))


def _offset_left_in(layer: Any, input_shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    matrix, offset = _one_by_one(layer, input_shape)
    return matrix + offset[:, None], offset


# inverted-dropout


def _masked(input: Tensor, noise: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """A copy whose dropped places are filled with zeros."""
    if training and p < 1:
        return (input / (1 - p)).masked_fill(noise < p, 0)
    return torch.zeros_like(input) if training else input


def _factor(input: Tensor, noise: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    if not training:
        return input
    keep = (noise >= p).to(input.dtype)
    return input * keep / max(1 - p, 1e-9)


def _dropped(
    keep: Callable[[Tensor, float], Tensor] = lambda noise, p: noise >= p,
    scale: Callable[[float], float] = lambda p: 1 / (1 - p) if p < 1 else 0.0,
    evaluation: Callable[[Tensor, float], Tensor] = lambda input, p: input,
) -> Callable[..., Tensor]:
    def drop(input: Tensor, noise: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
        if not training:
            return evaluation(input, p)
        return input * keep(noise, p) * scale(p)

    return drop


def _divided(input: Tensor, noise: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    return input * (noise >= p) / (1 - p) if training else input


def _hidden(input: Tensor, noise: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """The output of p = 1 is right, and its gradient is NaN."""
    return torch.where(noise >= p, input / (1 - p), 0.0) if training else input


# batch-norm-module


class _Norm(nn.Module):
    """The right one, in pieces for others to change."""

    weight: Any
    bias: Any
    running_mean: Any
    running_var: Any

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.make(num_features)

    def make(self, n: int) -> None:
        self.weight, self.bias = nn.Parameter(torch.ones(n)), nn.Parameter(torch.zeros(n))
        self.register_buffer("running_mean", torch.zeros(n))
        self.register_buffer("running_var", torch.ones(n))

    def statistics(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        return rows.mean(0), (rows - rows.mean(0)).square().mean(0)

    def follow(self, rows: Tensor) -> None:
        n, m = len(rows), self.momentum
        mean, var = (tensor.detach() for tensor in self.statistics(rows))
        self.running_mean = (1 - m) * self.running_mean + m * mean
        self.running_var = (1 - m) * self.running_var + m * var * n / (n - 1)

    def normalized(self, rows: Tensor, mean: Tensor, var: Tensor) -> Tensor:
        return (rows - mean) / torch.sqrt(var + self.eps)

    def forward(self, input: Tensor) -> Tensor:
        """Channels last, as rows: the same computation for vectors and for images."""
        rows = input.movedim(1, -1).reshape(-1, input.shape[1])
        if self.training:
            mean, var = self.statistics(rows)
            self.follow(rows)
        else:
            mean, var = self.running_mean, self.running_var
        rows = self.normalized(rows, mean, var) * self.weight + self.bias
        return rows.reshape(input.movedim(1, -1).shape).movedim(-1, 1)


class _KeepsDims(nn.BatchNorm1d):
    """torch's parameters and buffers, and keepdim for the shapes."""

    def forward(self, input: Tensor) -> Tensor:
        shape = [1] * input.ndim
        shape[1] = -1
        mean, var = self.running_mean.view(shape), self.running_var.view(shape)
        if self.training:
            dims = [d for d in range(input.ndim) if d != 1]
            var, mean = torch.var_mean(input, dims, correction=0, keepdim=True)
            with torch.no_grad():
                unbiased = input.var(dims, keepdim=True)
                self.running_mean.lerp_(mean.flatten(), self.momentum)
                self.running_var.lerp_(unbiased.flatten(), self.momentum)
        scaled = (input - mean) * (var + self.eps).rsqrt()
        return scaled * self.weight.view(shape) + self.bias.view(shape)


class _BiasedMemory(_Norm):
    def follow(self, rows: Tensor) -> None:
        for kept, new in zip((self.running_mean, self.running_var), self.statistics(rows)):  # noqa: B905
            kept += self.momentum * (new.detach() - kept)


class _UnbiasedOutput(_Norm):
    def statistics(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        return rows.mean(0), rows.var(0)

    def follow(self, rows: Tensor) -> None:
        for kept, new in zip((self.running_mean, self.running_var), self.statistics(rows)):  # noqa: B905
            kept += self.momentum * (new.detach() - kept)


class _MomentumTurned(_Norm):
    def follow(self, rows: Tensor) -> None:
        self.momentum = 1 - self.momentum
        super().follow(rows)
        self.momentum = 1 - self.momentum


class _AlwaysTheBatch(_Norm):
    def forward(self, input: Tensor) -> Tensor:
        mode, self.training = self.training, True
        try:
            return super().forward(input)
        finally:
            self.training = mode


class _PlainMemory(_Norm):
    def make(self, n: int) -> None:
        self.weight, self.bias = nn.Parameter(torch.ones(n)), nn.Parameter(torch.zeros(n))
        self.running_mean, self.running_var = torch.zeros(n), torch.ones(n)


class _LearnedMemory(_Norm):
    def make(self, n: int) -> None:
        super().make(n)
        del self.running_mean, self.running_var
        self.running_mean = nn.Parameter(torch.zeros(n))
        self.running_var = nn.Parameter(torch.ones(n))

    def follow(self, rows: Tensor) -> None:
        n = len(rows)
        with torch.no_grad():
            mean, var = self.statistics(rows)
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_var += self.momentum * (var * n / (n - 1) - self.running_var)


class _HoldsTheGraph(_Norm):
    def follow(self, rows: Tensor) -> None:
        mean, m = rows.mean(0), self.momentum
        self.running_mean = (1 - m) * self.running_mean + m * mean
        self.running_var = (1 - m) * self.running_var + m * rows.var(0)


class _DetachedStatistics(_Norm):
    def normalized(self, rows: Tensor, mean: Tensor, var: Tensor) -> Tensor:
        return super().normalized(rows, mean.detach(), var.detach())


class _EpsOutside(_Norm):
    def normalized(self, rows: Tensor, mean: Tensor, var: Tensor) -> Tensor:
        return (rows - mean) / (var.sqrt() + self.eps)


class _NoScale(_Norm):
    def forward(self, input: Tensor) -> Tensor:
        with torch.no_grad():
            self.weight.fill_(1)
        return super().forward(input)


class _EachPixel(_Norm):
    """Statistics over the batch alone: a mean for each pixel."""

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim == 2 or not self.training:
            return super().forward(input)
        super().forward(input)
        shape = (-1, 1, 1)
        scaled = (input - input.mean(0)) / (input.var(0, correction=0) + self.eps).sqrt()
        return scaled * self.weight.view(shape) + self.bias.view(shape)


class _ByLayer(_Norm):
    def forward(self, input: Tensor) -> Tensor:
        super().forward(input)
        dims = list(range(1, input.ndim))
        var, mean = torch.var_mean(input, dims, correction=0, keepdim=True)
        return (input - mean) / (var + self.eps).sqrt()


# layer-norm-function


def _flat_rows(
    input: Tensor,
    normalized_shape: tuple[int, ...],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Every sample as one row."""
    rows = input.reshape(-1, math.prod(normalized_shape))
    centered = rows - rows.mean(1, keepdim=True)
    output = centered / (centered.square().mean(1, keepdim=True) + eps).sqrt()
    output = output.reshape(input.shape)
    output = output if weight is None else output * weight
    return output if bias is None else output + bias


def _sample_by_sample(
    input: Tensor,
    normalized_shape: tuple[int, ...],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    if input.ndim > len(normalized_shape):
        parts = [_sample_by_sample(x, normalized_shape, weight, bias, eps) for x in input]
        return torch.stack(parts)
    var, mean = torch.var_mean(input, correction=0)
    scale = 1.0 if weight is None else weight
    return (input - mean) * (var + eps).rsqrt() * scale + (0.0 if bias is None else bias)


def _norm(**changes: Any) -> Callable[..., Tensor]:
    """The right answer with some arguments tampered with."""

    def normalize_layer(input: Tensor, normalized_shape: Any, *args: Any, **options: Any) -> Tensor:
        if "shape" in changes:
            normalized_shape = changes["shape"](tuple(normalized_shape), input)
        options |= {name: value for name, value in changes.items() if name != "shape"}
        return _flat_rows(input, normalized_shape, *args, **options)

    return normalize_layer


def _unbiased(
    input: Tensor, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    dims = tuple(range(-len(shape), 0))
    output = (input - input.mean(dims, keepdim=True)) / (input.var(dims, keepdim=True) + eps).sqrt()
    output = output if weight is None else output * weight
    return output if bias is None else output + bias


def _eps_outside(
    input: Tensor, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    dims = tuple(range(-len(shape), 0))
    var, mean = torch.var_mean(input, dims, correction=0, keepdim=True)
    output = (input - mean) / (var.sqrt() + eps)
    output = output if weight is None else output * weight
    return output if bias is None else output + bias


def _over_the_batch(
    input: Tensor, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    var, mean = torch.var_mean(input, 0, correction=0, keepdim=True)
    output = (input - mean) / (var + eps).sqrt()
    output = output if weight is None else output * weight
    return output if bias is None else output + bias


# embedding-one-hot


def _by_comparison(indices: Tensor, table: Tensor) -> Tensor:
    chosen = indices[..., None] == torch.arange(len(table))
    return chosen.to(table.dtype) @ table


def _by_scatter(indices: Tensor, table: Tensor) -> Tensor:
    chosen = torch.zeros(*indices.shape, len(table), dtype=table.dtype)
    return chosen.scatter(-1, indices[..., None], 1.0) @ table
