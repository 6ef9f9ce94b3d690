"""Persistent homology of point clouds: the Vietoris–Rips filtration's diagrams.

`persistence` takes points or distances, checks them, and asks one of three backends: our own
(`helpers.topology.cohomology`), GUDHI or ripser.py. All are exact and give the same diagrams.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from . import memory
from .backends import gudhi_bars, ripser_bars
from .cohomology import components_and_loops
from .diagram import Diagram, sorted_bars
from .distances import pairwise_distances
from .spanning_tree import spanning_tree

BACKENDS = ("auto", "torch", "gudhi", "ripser")
#: With fewer points GUDHI takes less time than our own H1, unless there is a large loop.
_FEW = 300
#: Bytes for every pair of points that our own H1 was seen to take.
_OWN = 40.0


def persistence(
    data: Tensor,
    *,
    metric: str = "l2",
    max_dimension: int = 1,
    backend: str = "auto",
    threshold: float = math.inf,
    memory_limit: float | None = None,
) -> Diagram | Any:  # Any: a batch's list, so that nobody has to narrow a union
    """When the holes of a point cloud are born and filled as a scale grows.

    Edges between points enter in the order of their lengths, and with them every simplex whose
    edges are all there (the Vietoris–Rips complex). A class of H0 is a component, of H1 a loop, of
    H2 a void.

    Parameters
    ----------
    data
        Points of shape ``(n, d)`` or ``(b, n, d)``; or with ``metric="precomputed"`` their
        distances, ``(n, n)`` or ``(b, n, n)``: symmetric, zero on the diagonal, not negative. They
        need not keep the triangle inequality. Two points at an infinite distance are never joined.
    metric
        ``"precomputed"``, or as in `pairwise_distances`: ``"l1"``, ``"l2"``, ``"cosine"``,
        ``"geodesic"``.
    max_dimension
        The highest dimension of homology.
    backend
        ``"torch"``, our own, on the data's device, up to dimension 1; ``"gudhi"`` and ``"ripser"``,
        on the CPU, any dimension; ``"auto"`` for the one that took least in our measurements.
    threshold
        Edges that are longer stay out. What is alive then never dies.
    memory_limit
        Bytes that may be used; by default what is free.

    Returns
    -------
    Diagram
        Or a list of them for a batch; on the data's device, in float32, or in float64 if the data
        is that or integers of 32 bits or more. Scale is the length of an edge, coefficients are in
        Z/2.

    Raises
    ------
    ValueError
        If an argument is not allowed, or distances are negative, not a number or not symmetric.
    MemoryError
        If more memory would be needed than is allowed. This is estimated before it is taken. For
        GUDHI and ripser.py it is the list of simplices; how much their reduction takes nobody knows
        beforehand (4 GB for 2,000 points on a circle), so prefer ours where there is a large loop.

    References
    ----------
    U. Bauer, *Ripser: efficient computation of Vietoris–Rips persistence barcodes*, Journal of
    Applied and Computational Topology 5 (2021).

    Examples
    --------
    A square of side 1: four points join at 1, and the loop around it is filled at √2.

    >>> square = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> persistence(square)[1]
    tensor([[1.0000, 1.4142]])
    """
    _check_arguments(data, metric, max_dimension, backend, threshold)
    if data.ndim == 3:
        return [
            persistence(
                one,
                metric=metric,
                max_dimension=max_dimension,
                backend=backend,
                threshold=threshold,
                memory_limit=memory_limit,
            )
            for one in data
        ]
    allowed = memory.available(data.device) if memory_limit is None else float(memory_limit)
    wide = data.detach().to(_working_dtype(data))
    memory.check(3.0 * wide.element_size() * len(data) ** 2, allowed, len(data), "distances")
    if metric == "precomputed":
        distances = _checked(wide)
    else:
        if not bool(torch.isfinite(wide).all()):
            raise ValueError("data has numbers that are infinite or nan; allowed: finite numbers")
        distances = pairwise_distances(wide, metric)
    return of_distances(distances, max_dimension, backend, float(threshold), allowed)


def of_distances(
    distances: Tensor, max_dimension: int, backend: str, threshold: float, allowed: float
) -> Diagram:
    """The diagram of one distance matrix that was checked."""
    points = len(distances)
    if max_dimension == 0 and backend in ("auto", "torch"):
        return Diagram((_components(distances, threshold),), points, threshold, "torch")
    distances = _without_duplicates(distances)
    if backend == "auto":
        own = max_dimension == 1 and (len(distances) >= _FEW or distances.device.type != "cpu")
        backend = "torch" if own else "gudhi"
    limit = _longest(distances, threshold)
    if limit == 0:  # there is no edge, and so nothing to compute
        bars = [_components(distances, threshold)]
    elif backend == "torch":
        memory.check(_OWN * len(distances) ** 2, allowed, points, "loops")
        bars = list(components_and_loops(distances, limit))
    else:
        edges = int((distances <= limit).sum() - len(distances)) // 2
        _check_memory(edges, max_dimension, allowed, points)
        library = gudhi_bars if backend == "gudhi" else ripser_bars
        bars = list(library(distances, max_dimension, limit))
    empty = distances.new_zeros(0, 2)
    bars += [empty] * (max_dimension + 1 - len(bars))
    return Diagram(tuple(bars), points, threshold, backend)


def _components(distances: Tensor, threshold: float) -> Tensor:
    """H0: every point is born at 0, and each edge of the spanning tree ends one component."""
    lengths = spanning_tree(distances)[1]
    deaths = torch.cat([lengths, lengths.new_full((1,), math.inf)])
    deaths = deaths.masked_fill(deaths > threshold, math.inf)
    return sorted_bars(torch.zeros_like(deaths), deaths)


def _longest(distances: Tensor, threshold: float) -> float:
    """The longest edge that matters.

    Not beyond the threshold, and not beyond the least distance at which one point reaches all
    others: from there on the complex is a cone, which has no holes.
    """
    limit = min(threshold, float(distances.amax(dim=1).amin()))
    outside = (distances > limit) | distances.isinf()
    return float(distances.masked_fill(outside, 0).amax())


def _without_duplicates(distances: Tensor) -> Tensor:
    """One point of each group that lies in the same place: the others make no bars of any length.

    In the same place means at distance 0 and with the same distances to all others.
    """
    same = distances == 0
    if int(same.sum()) == len(distances):
        return distances
    first = same.int().argmax(dim=1)
    own = torch.arange(len(first), device=first.device)
    keep = (first == own) | (distances != distances[first]).any(dim=1)
    return distances[keep][:, keep].contiguous()


def _check_memory(edges: int, max_dimension: int, allowed: float, points: int) -> None:
    needed = sum(16.0 * memory.simplices(edges, k) for k in range(1, max_dimension + 1))
    doing = f"persistence up to dimension {max_dimension}"
    memory.check(needed, allowed, points, doing, quadratic=max_dimension < 2)


def _working_dtype(data: Tensor) -> torch.dtype:
    wide = data.dtype in (torch.float64, torch.int64, torch.int32)
    return torch.float64 if wide else torch.float32


def _checked(distances: Tensor) -> Tensor:
    """A distance matrix as it should be, or a ValueError that says what is wrong."""
    low, high = (float(value) for value in distances.aminmax())
    if math.isnan(low) or math.isnan(high):
        raise ValueError("data has distances that are nan; allowed: numbers from 0 on")
    if low < 0:
        raise ValueError(f"data has a distance of {low:g}; allowed: numbers from 0 on")
    largest = float(distances.diagonal().amax())
    if largest > 0:
        raise ValueError(
            f"data has {largest:g} on its diagonal; allowed: 0, a point's distance to itself "
            "(fill_diagonal_(0) if rounding left it there, as torch.cdist does)"
        )
    if not torch.equal(distances, distances.mT):
        apart = float((distances - distances.mT).nan_to_num(math.inf).abs().amax())
        raise ValueError(
            f"data is not symmetric: two entries of one pair differ by up to {apart:g}; allowed: "
            "the same distance both ways (average it with its transpose if rounding is to blame)"
        )
    return distances


def _check_arguments(
    data: Tensor, metric: str, max_dimension: int, backend: str, threshold: float
) -> None:
    shapes = "(n, n) or (b, n, n)" if metric == "precomputed" else "(n, d) or (b, n, d)"
    square = metric != "precomputed" or data.shape[-1:] == data.shape[-2:-1]
    if data.ndim not in (2, 3) or not square or 0 in data.shape[-2:]:
        raise ValueError(
            f"data has shape {tuple(data.shape)}; allowed with metric={metric!r}: {shapes}"
        )
    if data.is_complex():
        raise ValueError(f"data is {data.dtype}; allowed: real numbers")
    if max_dimension < 0:
        raise ValueError(f"max_dimension is {max_dimension}; allowed: 0 or more")
    if backend not in BACKENDS:
        raise ValueError(f"backend is {backend!r}; allowed: {', '.join(map(repr, BACKENDS))}")
    if backend == "torch" and max_dimension > 1:
        raise ValueError(
            f"max_dimension is {max_dimension}; allowed with backend='torch': 0 or 1 (the others "
            "have no such bound)"
        )
    if not threshold >= 0:
        raise ValueError(f"threshold is {threshold}; allowed: numbers from 0 on")
