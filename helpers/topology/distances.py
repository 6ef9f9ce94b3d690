"""Distances between all points of a cloud: exact, symmetric, and zero from a point to itself.

A distance matrix is all that persistent homology reads of a cloud, and it believes every digit:
an entry on the diagonal would be a birth, a small distance that was lost a merger too early.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .tiles import fill_l1, fill_squares, pieces

#: The metrics of `pairwise_distances`.
METRICS = ("l1", "l2", "cosine", "geodesic")

#: Bytes for what is needed besides the result, if nobody says otherwise.
_MEMORY = 2**28


def pairwise_distances(
    points: Tensor,
    metric: str = "l1",
    *,
    neighbors: int = 14,
    hops: bool = False,
    memory_limit: int | None = None,
) -> Tensor:
    """The distance from every point to every other.

    Parameters
    ----------
    points
        Shape ``(n, d)``, or ``(b, n, d)`` for b clouds; a floating-point dtype, on any device.
    metric
        ``"l1"``, the sum of the coordinates' differences; ``"l2"``, the straight line;
        ``"cosine"``, one minus the cosine of the angle at the origin, which is no metric: a way
        round may be shorter than the way itself; ``"geodesic"``, the length of the shortest path
        in the graph that joins each point to its nearest neighbors (by L2) and infinite where
        there is none.
    neighbors
        Of the geodesic graph. Two points are joined if one is among the other's.
    hops
        Count the edges of geodesic paths instead of adding their lengths.
    memory_limit
        How many bytes may be used besides the result and, for geodesic paths, the L2 distances; by
        default 256 MiB. The matrix is made in tiles that are small enough.

    Returns
    -------
    Tensor
        Shape ``(n, n)`` or ``(b, n, n)``, of the points' dtype and on their device; exactly
        symmetric, its diagonal zero.

    Raises
    ------
    ValueError
        If the points are no such tensor or not all finite, if there is no such metric, not so many
        neighbors, or too little memory.

    Notes
    -----
    ``|x|² + |y|² − 2 x·y`` finds L2 distances by a matrix product, fast, and loses those that are
    small beside the norms. Here the points are centered, the product is taken in float64, half of
    it, and what is still too near to be sure of is computed from the differences.

    A point of zeros has no direction. Its cosine distance is 1 to all others, and 0 to other
    points of zeros.

    References
    ----------
    The geodesic graph is that of J. B. Tenenbaum, V. de Silva and J. C. Langford, *A global
    geometric framework for nonlinear dimensionality reduction*, Science 290 (2000).

    Examples
    --------
    >>> pairwise_distances(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), "l1")
    tensor([[0., 7.],
            [7., 0.]])
    >>> pairwise_distances(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), "l2")
    tensor([[0., 5.],
            [5., 0.]])
    """
    _check_points(points)
    if metric not in METRICS:
        raise ValueError(f"metric is {metric!r}; allowed: {', '.join(map(repr, METRICS))}")
    memory = _MEMORY if memory_limit is None else memory_limit
    count = points.shape[-2]
    if metric == "geodesic" and not 1 <= neighbors < count:
        raise ValueError(f"neighbors is {neighbors}; allowed: 1 to {count - 1}, the other points")
    clouds = points.detach().reshape(-1, *points.shape[-2:])
    out = points.new_empty(len(clouds), count, count)
    for cloud, distances in zip(clouds, out, strict=True):
        if metric == "l1":
            fill_l1(distances, cloud, memory)
        elif metric == "cosine":
            fill_squares(distances, cloud, memory, Tensor.div_, 2.0, directions=True)
        else:
            fill_squares(distances, cloud, memory, Tensor.sqrt_)
        if metric == "geodesic":
            distances.copy_(_shortest_paths(distances, neighbors, hops, memory))
    return out.reshape(*points.shape[:-1], count)


def furthest_points(distances: Tensor, size: int, start: int = 0) -> Tensor:
    """A few points that leave no other far from all of them.

    Parameters
    ----------
    distances
        Shape ``(n, n)``, symmetric.
    size
        How many points, from 1 to ``n``.
    start
        The first; each of the others is the one that is furthest from those chosen before it.

    Returns
    -------
    Tensor
        int64, shape ``(size,)``: indices, in the order of choice, on the distances' device. Every
        point is at most twice as far from the nearest of them as for the best choice of ``size``.

    Raises
    ------
    ValueError
        If the distances are no square matrix, or ``size`` or ``start`` is out of range.

    References
    ----------
    T. F. Gonzalez, *Clustering to minimize the maximum intercluster distance*, Theoretical
    Computer Science 38 (1985).

    Examples
    --------
    >>> line = torch.tensor([[0.0], [1.0], [4.0], [10.0]])
    >>> furthest_points(pairwise_distances(line), 3)
    tensor([0, 3, 2])
    """
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1]:
        raise ValueError(f"distances has shape {tuple(distances.shape)}; allowed: (n, n)")
    count = len(distances)
    if not 1 <= size <= count:
        raise ValueError(f"size is {size}; allowed: 1 to {count}, the points")
    if not 0 <= start < count:
        raise ValueError(f"start is {start}; allowed: 0 to {count - 1}")
    chosen = torch.empty(size, dtype=torch.int64, device=distances.device)
    chosen[0] = start
    nearest = distances[start].clone()
    nearest[start] = -1  # a chosen point is not chosen again, not even among duplicates
    for place in range(1, size):
        chosen[place] = nearest.argmax()
        latest = chosen[place : place + 1]  # stays on the device
        nearest = torch.minimum(nearest, distances.index_select(0, latest)[0])
        nearest.index_fill_(0, latest, -1)
    return chosen


def random_subsets(count: int, size: int, number: int, seed: int = 0) -> Tensor:
    """Disjoint random subsets of ``count`` things: drawn without replacement.

    Parameters
    ----------
    count, size, number
        ``number`` subsets of ``size`` things each, no more together than ``count``.
    seed
        The same seed gives the same subsets; and more of them begin with the same ones.

    Returns
    -------
    Tensor
        int64, shape ``(number, size)``: indices from 0 to ``count`` − 1, none of them twice.

    Raises
    ------
    ValueError
        If a number is not positive, or there are not so many things.
    """
    for name, value in (("size", size), ("number", number)):
        if value < 1:
            raise ValueError(f"{name} is {value}; allowed: 1 or more")
    if size * number > count:
        raise ValueError(
            f"number is {number} and size {size}, together {size * number}; allowed: at most "
            f"{count} together, for no thing is in two subsets"
        )
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order[: number * size].reshape(number, size)


# geodesic


def _shortest_paths(distances: Tensor, neighbors: int, hops: bool, memory: int) -> Tensor:
    """Lengths of the shortest paths in the graph of nearest neighbors."""
    count = len(distances)
    apart = distances.clone().fill_diagonal_(torch.inf)
    lengths, nearest = apart.topk(neighbors, largest=False)
    start = torch.arange(count, device=distances.device).repeat_interleave(neighbors)
    ends = torch.stack([start, nearest.flatten()])
    if hops:
        lengths = torch.ones_like(lengths)
    if distances.is_cuda:
        return _by_relaxing(ends, lengths.flatten(), distances)
    return _by_dijkstra(ends, lengths.flatten(), distances, hops, memory)


def _by_relaxing(ends: Tensor, lengths: Tensor, distances: Tensor) -> Tensor:
    """Floyd and Warshall's: each point in turn may stand in the middle of a path."""
    paths = torch.full_like(distances, torch.inf).fill_diagonal_(0)
    paths[ends[0], ends[1]] = lengths
    paths[ends[1], ends[0]] = lengths
    for middle in range(len(paths)):
        through = paths[middle].unsqueeze(1) + paths[middle]
        torch.minimum(paths, through, out=paths)
    return paths


