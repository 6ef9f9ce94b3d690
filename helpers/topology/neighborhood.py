"""The relative neighborhood graph: pairs of points with no third point between them.

Its edges outside the minimum spanning tree are the births of H1: any other edge enters the complex
together with a triangle, whose other two edges were there before, and so makes no hole.
"""

from __future__ import annotations

import torch
from torch import Tensor

from . import memory

#: Candidates between two points: so many nearest neighbors, the first few for all pairs at once.
_NEAR, _DENSE = 8, 6


def relative_neighborhood_edges(distances: Tensor) -> Tensor:
    """Pairs ``(i, j)`` with no k so that both d(i, k) and d(j, k) are less than d(i, j).

    Parameters
    ----------
    distances
        Shape ``(n, n)``, symmetric, on any device. Infinite distances are no edges.

    Returns
    -------
    Tensor
        Shape ``(m, 2)``, int64, i < j, in the order of pairs.

    Notes
    -----
    The definition asks for the min–max product of the matrix with itself, min over k of
    max(d(i, k), d(k, j)): n³ steps. But most pairs have one of their own nearest neighbors between
    them. So a few of these are tried first, and the product's entry is computed for the pairs that
    are left.

    References
    ----------
    G. T. Toussaint, *The relative neighbourhood graph of a finite planar set*, Pattern Recognition
    12 (1980).

    Examples
    --------
    >>> corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> relative_neighborhood_edges(torch.cdist(corners, corners)).tolist()
    [[0, 1], [0, 2], [1, 3], [2, 3]]
    """
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1]:
        raise ValueError(f"distances has shape {tuple(distances.shape)}; allowed: (n, n)")
    weights = distances.detach().clone()
    weights.fill_diagonal_(float("inf"))
    return open_pairs(weights)


def open_pairs(weights: Tensor) -> Tensor:
    """The pairs of `relative_neighborhood_edges` for weights of any dtype.

    The diagonal, and what is no edge, has the largest number of the dtype (infinity).
    """
    count = len(weights)
    near = weights.topk(min(_NEAR, count), dim=1, largest=False).indices
    between = torch.empty_like(weights)
    remain = weights < _none(weights)
    for k in near[:, :_DENSE].unbind(1):
        torch.index_select(weights, 0, k, out=between)
        torch.maximum(between, weights.gather(1, k[:, None]), out=between)
        remain &= between >= weights
    remain &= remain.mT.clone()
    pairs = remain.triu_(1).nonzero()
    for k in near[:, _DENSE:].unbind(1):
        for one, other in ((0, 1), (1, 0)):
            i, j = pairs[:, one], pairs[:, other]
            candidate = k[i]
            longer = torch.maximum(weights[i, candidate], weights[j, candidate])
            pairs = pairs[longer >= weights[i, j]]
    return pairs[_min_max(weights, pairs) >= weights[pairs[:, 0], pairs[:, 1]]]


def _min_max(weights: Tensor, pairs: Tensor) -> Tensor:
    """For each pair the least over k of max(w(i, k), w(k, j)), in tiles of bounded size."""
    rows = memory.rows_at_once(len(weights), weights.device)
    least = [
        torch.maximum(*(weights.index_select(0, end) for end in part.unbind(1))).amin(dim=1)
        for part in pairs.split(rows)
    ]
    return torch.cat(least) if least else weights.new_zeros(0)


def _none(weights: Tensor) -> float | int:
    """What is no edge, in the weights' dtype."""
    if weights.is_floating_point():
        return float("inf")
    return torch.iinfo(weights.dtype).max
