"""Right and wrong answers to the later exercises of chapter 12."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from .answers import _rank_by_rows

# persistence-pairs


def _reduced(
    pivot: Callable[[set[int]], int] = max,
    often: bool = True,
    add: Callable[[set[int], set[int]], set[int]] = lambda one, other: one ^ other,
    lines: Callable[[Tensor], Any] = lambda matrix: matrix.T,
    told: Callable[[int, int], tuple[int, int]] = lambda birth, death: (birth, death),
) -> Callable[[Tensor], list[tuple[int, int]]]:
    def persistence_pairs(matrix: Tensor) -> list[tuple[int, int]]:
        owner: dict[int, set[int]] = {}
        pairs = []
        for j, line in enumerate(lines(matrix)):
            column, rounds = set(line.nonzero().flatten().tolist()), 0
            while column and pivot(column) in owner and rounds < 500 and (often or not rounds):
                column = add(column, owner[pivot(column)])
                rounds += 1
            if column and pivot(column) not in owner:
                owner[pivot(column)] = column
                pairs.append(told(pivot(column), j))
        return pairs

    return persistence_pairs


def _pairs_on_tensors(matrix: Tensor) -> list[list[int]]:
    columns, lows = matrix.clone().T, {}
    for j in range(len(columns)):
        while columns[j].any():
            low = int(columns[j].nonzero().max())
            if low not in lows:
                lows[low] = j
                break
            columns[j] = (columns[j] + columns[lows[low]]) % 2
    return [[low, j] for low, j in lows.items()]


def _pairs_by_ranks(matrix: Tensor) -> list[tuple[int, int]]:
    """Without additions: (i, j) is a pair if it changes the ranks of lower left corners."""

    def corner(i: int, j: int) -> int:
        return _rank_by_rows(matrix[i:, :j]) if j > 0 and i < len(matrix) else 0

    m, pairs = len(matrix), []
    for j in range(m):
        if not matrix[:, j].any():
            continue
        for i in range(m):
            if corner(i, j + 1) - corner(i + 1, j + 1) - corner(i, j) + corner(i + 1, j) == 1:
                pairs.append((i, j))
    return pairs


def _pairs_in_place(matrix: Tensor) -> list[tuple[int, int]]:
    lows: dict[int, int] = {}
    for j in range(len(matrix)):
        while matrix[:, j].any():
            low = int(matrix[:, j].nonzero().max())
            if low not in lows:
                lows[low] = j
                break
            matrix[:, j] = (matrix[:, j] + matrix[:, lows[low]]) % 2
    return list(lows.items())


def _pairs_never_dying_too(matrix: Tensor) -> list[tuple[int, int]]:
    pairs = _reduced()(matrix)
    used = {place for pair in pairs for place in pair}
    return pairs + [(place, -1) for place in range(len(matrix)) if place not in used]


def _pairs_after_one_addition(matrix: Tensor) -> list[tuple[int, int]]:
    """Adds once, and takes the pivot that is left, even one that an earlier column has."""
    columns = [set(line.nonzero().flatten().tolist()) for line in matrix.T]
    owner: dict[int, int] = {}
    for j, column in enumerate(columns):
        if column and max(column) in owner:
            column ^= columns[owner[max(column)]]
        if column:
            owner[max(column)] = j
    return list(owner.items())


def _pairs_without_additions(matrix: Tensor) -> list[tuple[int, int]]:
    owner: dict[int, int] = {}
    for j, column in enumerate(matrix.T):
        ones = column.nonzero().flatten().tolist()
        if ones:
            owner.setdefault(max(ones), j)
    return list(owner.items())


# component-deaths


def _kruskal(
    order: Callable[[Tensor], Tensor] = lambda lengths: lengths.argsort(),
    compressed: bool = False,
    least: int = 1,
) -> Callable[[Tensor], Tensor]:
    def component_deaths(distances: Tensor) -> Tensor:
        n = len(distances)
        parent = list(range(n))

        def root(point: int) -> int:
            while parent[point] != point:
                if compressed:
                    parent[point] = parent[parent[point]]
                point = parent[point]
            return point

        rows, columns = torch.triu_indices(n, n, least)
        kept = []
        for place in order(distances[rows, columns]).tolist():
            one, other = root(int(rows[place])), root(int(columns[place]))
            if one != other:
                parent[other] = one
                kept.append(distances[rows[place], columns[place]])
        return torch.stack(kept) if kept else distances.new_zeros(0)

    return component_deaths


def _prim(distances: Tensor) -> Tensor:
    inside, outside, kept = [0], list(range(1, len(distances))), []
    while outside:
        block = distances[inside][:, outside]
        place = int(block.flatten().argmin())
        kept.append(block.flatten()[place])
        inside.append(outside.pop(place % len(outside)))
    return torch.stack(kept).sort().values


def _by_labels(distances: Tensor) -> Tensor:
    """Each point carries its component's number."""
    n, labels, kept = len(distances), torch.arange(len(distances)), []
    pairs = sorted(combinations(range(n), 2), key=lambda pair: float(distances[pair]))
    for i, j in pairs:
        if labels[i] != labels[j]:
            labels[labels == labels[j]] = labels[i].clone()
            kept.append(float(distances[i, j]))
    return torch.tensor(kept, dtype=distances.dtype)


