"""The cases that marks are given on, under many seeds: there are some, and they are not the shown.

Every course has a seed of its own, so a draw that fails once in fifty fails somebody's class, and
one that repeats what is shown marks a table of it as right.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from helpers.exercises import exercises
from helpers.exercises.judge import PUBLIC_SEED

ALL = {e.name: e for e in exercises()}
SEEDS = 100
#: Its answer sees a network, and not the names of hooks that the network is made from.
UNSEEN = {"live-hooks"}


def plain(value: Any) -> bool:
    """Whether it can be looked up in a table that was written down."""
    if isinstance(value, (list, tuple)):
        return all(map(plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


@pytest.mark.parametrize("name", ALL)
def test_no_seed_draws_only_cases_that_are_shown(name: str) -> None:
    asked = ALL[name]
    shown = {repr(case.inputs) for case in asked.cases(PUBLIC_SEED)}
    for seed in range(SEEDS):
        known: dict[str, list[bool]] = defaultdict(list)
        for case in asked.cases(f"secret {seed}"):
            if not case.fixed:
                table = name not in UNSEEN and plain(list(case.inputs.values()))
                known[case.group].append(table and repr(case.inputs) in shown)
        assert set(known) == set(asked.statement.groups), seed
        assert not [group for group, cases in known.items() if all(cases)], seed
