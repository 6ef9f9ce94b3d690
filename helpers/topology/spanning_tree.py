"""The minimum spanning tree of points with distances, whose edges are the deaths of H0."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .edges import FAR, ranked_edges


def spanning_tree(distances: Tensor) -> tuple[Tensor, Tensor]:
    """The edges that join all points at the least total length.

    Parameters
    ----------
    distances
        Shape ``(n, n)``, symmetric, of any real dtype on any device. An infinite distance is no
        edge; where the points fall apart, infinite edges join the parts.

    Returns
    -------
    edges, lengths
        Shapes ``(n - 1, 2)`` and ``(n - 1,)``, from the shortest edge to the longest, on the
        distances' device.

    Notes
    -----
    On the CPU by Prim's algorithm, n steps that each read one row. On other devices, where a step
    costs more than a row, by Borůvka's: every component finds its shortest way out at the same
    time, which at least halves their number, so that log₂ n rounds over the matrix do.

    References
    ----------
    R. C. Prim, *Shortest connection networks and some generalizations*, Bell System Technical
    Journal 36 (1957).

    Examples
    --------
    >>> spanning_tree(torch.tensor([[0.0, 3.0, 5.0], [3.0, 0.0, 4.0], [5.0, 4.0, 0.0]]))
    (tensor([[0, 1],
            [1, 2]]), tensor([3., 4.]))
    """
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1]:
        raise ValueError(f"distances has shape {tuple(distances.shape)}; allowed: (n, n)")
    if distances.device.type != "cpu":
        edges = boruvka(ranked_edges(distances).ranks)
    else:
        readable = distances.detach()
        if readable.is_floating_point() and readable.element_size() < 4:
            readable = readable.float()  # numpy knows no bfloat16; no number is changed
        edges = torch.from_numpy(prim(readable.numpy())).to(distances.device)
    lengths = distances[edges[:, 0], edges[:, 1]]
    lengths, order = lengths.sort(stable=True)
    return edges[order], lengths


def prim(weights: np.ndarray) -> np.ndarray:
    """The tree's edges, shape ``(n - 1, 2)``, grown from the first point by the nearest outside.

    ``weights`` has shape ``(n, n)``. The largest number of its dtype (infinity) is no edge.
    """
    count = len(weights)
    kind = weights.dtype
    none = np.inf if kind.kind == "f" else np.iinfo(kind).max
    edges = np.zeros((max(count - 1, 0), 2), np.int64)
    if count < 2:
        return edges
    near = np.full(count, none, kind)  # from each point outside to the tree
    origin = np.zeros(count, np.int64)  # and to which point of the tree
    outside = np.ones(count, bool)
    closer = np.empty(count, bool)
    point = 0
    for step in range(count - 1):
        outside[point] = False
        near[point] = none
        row = weights[point]
        np.less(row, near, out=closer)
        closer &= outside
        np.copyto(near, row, where=closer)
        np.copyto(origin, point, where=closer)
        point = int(near.argmin())
        if near[point] == none:  # nothing outside can be reached: another component begins
            point = int(outside.argmax())
        edges[step] = origin[point], point
    return edges


def boruvka(ranks: Tensor) -> Tensor:
    """The tree's edges, shape ``(n - 1, 2)``, in log₂ n rounds over ``ranks`` of shape ``(n, n)``.

    Ranks must be distinct, as `ranked_edges` gives them; `FAR` is no edge.
    """
    count = len(ranks)
    component = torch.arange(count, device=ranks.device)
    found = [component.new_zeros(0, 2)]
    while True:
        same = component[:, None] == component
        best, to = ranks.masked_fill(same, FAR).min(dim=1)
        shortest = best.new_full((count,), FAR)
        shortest.scatter_reduce_(0, component, best, "amin")
        start = ((best == shortest[component]) & (best < FAR)).nonzero()[:, 0]
        if not len(start):
            break
        left, right = component[start], component[to[start]]
        parent = torch.arange(count, device=ranks.device)
        parent[left] = right
        mutual = (parent[parent[left]] == left) & (left < right)  # two chose the same edge
        parent[left[mutual]] = left[mutual]
        found.append(torch.stack([start, to[start]], dim=1)[~mutual])
        while not torch.equal(parent, parent[parent]):
            parent = parent[parent]
        component = parent[component]
    roots = (component == torch.arange(count, device=ranks.device)).nonzero()
    apart = roots[component[roots[:, 0]] != component[0]] if count else roots
    found.append(torch.cat([torch.zeros_like(apart), apart], dim=1))
    return torch.cat(found)