def _nearest_neighbors(distances: Tensor) -> Tensor:
    away = distances.clone().fill_diagonal_(math.inf)
    return away.min(dim=1).values.sort().values[1:]


def _shortest_edges(distances: Tensor) -> Tensor:
    n = len(distances)
    rows, columns = torch.triu_indices(n, n, 1)
    return distances[rows, columns].sort().values[: n - 1]


def _parents_only(distances: Tensor) -> Tensor:
    """Compares parents, not roots."""
    n = len(distances)
    parent, kept = list(range(n)), []
    for i, j in sorted(combinations(range(n), 2), key=lambda pair: float(distances[pair])):
        if parent[i] != parent[j]:
            parent[j] = parent[i]
            kept.append(distances[i, j])
    return torch.stack(kept)


def _finite_only(distances: Tensor) -> Tensor:
    told = _kruskal()(distances)
    return told[told.isfinite()]


def _with_the_last(distances: Tensor) -> Tensor:
    told = _kruskal()(distances)
    return torch.cat([told, told.new_tensor([math.inf])])


# betti-curve


def _curve(
    born: Callable[[Tensor, Tensor], Tensor] = torch.le,
    alive: Callable[[Tensor, Tensor], Tensor] = torch.lt,
    dim: int = 1,
    kind: Callable[[Tensor], Any] = lambda counts: counts,
    given: Callable[[Tensor], Tensor] = lambda bars: bars,
) -> Callable[[Tensor, Tensor], Any]:
    def betti_curve(bars: Tensor, scales: Tensor) -> Any:
        births, deaths = given(bars).T
        told = born(births, scales[:, None]) & alive(scales[:, None], deaths)
        return kind(told.sum(dim=dim))

    return betti_curve


def _curve_in_a_loop(bars: Tensor, scales: Tensor) -> Tensor:
    rows = bars.tolist()
    return torch.tensor([sum(b <= s < d for b, d in rows) for s in scales.tolist()])


def _curve_by_sorting(bars: Tensor, scales: Tensor) -> Tensor:
    births, deaths = bars[:, 0].sort().values, bars[:, 1].sort().values
    born = torch.searchsorted(births, scales.contiguous(), right=True)
    return born - torch.searchsorted(deaths, scales.contiguous(), right=True)


def _only_finite(bars: Tensor) -> Tensor:
    return bars[bars[:, 1].isfinite()]


def _as_if_sorted(bars: Tensor, scales: Tensor) -> Tensor:
    return _curve_by_sorting(bars, scales.sort().values)


def _births_only(bars: Tensor, scales: Tensor) -> Tensor:
    return (bars[:, 0] <= scales[:, None]).sum(dim=1)
