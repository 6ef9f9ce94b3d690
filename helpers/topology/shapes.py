"""Two classes of points of known topology, and Betti numbers by a graph of neighbors.

After the synthetic data sets D-I, D-II and D-III of Naitzat, Zhitnikov & Lim (2020), *Topology of
Deep Neural Networks*: nine discs in a square, linked rings, nested spheres. Places, sizes and
numbers of points are our own. Every function gives ``points`` of shape (n, 2) or (n, 3), float32,
and ``labels`` of shape (n,): 0 and 1. Between the classes a gap is left free.

>>> points, labels = nine_discs(2500)
>>> [neighbor_betti(points[labels == label]) for label in (0, 1)]
[[9, 0], [1, 9]]
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

#: The Betti numbers of both classes of each set.
DISCS = ([9, 0], [1, 9])
RINGS = ([9, 9, 0], [9, 9, 0])
SPHERES = ([6, 0, 3], [3, 0, 3])


def nine_discs(
    count: int, generator: Generator | None = None, radius: float = 0.2, gap: float = 0.05
) -> tuple[Tensor, Tensor]:
    """Nine discs (class 0) and the rest of a square with its nine holes (class 1).

    About ``count`` points, one at a random place in each cell of a grid over [-1, 1]².
    """
    side = max(2, round(math.sqrt(count)))
    corners = torch.cartesian_prod(torch.arange(side), torch.arange(side))
    points = (corners + torch.rand(corners.shape, generator=generator)) * 2 / side - 1
    middle = torch.tensor([-0.62, 0.0, 0.62])
    apart = torch.cdist(points, torch.cartesian_prod(middle, middle)).amin(dim=1) - radius
    kept = apart.abs() > gap / 2
    return points[kept], (apart > 0)[kept].long()


def linked_rings(
    pairs: int = 9, each: int = 160, generator: Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Pairs of thin rings that hold each other like links of a chain, one of each class."""
    points = []
    for label in (0, 1):
        for pair in range(pairs):
            angles = 2 * math.pi * (torch.arange(each) + torch.rand(each, generator=generator))
            angles = angles / each
            flat = torch.stack([angles.cos(), angles.sin(), torch.zeros(each)], dim=1)
            thick = 0.06 * torch.randn(each, 3, generator=generator).clamp(-2, 2)
            ring = (flat + thick)[:, [0, 2, 1]] if label else flat + thick
            points.append(ring + torch.tensor([4.0 * (pair % 3) + label, 3.0 * (pair // 3), 0]))
    return torch.cat(points), torch.arange(2).repeat_interleave(pairs * each)


def nested_spheres(
    units: int = 3, each: int = 400, generator: Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Balls, each in a hollow sphere of class 1, in a wider one of class 0 as the ball is.

    ``each`` is the number of points of a wide sphere.
    """
    parts = [], []  # type: tuple[list[Tensor], list[Tensor]]
    for unit in range(units):
        middle = torch.tensor([3.6 * (unit % 3), 3.6 * (unit // 3), 0.0])
        inside = torch.randn(each // 5, 3, generator=generator)
        inside = inside / inside.norm(dim=1, keepdim=True)
        depth = torch.rand(each // 5, 1, generator=generator) ** (1 / 3)
        parts[0].append(middle + 0.3 * depth * inside)
        parts[0].append(middle + _sphere(each, 1.2, generator))
        parts[1].append(middle + _sphere(each * 5 // 8, 0.75, generator))
    classes = [torch.cat(part) for part in parts]
    labels = torch.arange(2).repeat_interleave(torch.tensor([len(part) for part in classes]))
    return torch.cat(classes), labels


def _sphere(count: int, radius: float, generator: Generator | None) -> Tensor:
    """Evenly spread directions, on a spiral, at nearly the same distance."""
    place = torch.arange(count) + 0.5
    down, around = torch.acos(1 - 2 * place / count), math.pi * (1 + math.sqrt(5)) * place
    flat = [around.cos() * down.sin(), around.sin() * down.sin(), down.cos()]
    return torch.stack(flat, dim=1) * (radius + 0.1 * torch.rand(count, 1, generator=generator))


def neighbor_hops(points: Tensor, neighbors: int = 14, most: int = 2) -> Tensor:
    """Numbers of steps between points in the graph of nearest neighbors; infinite beyond ``most``.

    An edge joins two points if one is among the other's ``neighbors`` nearest. What is near in
    this way does not depend on a scale, which changes from layer to layer.
    """
    centered = points.double() - points.double().mean(dim=0)
    wanted = min(neighbors, len(points) - 1) + 1
    apart = torch.cdist(centered, centered, compute_mode="donot_use_mm_for_euclid_dist")
    near = apart.topk(wanted, largest=False).indices
    edges = torch.zeros(len(points), len(points)).scatter_(1, near, 1.0)
    edges = torch.maximum(edges, edges.T).fill_diagonal_(1.0)
    hops, reached = torch.full_like(edges, math.inf), edges
    for step in range(1, most + 1):
        hops[(reached > 0) & hops.isinf()] = step
        if step < most:
            reached = ((reached @ edges) > 0).float()
    return hops.fill_diagonal_(0.0)


def neighbor_betti(
    points: Tensor, max_dimension: int = 1, neighbors: int = 14, hops: int = 2
) -> list[int]:
    """Betti numbers over Z/2 of the complex that joins what is at most ``hops`` steps apart.

    Points that coincide count once.
    """
    from gudhi.sklearn.rips_persistence import RipsPersistence

    rips = RipsPersistence(
        homology_dimensions=list(range(max_dimension + 1)),
        threshold=float(hops),
        input_type="full distance matrix",
        num_collapses=1,
        homology_coeff_field=2,
    )
    matrix = neighbor_hops(points.unique(dim=0), neighbors, hops).double().numpy()
    (diagrams,) = rips.fit_transform([matrix])
    bars = [torch.as_tensor(found).reshape(-1, 2) for found in diagrams]
    return [int(((b[:, 0] <= hops) & (b[:, 1] > hops)).sum()) for b in bars]
