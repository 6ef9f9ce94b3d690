"""The first pivots of all columns at once, on any device.

Apparent pairs have their triangles whatever the order of the columns. So a column whose pivot is in
one can be added to without waiting for another, and about half of all columns can.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from . import memory
from .edges import FAR, RankedEdges

#: In place of a triangle's key where there is none.
_NO_KEY = torch.iinfo(torch.int64).max


@dataclass(frozen=True, eq=False)
class Pivots:
    """Columns after their first addition, if that is of an apparent pair. Shapes are ``(m,)``.

    Attributes
    ----------
    keys
        The triangle that is a column's pivot (-1: none).
    added
        The edge whose coboundary was added to it (-1: none).
    apparent
        Whether an apparent pair has the pivot still, so that more has to be added.
    """

    keys: Tensor
    added: Tensor
    apparent: Tensor


def first_pivots(edges: RankedEdges, births: Tensor) -> Pivots:
    """The pivots of the coboundaries of some edges, which have no point between their ends."""
    rows = memory.rows_at_once(len(edges.ranks), edges.ranks.device)
    found = [_first_pivots(edges, part) for part in births.split(rows)]
    return Pivots(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def _first_pivots(edges: RankedEdges, births: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    own = _Coboundaries(edges, births)
    keys, apparent, others = own.keys, *_apparent(edges, own.keys)
    rows = apparent.nonzero()[:, 0]
    keys[rows] = torch.minimum(own.next_keys(rows), others.next_keys(rows))
    still = torch.zeros_like(apparent)
    still[rows] = _apparent(edges, keys[rows])[0]
    added = others.chosen.masked_fill(~apparent, -1)
    return keys.masked_fill(keys == _NO_KEY, -1), added, still


def _apparent(edges: RankedEdges, keys: Tensor) -> tuple[Tensor, _Coboundaries]:
    """Whether triangles are the first of which their longest edges are the longest; these edges."""
    longest = (keys // len(edges.ranks)).clamp_max(len(edges.places) - 1)
    found = _Coboundaries(edges, longest)
    return (found.keys == keys) & (keys < _NO_KEY), found


class _Coboundaries:
    """The triangles on some edges.

    Attributes
    ----------
    chosen
        The edges' ranks, shape ``(m,)``.
    sides
        The longest edge of the triangle with each point, shape ``(m, n)``.
    keys
        The earliest triangle on each edge, shape ``(m,)``.
    """

    def __init__(self, edges: RankedEdges, chosen: Tensor) -> None:
        count = len(edges.ranks)
        self.chosen, self.ranks = chosen, edges.ranks
        self.i, self.j = edges.places[chosen] // count, edges.places[chosen] % count
        one, other = (self.ranks.index_select(0, end) for end in (self.i, self.j))
        self.sides = torch.maximum(one, other).clamp_min_(chosen[:, None].int())
        self.keys, self._third = self._earliest(slice(None), self.sides)

    def next_keys(self, rows: Tensor) -> Tensor:
        """The second triangles on some of the edges."""
        sides = self.sides.index_select(0, rows).scatter_(1, self._third[rows, None], FAR)
        return self._earliest(rows, sides)[0]

    def _earliest(self, rows: Tensor | slice, sides: Tensor) -> tuple[Tensor, Tensor]:
        chosen, i, j = self.chosen[rows], self.i[rows], self.j[rows]
        third = sides.argmin(dim=1)  # the first point of several that have the same longest edge
        longest = sides.gather(1, third[:, None])[:, 0].long()
        opposite = torch.where(self.ranks[i, third] == longest, j, i)
        opposite = torch.where(longest == chosen, third, opposite)
        return (longest * len(self.ranks) + opposite).masked_fill(longest == FAR, _NO_KEY), third
