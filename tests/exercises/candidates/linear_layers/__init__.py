"""Right and wrong answers to the exercises of chapter 6."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from helpers import linear

from .answers import (
    _AlwaysTheBatch,
    _as_einsum,
    _BiasedMemory,
    _by_comparison,
    _by_jacobian,
    _by_scatter,
    _by_unbind,
    _ByLayer,
    _DetachedStatistics,
    _divided,
    _dropped,
    _EachPixel,
    _eps_outside,
    _EpsOutside,
    _factor,
    _flat_rows,
    _flattened,
    _hidden,
    _HoldsTheGraph,
    _in_numpy,
    _KeepsDims,
    _LearnedMemory,
    _masked,
    _matrix,
    _minus_one,
    _MomentumTurned,
    _Norm,
    _norm,
    _NoScale,
    _offset_left_in,
    _one_by_one,
    _over_the_batch,
    _PlainMemory,
    _row_by_row,
    _sample_by_sample,
    _swallowed,
    _two_dimensions_only,
    _unbiased,
    _UnbiasedOutput,
)

RIGHT: dict[str, dict[str, object]] = {
    "linear-by-matmul": {
        "row by row": _row_by_row,
        "einsum": _as_einsum,
        "matmul with a transposed view": lambda input, weight, bias=None: (
            torch.matmul(input, weight.t()) + (0 if bias is None else bias)
        ),
    },
    "flatten-dims": {
        "two dimensions at a time": _by_unbind,
        "NumPy": _in_numpy,
    },
    "matrix-of-a-layer": {
        "one unit vector at a time": _one_by_one,
        "the Jacobian": _by_jacobian,
    },
    "inverted-dropout": {
        "masked_fill": _masked,
        "a factor": _dropped(),
        "a factor with a floor": _factor,
    },
    "batch-norm-module": {
        "channels last, as rows": _Norm,
        "var_mean and keepdim": _KeepsDims,
    },
    "layer-norm-function": {
        "every sample as one row": _flat_rows,
        "sample by sample": _sample_by_sample,
    },
    "embedding-one-hot": {
        "a comparison": _by_comparison,
        "scatter": _by_scatter,
    },
}

WRONG: dict[str, dict[str, object]] = {
    "linear-by-matmul": {
        "the weight not turned": lambda input, weight, bias=None: input @ weight + bias,
        "the bias forgotten": lambda input, weight, bias=None: _as_einsum(input, weight),
        "two dimensions only": _two_dimensions_only,
        "no case without a bias": lambda input, weight, bias: _as_einsum(input, weight, bias),
        "the batch added up": lambda input, weight, bias=None: _as_einsum(
            input.reshape(-1, input.shape[-1]).sum(0), weight, bias
        ),
        "always floats": lambda input, weight, bias=None: _as_einsum(
            input.float(), weight.float(), bias
        ),
        "the bias before the product": lambda input, weight, bias=None: _as_einsum(
            input + (0 if bias is None else bias[0]), weight
        ),
        "torch's own": F.linear,
        "torch's own, its refusal swallowed": _swallowed,
        "the course's own": linear.linear,
    },
    "flatten-dims": {
        "everything": _flattened(lambda start, end, n: (0, n - 1)),
        "start_dim ignored": _flattened(lambda start, end, n: (0, end)),
        "end_dim ignored": _flattened(lambda start, end, n: (start, n - 1)),
        "end_dim excluded": _flattened(lambda start, end, n: (start % n, max(end % n - 1, 0))),
        "the batch always kept": _flattened(lambda start, end, n: (max(start % n, 1), end)),
        "negative dimensions off by one": _flattened(
            lambda start, end, n: (start, n + end - 1 if end < 0 else end)
        ),
        "in another order": _flattened(
            lambda start, end, n: (start, end), lambda input: input.mT if input.ndim > 1 else input
        ),
        "-1 in reshape": _minus_one,
        "torch's own": torch.flatten,
        "the method": lambda input, start_dim=0, end_dim=-1: input.flatten(start_dim, end_dim),
        "the course's own": linear.flatten,
    },
    "matrix-of-a-layer": {
        "transposed": _matrix(lambda matrix, offset: (matrix.T, offset)),
        "the offset left in": _offset_left_in,
        "no offset": _matrix(lambda matrix, offset: (matrix, torch.zeros_like(offset))),
        "in the other order": _matrix(lambda matrix, offset: (offset, matrix)),
        "the matrix alone": lambda layer, input_shape: _one_by_one(layer, input_shape)[0],
        "a square matrix only": _matrix(
            lambda matrix, offset: (matrix[: matrix.shape[1], : matrix.shape[0]], offset)
        ),
        "a mean offset": _matrix(lambda matrix, offset: (matrix, offset.mean().expand_as(offset))),
    },
    "inverted-dropout": {
        "not scaled": _dropped(scale=lambda p: 1.0),
        "scaled by the wrong one": _dropped(scale=lambda p: 1 / p if p else 1.0),
        "multiplied by 1 - p": _dropped(scale=lambda p: 1 - p),
        "keeps what it should drop": _dropped(keep=lambda noise, p: noise < p),
        "keeps only above p": _dropped(keep=lambda noise, p: noise > p),
        "keeps with probability p": _dropped(keep=lambda noise, p: noise >= 1 - p),
        "evaluation ignored": _dropped(evaluation=lambda input, p: input * (1 - p)),
        "NaN for p = 1": _divided,
        "NaN in the gradient": _hidden,
        "no gradient": lambda input, noise, p=0.5, training=True: _masked(
            input.detach(), noise, p, training
        ),
        "its own chance": lambda input, noise, p=0.5, training=True: F.dropout(input, p, training),
        "the course's own": lambda input, noise, p=0.5, training=True: linear.dropout(
            input, p, training
        ),
    },
    "batch-norm-module": {
        "n in the running variance": _BiasedMemory,
        "n - 1 in the output": _UnbiasedOutput,
        "momentum the other way round": _MomentumTurned,
        "the batch's statistics in evaluation": _AlwaysTheBatch,
        "running statistics as plain tensors": _PlainMemory,
        "running statistics as parameters": _LearnedMemory,
        "running statistics that hold the graph": _HoldsTheGraph,
        "no gradient through the statistics": _DetachedStatistics,
        "eps outside the root": _EpsOutside,
        "no scale": _NoScale,
        "a mean for each pixel": _EachPixel,
        "layer normalization": _ByLayer,
        "torch's own": nn.BatchNorm1d,
        "torch's own, for images": nn.BatchNorm2d,
    },
    "layer-norm-function": {
        "the last dimension only": _norm(shape=lambda shape, input: shape[-1:]),
        "all but the batch": _norm(shape=lambda shape, input: tuple(input.shape[1:])),
        "over everything": _norm(shape=lambda shape, input: tuple(input.shape)),
        "eps ignored": _norm(eps=1e-5),
        "no scale": _norm(weight=None),
        "no shift": _norm(bias=None),
        "n - 1 in the variance": _unbiased,
        "eps outside the root": _eps_outside,
        "over the batch": _over_the_batch,
        "torch's own": F.layer_norm,
        "the course's own": linear.layer_norm,
    },
    "embedding-one-hot": {
        "a look-up": lambda indices, table: table[indices],
        "torch's own": lambda indices, table: F.embedding(indices, table),
        "index_select": lambda indices, table: table.index_select(0, indices.flatten()).unflatten(
            0, indices.shape
        ),
        "one row for each index of a flat list": lambda indices, table: _by_comparison(
            indices.reshape(-1), table
        ),
        "numbers that count from 1": lambda indices, table: _by_comparison(indices - 1, table),
        "the transposed table": lambda indices, table: _by_comparison(indices, table.mT),
        "no gradient": lambda indices, table: _by_comparison(indices, table.detach()),
        "always float32": lambda indices, table: _by_comparison(indices, table.float()),
        "NumPy": lambda indices, table: torch.from_numpy(table.detach().numpy()[indices.numpy()]),
        "the course's own": linear.embedding,
    },
}

# Mutants of the solutions that are right all the same, by their descriptions.
EQUIVALENT: dict[str, set[str]] = {}
