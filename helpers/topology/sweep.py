"""The few classes whose reduction is long, carried through the filtration all at once.

A class of cohomology is a *cochain*: a bit on each edge, such that the three bits around any
triangle sum to 0 modulo 2. When an edge f enters with a point v between its ends, triangle (f, v)
settles its bit: the sum of the bits on the triangle's other two edges. All other triangles that
come with f must then sum to 0 as well. If one does not, a class ends there: the youngest of those
whose bits sum to 1 does, and is added to the others, as in the reduction by columns.

So a large loop, whose column takes additions without end, costs one pass over the triangles,
however long it lives. Several classes share the pass, each in one bit of a byte; the byte's last
bit says that the edge is there. A block of edges is looked at together, and again from the edge at
which a class ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_Array = np.ndarray[Any, Any]
#: Classes that share a pass, and the bit that says that an edge is there.
CLASSES, _THERE = 7, np.uint8(0x80)
#: Bytes in a block.
_BLOCK = 2**18


class Sweep:
    """A pass for at most `CLASSES` classes.

    Parameters
    ----------
    ranks, places
        As in `RankedEdges`.
    open_edges
        Shape ``(m,)``: whether the edge of this rank has no point between its ends.
    chains, owners
        Key of a triangle → the ranks of the edges on which the class that ends there has a 1, and
        the rank of the edge of its birth. The pass reads and extends them.
    """

    def __init__(
        self,
        ranks: _Array,
        places: _Array,
        open_edges: _Array,
        chains: dict[int, Any],
        owners: dict[int, int],
    ) -> None:
        self.ranks, self.open, self.chains, self.owners = ranks, open_edges, chains, owners
        self.count = len(ranks)
        self.i, self.j = (part.astype(np.int32) for part in np.divmod(places, self.count))
        self.size = max(16, _BLOCK // self.count)

    def run(self, births: list[int]) -> None:
        """Follow the classes born with these edges, and enter who ends where.

        An older class that loses its triangle to one of these goes on in its place.
        """
        begin, last = min(births), len(self.i)
        self.bits = np.where(self.ranks < begin, _THERE, np.uint8(0))
        self.classes: list[int | None] = list(births)
        self.slots = {birth: np.uint8(1 << slot) for slot, birth in enumerate(births)}
        while begin < last and any(one is not None for one in self.classes):
            end = min(begin + self.size, last)
            event = self._block(begin, end)
            if event is not None:  # from there on edges are settled anew
                i, j = self.i[event:end], self.j[event:end]
                self.bits[i, j] = self.bits[j, i] = 0
            begin = end if event is None else event

    def _block(self, begin: int, end: int) -> int | None:
        """Settle the bits of edges ``begin`` to ``end``; where a class ended, if one did."""
        bits = self.bits
        i, j = self.i[begin:end], self.j[begin:end]
        both = (bits[i] & bits[j]) >= _THERE
        between = both.argmax(axis=1)
        rows = np.arange(len(i))
        settled = both[rows, between]
        values = np.where(settled, bits[i, between] ^ bits[j, between], np.uint8(0)) | _THERE
        for birth, bit in self.slots.items():
            if begin <= birth < end:
                values[birth - begin] |= bit
        bits[i, j] = bits[j, i] = values
        for row in np.flatnonzero(~settled & ~self.open[begin:end]):
            self._settle(begin + int(row))
        one, other = bits[i], bits[j]
        sums = one ^ other
        one &= other
        wrong = sums != (bits[i, j] & ~_THERE)[:, None]
        wrong &= one >= _THERE
        for row in np.flatnonzero(wrong.any(axis=1)):
            if self._ends_at(begin + int(row)):
                return begin + int(row)
        return None

    def _settle(self, rank: int) -> tuple[int, int, _Array]:
        """Set an edge's bits by the first point between its ends; ends, and all points between."""
        i, j = int(self.i[rank]), int(self.j[rank])
        between = np.maximum(self.ranks[i], self.ranks[j]) < rank
        if not self.open[rank]:
            v = int(between.argmax())
            self.bits[i, j] = self.bits[j, i] = (self.bits[i, v] ^ self.bits[j, v]) | _THERE
        return i, j, between

    def _ends_at(self, rank: int) -> bool:
        """Whether a class ends with this edge; if so, it has been dealt with."""
        i, j, between = self._settle(rank)
        sums = (self.bits[i] ^ self.bits[j] ^ self.bits[i, j]) & ~_THERE
        sums[~between] = 0
        opposite = int((sums != 0).argmax())
        if not sums[opposite]:
            return False
        key = rank * self.count + opposite
        slots = [slot for slot in range(CLASSES) if sums[opposite] >> slot & 1]
        youngest = max(slots, key=lambda slot: self.classes[slot] or 0)
        birth = self.classes[youngest]
        assert birth is not None
        owner = self.owners.get(key)
        if owner is not None and owner > birth:
            for slot in slots:
                self._add(self.chains[key], slot)
            return True
        bit = np.uint8(1 << youngest)
        chain = self._chain(bit, rank)
        for slot in slots:
            if slot != youngest:
                self._add(chain, slot)
        before = self.chains.get(key, ())
        self.chains[key], self.owners[key] = chain, birth
        if owner is None:
            self.classes[youngest] = None
            self.bits &= ~bit
        else:  # the older class that had this triangle goes on in the younger one's place
            self.classes[youngest] = owner
            self._add(before, youngest)
        return True

    def _chain(self, bit: np.uint8, last: int) -> _Array:
        """The ranks, up to ``last``, of the edges on which a class has a 1."""
        found = self.ranks[(self.bits & bit) != 0]
        return np.unique(found[found <= last])

    def _add(self, chain: Sequence[int] | _Array, slot: int) -> None:
        """Add a class to the one in a slot."""
        i, j = self.i[np.asarray(chain)], self.j[np.asarray(chain)]
        self.bits[i, j] ^= np.uint8(1 << slot)
        self.bits[j, i] = self.bits[i, j]
