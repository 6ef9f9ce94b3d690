"""What an attack is, and the kinds of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .edits import POINTS, Edit, answers, top

FULL = sum(POINTS.values())
#: What a process or file that might outlive its sandbox is called.
MARKER = "lw-attack"

#: Makes a file's bytes from the notebook as handed out and the same solved.
Make = Callable[[Any, Any], bytes]


@dataclass(frozen=True)
class Expect:
    """What must become of a notebook.

    Attributes
    ----------
    points
        What its honest part earns: no more may come out (and no less, if ``exactly``).
    outcome
        ``graded``, ``unreadable``, ``time`` or ``lost``; several, separated by blanks, where the
        machine decides.
    """

    points: float = 0.0
    outcome: str = "graded"
    exactly: bool = False


@dataclass(frozen=True)
class Attack:
    """One hostile, broken or harmless notebook; ``nasty``: the next one is graded after it."""

    name: str
    what: str
    make: Make
    expect: Expect = Expect()
    defended: bool = True
    nasty: bool = False


def right(*edits: Edit) -> Make:
    """The solved notebook, edited."""

    def make(learner: Any, solved: Any) -> bytes:
        made = copy.deepcopy(solved)
        for edit in edits:
            edit(made)
        return dumped(made)

    return make


def wrong(*edits: Edit) -> Make:
    """The same, with wrong answers."""
    return right(answers("return None"), *edits)


def dumped(notebook: Any) -> bytes:
    """The file of a notebook."""
    return json.dumps(notebook).encode()


def cheat(name: str, what: str, *edits: Edit, outcome: str = "graded", **more: Any) -> Attack:
    """An attack for marks: laid over wrong answers, it must earn nothing."""
    return Attack(name, what, wrong(*edits), Expect(0.0, outcome), **more)


def harmless(name: str, what: str, *edits: Edit, outcome: str = "graded") -> Attack:
    """Right work that must keep full marks, whatever else is in it."""
    return Attack(name, what, right(*edits), Expect(FULL, outcome, exactly=True))


def hostile(name: str, what: str, code: str, outcome: str = "graded") -> Attack:
    """A hostile cell above right work, which keeps its marks where the process can go on."""
    expect = Expect(FULL, outcome, exactly=True)
    return Attack(name, what, right(top(code)), expect, nasty=True)


def raw(name: str, what: str, make: Make) -> Attack:
    """A file that is no notebook."""
    return Attack(name, what, make, Expect(0.0, "unreadable"))
