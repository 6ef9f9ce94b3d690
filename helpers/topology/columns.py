"""Columns of the coboundary matrix, reduced one after the other.

A column is kept as its *chain*, the edges whose coboundaries were added, and those triangles of the
sum that lie in a window of the filtration.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np

from .edges import RankedEdges

#: How much of the filtration a column looks at first: one part in so many.
_WINDOW = 128


class Columns:
    """The columns of a filtration that have ended, and how to reduce another.

    Attributes
    ----------
    owners, chains
        Key of a triangle → the rank of the edge of birth of the class that ends there, and the
        ranks of the edges whose coboundaries make up its column.
    additions
        How many times a column was added to another.
    work
        What was done, in about microseconds.
    """

    def __init__(self, edges: RankedEdges) -> None:
        self.ranks = edges.ranks.cpu().numpy()
        self.places = edges.places.cpu().numpy()
        self.count = len(self.ranks)
        self.owners: dict[int, int] = {}
        self.chains: dict[int, Any] = {}
        self.additions = self.work = 0

    def end(self, key: int, birth: int, chain: Collection[int]) -> None:
        """A class ends at a triangle; who ended there before has to go on."""
        self.owners[key], self.chains[key] = birth, tuple(chain)

    def triangles(self, edge: int, first: int, last: int) -> list[int]:
        """The keys of the triangles on an edge whose longest edge has a rank in this range."""
        if edge > last:
            return []
        count = self.count
        i, j = divmod(int(self.places[edge]), count)
        one = self.ranks[i]
        longest = np.maximum(one, self.ranks[j])
        inside = longest <= last
        if first > edge:
            inside &= longest >= first
        k = inside.nonzero()[0]
        self.work += 30 + len(k)
        sides = zip(longest[k].tolist(), one[k].tolist(), k.tolist(), strict=True)
        return [
            side * count + (j if side == other else i) if side > edge else edge * count + point
            for side, other, point in sides
        ]

    def apparent(self, key: int) -> int | None:
        """The edge that has this triangle in an apparent pair, if one has."""
        edge, opposite = divmod(key, self.count)
        i, j = divmod(int(self.places[edge]), self.count)
        between = np.maximum(self.ranks[i], self.ranks[j]) < edge
        return edge if int(between.argmax()) == opposite else None

    def reduce(self, birth: int, chain: set[int]) -> Iterator[int]:
        """Add to a column until its pivot is free, and yield the birth whenever one might stop.

        Most pivots are found soon after the birth, so that only triangles in a window are looked
        at. If the sum is empty there, so it is up to the window's end, and the window moves on. An
        older class that loses its triangle to this one goes on in its place.
        """
        end = len(self.places) - 1
        width = end // _WINDOW + 1
        first, last = birth, min(birth + width, end)
        column: list[int] = []  # a heap; what stands in it twice cancels
        for edge in chain:
            column += self.triangles(edge, first, last)
        heapify(column)
        while column or last < end:
            yield birth
            if (key := _pivot(column)) is None:
                width *= 2
                first, last = last + 1, min(last + width, end)
                for edge in chain:
                    column += self.triangles(edge, first, last)
                    yield birth
                heapify(column)
                continue
            added = self.apparent(key)
            others = self.chains.get(key, ()) if added is None else (added,)
            if added is None and self.owners.get(key, -1) < birth:
                older = self.owners.get(key)
                self.end(key, birth, chain)
                if older is None:
                    return
                birth = older
            self.additions += len(others)
            chain.symmetric_difference_update(others)
            for edge in others:
                for triangle in self.triangles(edge, first, last):
                    heappush(column, triangle)


def _pivot(column: list[int]) -> int | None:
    """The least key that stands in a heap an odd number of times; it stays in it."""
    while column:
        key = heappop(column)
        if not column or column[0] != key:
            heappush(column, key)
            return key
        heappop(column)
    return None
