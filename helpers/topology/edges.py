"""The edges between points in one strict order, from the shortest to the longest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

#: The rank of what is no edge: the diagonal, and pairs beyond the limit.
FAR = torch.iinfo(torch.int32).max
#: Whole numbers of the same size, which sort several times faster; positive floats sort like them.
_INTEGER = {torch.float32: torch.int32, torch.float64: torch.int64}


@dataclass(frozen=True, eq=False)
class RankedEdges:
    """Edges ``(i, j)``, i < j, from the shortest to the longest.

    Attributes
    ----------
    ranks
        Shape ``(n, n)``, int32, symmetric: the place of each edge in the order, or `FAR`.
    places
        Shape ``(m,)``, int64: ``i * n + j`` for each edge in the order.
    lengths
        Shape ``(m,)``: its length.
    """

    ranks: Tensor
    places: Tensor
    lengths: Tensor


def ranked_edges(distances: Tensor, limit: float = float("inf")) -> RankedEdges:
    """The finite edges that are not longer than ``limit``, in order.

    Parameters
    ----------
    distances
        Shape ``(n, n)``, symmetric, float32 or float64.
    limit
        The longest edge to keep.

    Notes
    -----
    Numbers that are ranks instead of lengths make every comparison strict. Edges of the same length
    come in some order: each gives the same diagram up to bars of no length, so that ties need no
    further thought.
    """
    count = len(distances)
    inside = (distances <= limit) & (distances < float("inf"))
    flat = distances.reshape(-1)
    if distances.device.type != "cpu":
        places = inside.triu_(1).view(-1).nonzero()[:, 0]
    else:  # numpy finds and writes places in a few milliseconds, torch takes tens
        places = torch.from_numpy(np.flatnonzero(np.triu(inside.numpy(), 1)))
    lengths = flat[places] + 0.0  # and -0.0 becomes 0.0
    order = lengths.view(_INTEGER[lengths.dtype]).argsort()
    places, lengths = places[order], lengths[order]
    numbers = torch.arange(len(places), dtype=torch.int32, device=distances.device)
    ranks = numbers.new_full((count, count), FAR)
    if distances.device.type != "cpu":
        ranks.view(-1)[places] = numbers
    else:
        ranks.numpy().reshape(-1)[places.numpy()] = numbers.numpy()
    return RankedEdges(torch.minimum(ranks, ranks.mT), places, lengths)
