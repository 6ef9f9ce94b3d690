"""Cases and references of the exercises of chapter 12."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from helpers.topology import reduction

from ..definition import Case, Oracle
from ..inputs import integers, normal

_WIDE = torch.float64
_Complex = list[tuple[int, ...]]
#: The torus with seven points, and the projective plane with six.
_TORUS = [(i, (i + k) % 7, (i + 3) % 7) for i in range(7) for k in (1, 2)]
_PLANE = [(0, 1, 2), (0, 2, 3), (0, 3, 4), (0, 4, 5), (0, 1, 5)]
_PLANE += [(1, 2, 4), (2, 3, 5), (1, 3, 4), (2, 4, 5), (1, 3, 5)]


def _plain(simplices: Sequence[Sequence[int]]) -> list[list[int]]:
    return [list(simplex) for simplex in simplices]


def _relabeled(random: random.Random, simplices: Sequence[Sequence[int]]) -> _Complex:
    """The same complex with other numbers for its points, and all its faces."""
    points = sorted({point for simplex in simplices for point in simplex})
    names = dict(zip(points, random.sample(range(3 * len(points)), len(points)), strict=True))
    return reduction.with_faces([names[point] for point in simplex] for simplex in simplices)


def _shuffled(random: random.Random, simplices: _Complex) -> _Complex:
    """In an order of chance in which faces still come first."""
    place = {simplex: random.random() for simplex in simplices}
    for simplex in sorted(simplices, key=len):
        facets = combinations(simplex, len(simplex) - 1) if len(simplex) > 1 else ()
        place[simplex] = max([place[simplex], *(place[facet] for facet in facets)])
    return sorted(simplices, key=lambda simplex: (place[simplex], len(simplex)))


def _random_complex(random: random.Random, points: int, size: int, count: int) -> _Complex:
    """Some simplices of chance, all their faces, and perhaps points that are alone."""
    chosen = [random.sample(range(points), size) for _ in range(count)]
    smaller = [random.sample(range(points), size - 1) for _ in range(count)]
    return _relabeled(random, [*chosen, *smaller, *([point] for point in range(points))])


# exact-distances


def _distances(points: Tensor, p: int) -> Tensor:
    wide, exact = points.double(), "donot_use_mm_for_euclid_dist"
    return torch.cdist(wide, wide, p=float(p), compute_mode=exact).to(points.dtype)


def _distance_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, points: Tensor, p: int, said: str, **more: bool) -> Case:
        said = f"{group}: p = {p}, {said}" if more else f"p = {p}, {said}"
        return Case(group, said, {"points": points, "p": p}, **more)

    three = torch.tensor([[0.0, 0], [3, 4], [3, 0]])
    said = "(0, 0), (3, 4), (3, 0)"
    yield made("city blocks", three, 1, said, fixed=True)
    yield made("straight lines", three, 2, said, fixed=True)
    near = torch.tensor([[0.0, 100], [0.01, 100], [0, 200]])
    yield made("far from zero", near, 2, "(0, 100), (0.01, 100), (0, 200)", fixed=True)
    for _ in range(3):
        n, d = random.randint(5, 12), random.randint(2, 5)
        dtype = random.choice((torch.float32, _WIDE))
        for group, p in (("city blocks", 1), ("straight lines", 2)):
            points = normal(random, n, d, dtype=dtype)
            yield made(group, points, p, f"{n} points of {d} coordinates")
        for p in (1, 2):
            points = 0.01 * normal(random, n, d) + random.choice((100.0, 300.0, -1000.0))
            yield made("far from zero", points, p, f"{n} points close together, far from zero")
            sides = torch.cat([points[::2], -points[1::2]])  # to subtract the mean is no help
            yield made("far from zero", sides, p, f"{n} points in two heaps far from each other")
            twice = torch.cat([normal(random, n, d)] * 2)[: random.randint(n + 1, 2 * n)]
            yield made("repeated points", twice, p, f"{len(twice)} points, {n} of them different")


exact_distances = Oracle(_distance_cases, _distances, rtol=1e-5, atol=0.0)


# boundary-matrix


def _boundary_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, simplices: _Complex, **more: bool) -> Case:
        text = f"{len(simplices)} simplices" if not more else ", ".join(map(str, simplices))
        return Case(group, text, {"simplices": _plain(simplices)}, **more)

    yield made("graphs", [(0,), (1,), (2,), (0, 1), (1, 2)], fixed=True)
    order: _Complex = [(0,), (1,), (0, 1), (2,), (1, 2), (0, 2), (0, 1, 2)]
    yield made("triangles", order, fixed=True)
    for _ in range(3):
        points = random.randint(5, 7)
        for group, size in (("graphs", 2), ("triangles", 3), ("tetrahedra", 4)):
            simplices = _random_complex(random, points, size, random.randint(2, 4))
            yield made(group, _shuffled(random, simplices))


def _boundary(simplices: _Complex) -> Tensor:
    return reduction.boundary_matrix(simplices).long()


boundary_matrix = Oracle(_boundary_cases, _boundary)


# rank-mod-2


def _of_rank(random: random.Random, rank: int, rows: int, columns: int) -> Tensor:
    """A matrix of a rank over Z/2, as a product of two that have triangles within them."""
    one, other = integers(random, 0, 1, rows, rank), integers(random, 0, 1, rank, columns)
    one[:rank] = one[:rank].tril(-1) + torch.eye(rank, dtype=torch.int64)
    other[:, :rank] = other[:, :rank].triu(1) + torch.eye(rank, dtype=torch.int64)
    return (one @ other) % 2


def _rank_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, matrix: Tensor, **more: bool) -> Case:
        rows, columns = matrix.shape
        text = str(matrix.tolist()) if more else f"{rows}×{columns}"
        return Case(group, text, {"matrix": matrix.long(), "look": group}, **more)

    triangle = torch.tensor([[1, 0, 1], [1, 1, 0], [0, 1, 1]])
    yield made("small matrices", torch.tensor([[1, 1], [1, 0]]), fixed=True)
    yield made("boundary matrices", triangle, fixed=True)
    yield made("left as it was", triangle, fixed=True)
    for inner in range(2, 6):  # so that the ranks differ
        for group in ("small matrices", "left as it was"):
            yield made(group, _of_rank(random, inner, inner, random.randint(inner, 7)))
            yield made(group, _of_rank(random, inner, random.randint(inner, 7), inner + 1))
            odd = torch.block_diag(triangle, torch.eye(inner, dtype=torch.int64))
            rows, columns = (random.sample(range(inner + 3), inner + 3) for _ in range(2))
            yield made(group, odd[rows][:, columns])  # of one rank more over the real numbers
        late = torch.zeros(inner, random.randint(1, 2), dtype=torch.int64)  # no pivot at first
        yield made("small matrices", torch.cat([late, _of_rank(random, inner, inner, inner)], 1))
        whole = _relabeled(random, random.choice((_TORUS, _PLANE)))
        whole = _shuffled(random, whole[: random.randint(len(whole) // 2, len(whole))])
        size = random.choice((2, 3))
        chosen = torch.tensor([len(simplex) == size for simplex in whole])
        faces = torch.tensor([len(simplex) == size - 1 for simplex in whole])
        if not bool(chosen.any()):
            chosen, faces = (torch.tensor([len(s) == k for s in whole]) for k in (2, 1))
        yield made("boundary matrices", reduction.boundary_matrix(whole)[faces][:, chosen])


rank_mod_2 = Oracle(_rank_cases, reduction.rank_mod_2)


# mend-betti


def _cycle(length: int) -> _Complex:
    return [tuple(sorted((i, (i + 1) % length))) for i in range(length)]


def _klein_bottle() -> list[list[int]]:
    """A grid of 4×4 squares, each cut in two, whose upper edge meets the lower one turned round."""

    def at(row: int, column: int) -> int:
        column = -column if row == 4 else column
        return 4 * (row % 4) + column % 4

    return [
        [at(i, j), at(i + 1, j + 1), corner]
        for i in range(4)
        for j in range(4)
        for corner in (at(i, j + 1), at(i + 1, j))
    ]


_SURFACES: dict[str, Sequence[Sequence[int]]] = {
    "a sphere": list(combinations(range(4), 3)),
    "a torus": _TORUS,
    "a projective plane": _PLANE,
    "a Klein bottle": _klein_bottle(),
}


def _betti_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, text: str, simplices: Sequence[Sequence[int]], **more: bool) -> Case:
        whole = reduction.with_faces(simplices) if more else _relabeled(random, simplices)
        return Case(group, text, {"simplices": _plain(whole)}, **more)

    yield made("graphs", "a square", _cycle(4), fixed=True)
    yield made("graphs", "a triangle that is not filled", _cycle(3), fixed=True)
    yield made("surfaces", "the four triangles of a tetrahedron", _SURFACES["a sphere"], fixed=True)
    for length, surface in zip((3, 5, 7), random.sample(list(_SURFACES), 3), strict=True):
        tail = [(0, length), (length, length + 1), (length + 2,)]
        chord = [(0, 2)] if length > 3 else []
        text = f"a cycle of {length} with a tail, and a point apart"
        yield made(
            "graphs", text + (", and a chord" if chord else ""), [*_cycle(length), *tail, *chord]
        )
        other = [[point + 100 for point in simplex] for simplex in _cycle(random.randint(3, 6))]
        text = f"{surface}, and a cycle of {len(other)} beside it"
        yield made("several pieces", text, [*_SURFACES[surface], *other, [99]])
    for name, simplices in _SURFACES.items():
        yield made("surfaces", name, simplices)


mend_betti = Oracle(_betti_cases, reduction.betti_of_complex)


# persistence-pairs


def _pairs(matrix: Tensor) -> list[tuple[int, int]]:
    return reduction.reduce_boundary(matrix)[1]


def _pair_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, simplices: _Complex, **more: bool) -> Case:
        text = ", ".join(map(str, simplices)) if more else f"{len(simplices)} simplices"
        matrix = reduction.boundary_matrix(simplices).long()
        return Case(group, text, {"matrix": matrix, "look": group}, **more)

    def rips(points: int, dimension: int) -> _Complex:
        cloud = normal(random, points, 2, dtype=_WIDE)
        filtration = reduction.rips_simplices(_distances(cloud, 2), dimension)
        return [simplex for simplex, _ in filtration]

    edges: _Complex = [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2)]
    yield made("graphs", edges, fixed=True)
    yield made("triangles", [*edges, (0, 1, 2)], fixed=True)
    yield made("left as it was", [*edges, (0, 1, 2)], fixed=True)
    for _ in range(3):
        yield made("graphs", rips(random.randint(5, 9), 1))
        yield made("triangles", rips(random.randint(5, 7), 2))
        yield made("left as it was", rips(random.randint(4, 6), 2))
        surface = _relabeled(random, random.choice((_TORUS, _PLANE)))
        yield made("other orders", _shuffled(random, surface))


persistence_pairs = Oracle(_pair_cases, _pairs)


# component-deaths


def _deaths(distances: Tensor) -> Tensor:
    """Prim's way: the tree grows by the nearest point that is not in it."""
    away, tree = distances[0].clone(), torch.zeros(len(distances), dtype=torch.bool)
    found = []
    tree[0] = True
    for _ in range(len(distances) - 1):
        outside = away.masked_fill(tree, math.inf)
        near = (
            int(outside.argmin()) if bool(outside.isfinite().any()) else int((~tree).nonzero()[0])
        )
        found.append(outside[near])
        tree[near] = True
        away = torch.minimum(away, distances[near])
    return torch.stack(found).sort().values