def _by_dijkstra(
    ends: Tensor, lengths: Tensor, distances: Tensor, hops: bool, memory: int
) -> Tensor:
    import numpy as np
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    count = len(distances)
    both = torch.cat([ends, ends.flip(0)], dim=1)
    keys, where = torch.unique(both[0] * count + both[1], return_inverse=True)
    weights = torch.empty(len(keys), dtype=torch.float64)
    weights[where] = torch.cat([lengths, lengths]).double().cpu()
    rows, columns = (keys // count).numpy(), (keys % count).numpy()
    graph = csr_array((weights.numpy(), (rows, columns)), shape=(count, count))
    paths = torch.empty_like(distances)
    for part in pieces(count, max(1, memory // (16 * count))):
        sources = np.arange(count)[part]
        found = dijkstra(graph, unweighted=hops, indices=sources)
        paths[part] = torch.from_numpy(found).to(paths)
    return torch.minimum(paths, paths.mT)  # the same edges, added in the other order


def _check_points(points: Tensor) -> None:
    if points.ndim not in (2, 3) or not points.numel():
        raise ValueError(
            f"points has shape {tuple(points.shape)}; allowed: (n, d) or (b, n, d), none of them 0"
        )
    if not points.is_floating_point():
        raise ValueError(f"points is {points.dtype}; allowed: a floating-point dtype")
    if not all(end.isfinite() for end in points.aminmax()):  # one pass; nan is both ends
        raise ValueError("points has numbers that are infinite or not a number; allowed: finite")
