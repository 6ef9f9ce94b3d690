"""Which cell is most like a published one: for cells that nothing else tells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from heapq import nlargest

#: A pair less alike is no pair. Measured on chapters 1 and 2, with broken answers renamed,
#: commented, half-written, shortened and reformatted: right pairs are 0.38 to 0.99 alike (5 % to
#: 95 %), a cell of a learner's own and a published one 0.29 (99 %), at most 0.37.
ALIKE = 0.5
#: Exercises of one family are up to 0.70 alike: the best pair must be better than others by this.
#: In 600 notebooks it left 12 % of the broken answers unmatched and matched none wrongly.
CLEAR = 0.05

#: What is compared at most: cells, of each the first characters, and so many of them in full.
_MAX_CELLS, _MAX_CHARACTERS, _MAX_COMPARED = 100, 4000, 3
_TOKEN = re.compile(r"\w+|[^\w\s]")


def most_alike(
    missing: Mapping[str, Sequence[int]], published: Mapping[str, str], sources: Sequence[str]
) -> dict[str, tuple[int, float]]:
    """The place of the source most like each published one, and how alike they are, 0 to 1.

    Where another source is nearly as like the published one, or another published one nearly as
    like the source, there is no answer.

    Parameters
    ----------
    missing
        The names to look for, each with the places in ``sources`` that come into question.
    published
        Published sources by name: those of ``missing``, and others that a source may be.
    """
    theirs = [_tokens(source) for source in sources[:_MAX_CELLS]]
    ours = {name: _Published(source) for name, source in published.items()}
    found: dict[str, tuple[int, float]] = {}
    for name, places in missing.items():
        bounds = [(ours[name].bound(theirs[i]), i) for i in places if i < len(theirs)]
        near = [(ours[name].ratio(theirs[i]), i) for _, i in nlargest(_MAX_COMPARED, bounds)]
        (alike, place), *rest = sorted(near, reverse=True) or [(0.0, 0)]
        if alike < ALIKE:
            continue
        others = [other.ratio(theirs[place]) for n, other in ours.items() if n != name]
        if alike - max([0.0, *others, *(ratio for ratio, _ in rest)]) >= CLEAR:
            found[name] = place, alike
    return found


def _tokens(source: str) -> list[str]:
    return _TOKEN.findall(source[:_MAX_CHARACTERS])


class _Published:
    """A published source, to compare others with."""

    def __init__(self, source: str) -> None:
        tokens = _tokens(source)
        self._matcher = SequenceMatcher(None, "", tokens, autojunk=False)
        # an answer may be long; what is published of it comes first
        self._looked_at = 2 * len(tokens)

    def bound(self, tokens: list[str]) -> float:
        """At least the ratio, and quick."""
        self._matcher.set_seq1(tokens[: self._looked_at])
        return self._matcher.quick_ratio()

    def ratio(self, tokens: list[str]) -> float:
        """How alike, or 0 where it cannot matter."""
        return self._matcher.ratio() if self.bound(tokens) >= ALIKE - CLEAR else 0.0