def _death_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, distances: Tensor, said: str, **more: bool) -> Case:
        return Case(group, said, {"distances": distances}, **more)

    four = torch.tensor([[0.0], [1.0], [3.0], [7.0]], dtype=_WIDE)
    yield made("clouds", _distances(four, 2), "0, 1, 3 and 7 on a line", fixed=True)
    square = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]], dtype=_WIDE)
    yield made("ties", _distances(square, 2), "the corners of a square", fixed=True)
    for _ in range(3):
        n = random.randint(8, 16)
        yield made("clouds", _distances(normal(random, n, 3, dtype=_WIDE), 2), f"{n} points")
        grid = integers(random, 0, 3, n, 2).double()
        yield made("ties", _distances(grid, 1), f"{n} points with whole coordinates, city blocks")
        parts = torch.tensor([random.randrange(3) for _ in range(n)])
        parts[:3] = torch.arange(3)
        apart = _distances(normal(random, n, 2, dtype=_WIDE), 2)
        apart = apart.masked_fill(parts[:, None] != parts, math.inf)
        yield made("islands", apart, f"{n} points on 3 islands with no way between them")


component_deaths = Oracle(_death_cases, _deaths)


# betti-curve


def _alive(bars: Tensor, scales: Tensor) -> Tensor:
    """By sorting: how many were born at a scale or before, less how many have died."""
    births, deaths = bars.T.contiguous().sort(dim=1).values
    born = torch.searchsorted(births, scales, right=True)
    return born - torch.searchsorted(deaths, scales, right=True)


