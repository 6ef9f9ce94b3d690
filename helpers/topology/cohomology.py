"""H1 exactly: cohomology on the few edges that can give birth to a loop.

The filtration adds simplices in a strict order. Edges come by length and place: their *rank*. A
triangle comes with its longest edge, so its key is (rank of its longest edge) × n + (the vertex
opposite to it), which one integer holds.

Persistent cohomology takes the edges from the last to the first. The *coboundary* of an edge is the
triangles on it, and its pivot is the earliest of these. An edge whose pivot is free pairs with it:
a loop that is born with the edge and filled by the triangle. If the pivot is taken, the coboundary
of who has it is added, modulo 2, and a later triangle becomes the pivot.

Most edges pair with the first triangle of which they are the longest side (*apparent pairs*, which
last no time): any edge with a point between its ends. They are never made. What is left are the
edges of the relative neighborhood graph; those of them in the spanning tree fill no loop but join
components.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .diagram import sorted_bars
from .edges import FAR, RankedEdges, ranked_edges
from .neighborhood import open_pairs
from .spanning_tree import boruvka, prim

#: Numbers in a tile.
_TILE = 2**20


class TooManyAdditions(Exception):
    """The reduction took more additions than it was allowed."""


@dataclass(frozen=True, eq=False)
class Loops:
    """What a reduction found: ranks of the edges of birth, and of death (-1: never)."""

    births: Tensor
    deaths: Tensor
    additions: int


def birth_ranks(edges: RankedEdges) -> Tensor:
    """The ranks of the edges with which a class of H1 is born, shape ``(m,)``, ascending."""
    ranks = edges.ranks
    tree = boruvka(ranks) if ranks.device.type != "cpu" else torch.from_numpy(prim(ranks.numpy()))
    open_ = open_pairs(ranks)
    births = torch.zeros(len(edges.places) + 1, dtype=torch.bool, device=ranks.device)
    births[ranks[open_[:, 0], open_[:, 1]].long()] = True
    joining = ranks[tree[:, 0], tree[:, 1]].long()
    births[joining.clamp_max(len(edges.places))] = False
    return births[:-1].nonzero()[:, 0]


def first_pivots(edges: RankedEdges, births: Tensor) -> tuple[Tensor, Tensor]:
    """The pivot of each birth's own coboundary (-1: none), and whether an apparent pair has it."""
    ranks, count = edges.ranks, len(edges.ranks)
    keys, taken = [births[:0]], [births[:0].bool()]
    for part in births.split(max(1, _TILE // max(1, count))):
        i, j = edges.places[part] // count, edges.places[part] % count
        longest, k = torch.maximum(ranks[i], ranks[j]).min(dim=1)
        none = longest == FAR
        k_to_i = ranks[i, k] == longest  # then j is opposite
        a, opposite = torch.where(k_to_i, i, j), torch.where(k_to_i, j, i)
        between = torch.maximum(ranks[a], ranks[k]) < longest[:, None]
        keys.append((longest.long() * count + opposite).masked_fill_(none, -1))
        taken.append((between.int().argmax(dim=1) == opposite) & ~none)
    return torch.cat(keys), torch.cat(taken)


def reduce(edges: RankedEdges, births: Tensor, limit: int | None = None) -> Loops:
    """Pair each birth with the triangle that fills its loop.

    Raises
    ------
    TooManyAdditions
        If coboundaries have to be added more than ``limit`` times.
    """
    keys, taken = (found.tolist() for found in first_pivots(edges, births))
    reduction = _Reduction(edges, limit)
    ranks = births.tolist()
    deaths = [-1] * len(ranks)
    for place in range(len(ranks) - 1, -1, -1):
        key = keys[place]
        if key >= 0 and (taken[place] or key in reduction.chains):
            key = reduction.column(ranks[place])
        elif key >= 0:
            reduction.chains[key] = (ranks[place],)
        deaths[place] = key // reduction.count if key >= 0 else -1
    device = births.device
    return Loops(births, torch.tensor(deaths, device=device).long(), reduction.additions)


class _Reduction:
    """Columns that need additions, one after the other."""

    def __init__(self, edges: RankedEdges, limit: int | None) -> None:
        self.ranks = edges.ranks.cpu().numpy()
        self.places = edges.places.cpu().numpy()
        self.count = len(self.ranks)
        self.vertices = np.arange(self.count)
        self.chains: dict[int, tuple[int, ...]] = {}  # pivot -> the edges whose coboundaries sum up
        self.additions, self.limit = 0, limit

    def coboundary(self, rank: int) -> np.ndarray:
        """The keys of the triangles on an edge, ascending."""
        i, j = divmod(int(self.places[rank]), self.count)
        one, other = self.ranks[i], self.ranks[j]
        longest = np.maximum(one, other)
        opposite = np.where(one > other, j, i)
        shorter = longest < rank
        opposite[shorter] = self.vertices[shorter]
        np.maximum(longest, rank, out=longest)
        keys = longest.astype(np.int64) * self.count + opposite
        keys = keys[longest != FAR]
        keys.sort()
        return keys

    def apparent(self, key: int) -> int | None:
        """The edge that has this triangle in an apparent pair, if one has."""
        rank, opposite = divmod(key, self.count)
        i, j = divmod(int(self.places[rank]), self.count)
        between = np.maximum(self.ranks[i], self.ranks[j]) < rank
        return rank if int(between.argmax()) == opposite else None

    def column(self, rank: int) -> int:
        """Add to an edge's coboundary until its pivot is free; the pivot, or -1 if it vanishes."""
        chain = {rank}
        column = _Column(self.coboundary(rank))
        while (key := column.pivot()) >= 0:
            edge = self.apparent(key)
            added = (edge,) if edge is not None else self.chains.get(key, ())
            if not added:
                self.chains[key] = tuple(chain)
                break
            chain.symmetric_difference_update(added)
            self.additions += len(added)
            if self.limit is not None and self.additions > self.limit:
                raise TooManyAdditions
            for other in added:
                keys = self.coboundary(other)
                column.add(keys[np.searchsorted(keys, key) :])
        return key


class _Column:
    """A sum of coboundaries modulo 2: sorted lists, merged only as far as a pivot is looked for."""

    def __init__(self, keys: np.ndarray) -> None:
        self.heap: list[tuple[int, int, Iterator[int]]] = []
        self.number = 0
        self.add(keys)

    def add(self, keys: np.ndarray) -> None:
        rest = iter(keys.tolist())
        for key in rest:
            self.number += 1
            heapq.heappush(self.heap, (key, self.number, rest))
            break

    def pivot(self) -> int:
        """The least key that stands in an odd number of the lists, or -1; it stays in the sum."""
        heap = self.heap
        while heap:
            key, odd = heap[0][0], False
            while heap and heap[0][0] == key:
                _, number, rest = heap[0]
                odd = not odd
                following = next(rest, None)
                if following is None:
                    heapq.heappop(heap)
                else:
                    heapq.heapreplace(heap, (following, number, rest))
            if odd:
                self.number += 1
                heapq.heappush(heap, (key, self.number, iter(())))
                return key
        return -1


def loops(distances: Tensor, limit: float, additions: int | None = None) -> Tensor:
    """The bars of H1, shape ``(m, 2)``, of edges up to ``limit``; as in `reduce`."""
    if len(distances) < 4:
        return distances.new_zeros(0, 2)
    edges = ranked_edges(distances, limit)
    found = reduce(edges, birth_ranks(edges), additions)
    lengths = torch.cat([edges.lengths, edges.lengths.new_full((1,), math.inf)])
    return sorted_bars(lengths[found.births], lengths[found.deaths])  # -1 is the last: infinity
