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

import math
from collections.abc import Iterable
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
#: Work after which a column is put off, in about microseconds; four times more when it is tried
#: again.
_LONG = 5000
#: All further trials may take half as much as a sweep: edges × points / this.
_SWEEP = 4000
#: How much of the filtration a column looks at first: one part in so many.
_WINDOW = 128


@dataclass(frozen=True, eq=False)
class Births:
    """What the edges of the relative neighborhood graph do.

    Attributes
    ----------
    ranks
        Shape ``(m,)``, ascending: the edges with which a class of H1 is born.
    open
        Shape ``(edges,)``: whether an edge is in the graph, for births and the spanning tree.
    tree
        Shape ``(t,)``, ascending: the edges with which a component ends.
    """

    ranks: Tensor
    open: Tensor
    tree: Tensor


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
    joining = joining[joining < FAR].long().sort().values
    births[joining] = False
    return Births(births.nonzero()[:, 0], open_, joining)


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
        elif (left := columns.reduce(birth, _LONG)) is not None:
            long.append(left)
    until = columns.work + max(8 * _LONG, len(edges.places) * columns.count // _SWEEP)
    allowed = _LONG
    while long and columns.work < until:  # while that costs less than a sweep
        allowed *= 4
        left_over = [columns.reduce(birth, min(allowed, until - columns.work)) for birth in long]
        long = [birth for birth in left_over if birth is not None]
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
        self.owners: dict[int, int] = {}
        self.chains: dict[int, Any] = {}
        self.additions = self.work = 0

    def end(self, key: int, birth: int, chain: Iterable[int]) -> None:
        self.owners[key], self.chains[key] = birth, tuple(chain)

    def triangles(self, edge: int, first: int, last: int) -> set[int]:
        """The keys of the triangles on an edge whose longest edge has a rank in this range."""
        i, j = divmod(int(self.places[edge]), self.count)
        one = self.ranks[i]
        longest = np.maximum(one, self.ranks[j])
        if edge >= first:
            k = (longest <= last).nonzero()[0]
        else:  # one comparison for two: what is below the range wraps around to a great number
            longest -= first
            k = (longest.view(np.uint32) <= last - first).nonzero()[0]
            longest += first
        longest = longest[k]
        opposite = np.where(one[k] == longest, j, i)
        if edge >= first:
            shorter = (longest < edge).nonzero()[0]
            opposite[shorter], longest[shorter] = k[shorter], edge
        self.work += 40 + len(k)
        opposite += np.multiply(longest, self.count, dtype=np.int64)
        return set(opposite.tolist())

    def apparent(self, key: int) -> int | None:
        """The edge that has this triangle in an apparent pair, if one has."""
        edge, opposite = divmod(key, self.count)
        i, j = divmod(int(self.places[edge]), self.count)
        between = np.maximum(self.ranks[i], self.ranks[j]) < edge
        return edge if int(between.argmax()) == opposite else None

    def reduce(self, birth: int, allowed: int) -> int | None:
        """Add to an edge's coboundary until its pivot is free.

        Most pivots are found soon after the birth, so that only triangles in a window are looked
        at. If the sum is empty there, so it is up to the window's end, and the window moves on. An
        older class that loses its triangle to this one goes on instead. Who is left over because
        it takes more additions than are allowed is returned.
        """
        chain, end = {birth}, len(self.places) - 1
        until = self.work + allowed
        width = end // _WINDOW + 1
        first, last = birth, min(birth + width, end)
        column = self.triangles(birth, first, last)
        while column or last < end:
            if not column:
                width *= 2
                first, last = last + 1, min(last + width, end)
                for edge in chain:
                    column ^= self.triangles(edge, first, last)
                    if self.work >= until:
                        return birth
                continue
            if self.work >= until:
                return birth
            key = min(column)
            self.work += len(column) // 16
            added = self.apparent(key)
            others = self.chains.get(key, ()) if added is None else (added,)
            if added is None and self.owners.get(key, -1) < birth:
                older = self.owners.get(key)
                self.end(key, birth, chain)
                if older is None:
                    break
                birth = older
            self.additions += len(others)
            chain.symmetric_difference_update(others)
            for edge in others:
                column ^= self.triangles(edge, first, last)
        return None


def components_and_loops(distances: Tensor, limit: float) -> tuple[Tensor, Tensor]:
    """The bars of H0 and H1, each of shape ``(m, 2)``, of the edges up to ``limit``."""
    edges = ranked_edges(distances, limit)
    births = find_births(edges)
    lengths = torch.cat([edges.lengths, edges.lengths.new_full((1,), math.inf)])
    deaths = lengths.new_full((len(distances),), math.inf)
    deaths[: len(births.tree)] = lengths[births.tree]
    found = reduce(edges, births)
    h1 = sorted_bars(lengths[found.births], lengths[found.deaths])  # -1 is the last: infinity
    return sorted_bars(torch.zeros_like(deaths), deaths), h1
