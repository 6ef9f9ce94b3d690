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
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .columns import Columns
from .diagram import sorted_bars
from .edges import FAR, RankedEdges, ranked_edges
from .neighborhood import open_pairs
from .pivots import first_pivots
from .spanning_tree import boruvka, prim
from .sweep import CLASSES, Sweep

#: Work after which a column is put off, in about microseconds; four times more each time that it
#: goes on.
_LONG = 2500
#: All of that may take half as much as a sweep, edges × points / this; or 4 × `_LONG`, if more.
_SWEEP = 4000


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
    how many coboundaries were added one by one, and how many columns were left to the sweep."""

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


def reduce(edges: RankedEdges, births: Births) -> Loops:
    """Pair each birth with the triangle that fills its loop."""
    pivots = first_pivots(edges, births.ranks)
    order = births.ranks.tolist()
    columns, long = Columns(edges), []
    known = (part.tolist()[::-1] for part in (pivots.keys, pivots.added, pivots.apparent))
    for birth, key, added, apparent in zip(order[::-1], *known, strict=True):
        if key < 0:
            continue  # the column is empty: its class never ends
        chain = {birth} if added < 0 else {birth, added}
        if not apparent and key not in columns.chains:
            columns.end(key, birth, chain)
        else:
            column = columns.reduce(birth, chain)
            if (left := _advance(column, columns, _LONG)) is not None:
                long.append((left, column))
    until = columns.work + max(4 * _LONG, len(edges.places) * columns.count // _SWEEP)
    allowed = _LONG
    while long and columns.work < until:  # while that costs less than a sweep
        allowed *= 4
        tried = [
            (_advance(column, columns, min(allowed, until - columns.work)), column)
            for _, column in long
        ]
        long = [(birth, column) for birth, column in tried if birth is not None]
    if long:
        open_ = births.open.cpu().numpy()
        sweep = Sweep(columns.ranks, columns.places, open_, columns.chains, columns.owners)
        for first in range(0, len(long), CLASSES):
            sweep.run([birth for birth, _ in long[first : first + CLASSES]])
    ends = {birth: key // columns.count for key, birth in columns.owners.items()}
    deaths = torch.tensor([ends.get(birth, -1) for birth in order], device=births.ranks.device)
    return Loops(births.ranks, deaths.long(), columns.additions, len(long))


def _advance(column: Iterator[int], columns: Columns, allowed: int) -> int | None:
    """Go on with a column; if it takes more work than is allowed, the birth of its class."""
    until = columns.work + allowed
    for birth in column:
        if columns.work >= until:
            return birth
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