def _curve_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, bars: Tensor, scales: Tensor, **more: bool) -> Case:
        text = f"{len(bars)} bars at {len(scales)} scales"
        if more:
            text = ", ".join(f"{b:g} to {d:g}" for b, d in bars.tolist()).replace("inf", "∞")
            text += " at " + ", ".join(f"{scale:g}" for scale in scales.tolist())
        inputs: dict[str, Any] = {"bars": bars, "scales": scales}
        return Case(group, text, inputs, **more)

    def table(rows: Any) -> Tensor:
        return torch.tensor(rows, dtype=_WIDE)

    yield made("bars", table([[0, 2], [1, 4], [1, 3]]), table([0.5, 1.5, 3.5]), fixed=True)
    forever = table([[0, 1], [0, math.inf]])
    yield made("bars that never die", forever, table([0.5, 2, 100]), fixed=True)
    yield made("at an end of a bar", table([[1, 2], [2, 3]]), table([1, 2, 3]), fixed=True)
    for _ in range(3):
        for group in ("bars", "bars that never die", "at an end of a bar"):
            m, count = random.randint(4, 20), random.randint(5, 12)
            births = 4 * normal(random, m, dtype=_WIDE).abs()
            bars = torch.stack([births, births + normal(random, m, dtype=_WIDE).abs() + 0.5], 1)
            scales = 6 * normal(random, count, dtype=_WIDE).abs()
            if group == "at an end of a bar":
                bars = bars.round() + torch.tensor([0.0, 1.0], dtype=_WIDE)
                ends = torch.cat([bars[:2].flatten(), scales.round()])
                scales = ends[torch.tensor(random.sample(range(len(ends)), len(ends)))]
            if group == "bars that never die":
                bars[: random.randint(1, 3), 1] = math.inf
                bars = bars[torch.tensor(random.sample(range(m), m))]
            yield made(group, bars, torch.cat([scales, bars[:1, 0] + 0.01]))


betti_curve = Oracle(_curve_cases, _alive)
