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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .diagram import sorted_bars
from .edges import FAR, RankedEdges, ranked_edges
from .neighborhood import open_pairs
from .spanning_tree import boruvka, prim
from .sweep import CLASSES, Sweep

#: Numbers in a tile.
_TILE = 2**20
#: A column that needs more additions is left to the sweep.
_LONG = 100


@dataclass(frozen=True, eq=False)
class Births:
    """What the edges of the relative neighborhood graph do.

    Attributes
    ----------
    ranks
        Shape ``(m,)``, ascending: the edges with which a class of H1 is born.
    open
        Shape ``(edges,)``: whether an edge is in the graph, for births and the spanning tree.
    """

    ranks: Tensor
    open: Tensor


@dataclass(frozen=True, eq=False)
class Loops:
    """What a reduction found: ranks of the edges of birth and of death (-1: never), and its work:
    how many coboundaries were added, and how many columns were left to the sweep."""

    births: Tensor
    deaths: Tensor
    additions: int
    swept: int


def find_births(edges: RankedEdges) -> Births:
    """The edges with which a class of H1 is born: of the graph, and not of the tree."""
    ranks = edges.ranks
    device = ranks.device
    tree = boruvka(ranks) if device.type != "cpu" else torch.from_numpy(prim(ranks.numpy()))
    pairs = open_pairs(ranks)
    open_ = torch.zeros(len(edges.places), dtype=torch.bool, device=device)
    open_[ranks[pairs[:, 0], pairs[:, 1]].long()] = True
    joining = ranks[tree[:, 0], tree[:, 1]]
    births = open_.clone()
    births[joining[joining < FAR].long()] = False
    return Births(births.nonzero()[:, 0], open_)


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


def reduce(edges: RankedEdges, births: Births) -> Loops:
    """Pair each birth with the triangle that fills its loop."""
    keys, taken = (found.tolist() for found in first_pivots(edges, births.ranks))
    order = births.ranks.tolist()
    columns = _Columns(edges)
    long = []
    for birth, key, apparent in zip(order[::-1], keys[::-1], taken[::-1], strict=True):
        if key < 0:
            continue  # there is no triangle on it
        if not apparent and key not in columns.chains:
            columns.end(key, birth, [birth])
        elif not columns.reduce(birth):
            long.append(birth)
    if long:
        open_ = births.open.cpu().numpy()
        sweep = Sweep(columns.ranks, columns.places, open_, columns.chains, columns.owners)
        for first in range(0, len(long), CLASSES):
            sweep.run(long[first : first + CLASSES])
    ends = {birth: key // columns.count for key, birth in columns.owners.items()}
    deaths = torch.tensor([ends.get(birth, -1) for birth in order], device=births.ranks.device)
    return Loops(births.ranks, deaths.long(), columns.additions, len(long))


class _Columns:
    """Columns that need additions, one after the other.

    ``owners`` and ``chains`` say who ends at a triangle: the edge of its birth, and the edges whose
    coboundaries make up its column.
    """

    def __init__(self, edges: RankedEdges) -> None:
        self.ranks = edges.ranks.cpu().numpy()
        self.places = edges.places.cpu().numpy()
        self.count = len(self.ranks)
        self.vertices = np.arange(self.count)
        self.owners: dict[int, int] = {}
        self.chains: dict[int, Any] = {}
        self.additions = 0

    def end(self, key: int, birth: int, chain: Iterable[int]) -> None:
        self.owners[key], self.chains[key] = birth, tuple(chain)

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

    def reduce(self, birth: int) -> bool:
        """Add to an edge's coboundary until its pivot is free. False if that takes too long."""
        chain, added_to = {birth}, _Column(self.coboundary(birth))
        allowed = self.additions + _LONG
        while (key := added_to.pivot()) >= 0:
            edge = self.apparent(key)
            others = self.chains.get(key) if edge is None else (edge,)
            if others is None:
                self.end(key, birth, chain)
                break
            self.additions += len(others)
            if self.additions > allowed:
                return False
            chain.symmetric_difference_update(others)
            for other in others:
                keys = self.coboundary(other)
                added_to.add(keys[np.searchsorted(keys, key) :])
        return True


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


def loops(distances: Tensor, limit: float) -> Tensor:
    """The bars of H1, shape ``(m, 2)``, of the edges up to ``limit``."""
    if len(distances) < 4:
        return distances.new_zeros(0, 2)
    edges = ranked_edges(distances, limit)
    found = reduce(edges, find_births(edges))
    lengths = torch.cat([edges.lengths, edges.lengths.new_full((1,), math.inf)])
    return sorted_bars(lengths[found.births], lengths[found.deaths])  # -1 is the last: infinity
