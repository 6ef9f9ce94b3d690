"""The judge: cases, expected values, comparison and points. Both editions of it are this one.

At once, in a learner's kernel, ``run`` uses the learner's object directly; for marks it sends a
case to another process and receives plain data.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .attempt import Outcome, copied, known_state
from .compare import Mismatch, compare, kind_text
from .definition import Case, Exercise
from .definition import exercise as find_exercise
from .plain import to_plain

#: The seed of the random cases that a learner is shown. Marks use the course's own.
PUBLIC_SEED = "layerwise"

Run = Callable[[Case], Outcome]


@dataclass(frozen=True)
class Line:
    """One case, judged.

    Attributes
    ----------
    message
        What is wrong, with the right value; empty if nothing is.
    public
        The same without the right value.
    actual, expected
        Plain data, kept for a picture of a fixed case that went wrong.
    """

    case: Case
    right: bool
    message: str = ""
    public: str = ""
    failure: str | None = None
    actual: Any = None
    expected: Any = None


@dataclass(frozen=True)
class Verdict:
    """The result of one exercise: ``points`` of ``max_points``, and why."""

    exercise: Exercise
    lines: tuple[Line, ...]
    problem: str = ""

    @property
    def attempted(self) -> bool:
        return any(line.failure not in ("not attempted", "undefined") for line in self.lines)

    @property
    def max_points(self) -> float:
        return float(self.exercise.statement.points)

    def group_right(self, group: str) -> bool:
        """Whether a group earned its weight: it has random cases, and all its cases are right."""
        lines = [line for line in self.lines if line.case.group == group]
        return any(not line.case.fixed for line in lines) and all(line.right for line in lines)

    @property
    def points(self) -> float:
        groups = self.exercise.statement.groups
        earned = sum(weight for group, weight in groups.items() if self.group_right(group))
        score = self.max_points * earned / sum(groups.values())
        score = round(score, 2) if math.isfinite(score) else 0.0
        return min(max(score, 0.0), self.max_points)

    @property
    def status(self) -> str:
        """``right``, ``partly right``, ``wrong`` or ``not attempted``."""
        if self.problem or not self.attempted:
            return "not attempted" if not self.problem else "wrong"
        if self.points == self.max_points:
            return "right"
        return "partly right" if self.points else "wrong"


def judge(exercise: Exercise, run: Run, seed: int | str = PUBLIC_SEED) -> Verdict:
    """Judge one exercise.

    Parameters
    ----------
    run
        Called with one case at a time; returns what the answer gave.
    seed
        Makes the random cases.
    """
    answers = _answers(exercise.name, seed)
    lines: list[Line] = []
    for place, case in enumerate(answers.cases):
        outcome = run(case)
        lines.append(_line(case, outcome, answers, place))
        if outcome.failure in ("time", "lost", "undefined"):
            rest = range(len(lines), len(answers.cases))
            lines.extend(_line(answers.cases[i], outcome, answers, i) for i in rest)
            break
    return Verdict(exercise, tuple(lines))


class _Answers:
    """An exercise's cases and, as they are asked for, their expected values."""

    def __init__(self, exercise: Exercise, seed: int | str) -> None:
        self.exercise = exercise
        with known_state():
            self.oracle, self.cases = exercise.oracle(), exercise.cases(seed)
        self._expected: dict[int, Any] = {}

    def expected(self, place: int) -> Any:
        if place not in self._expected:
            self._expected[place] = expected_value(self.exercise, self.cases[place])
        return self._expected[place]


@lru_cache(maxsize=64)
def _answers(name: str, seed: int | str) -> _Answers:
    """Kept, for a class is judged by the same cases a thousand times."""
    return _Answers(find_exercise(name), seed)


def expected_value(exercise: Exercise, case: Case) -> Any:
    """What the exercise's probe gives for the reference, as plain data."""
    with known_state():
        return to_plain(exercise.probe()(exercise.oracle().reference, **copied(case.inputs)))


def _without_text(outcome: Outcome) -> str:
    """A failure without an exception's own text, in which an answer could tell a case's inputs."""
    if outcome.failure != "error":
        return outcome.message
    kind = outcome.message.split(":")[0].split(",")[0]
    place = re.search(r", at line \d+ of your cell", outcome.message)
    return f"your code raised {kind}{place.group() if place else ''}"


def _line(case: Case, outcome: Outcome, answers: _Answers, place: int) -> Line:
    if outcome.failure:
        said = outcome.message
        if outcome.failure == "type":
            said += f"; the right one is {kind_text(answers.expected(place))}"
        return Line(case, False, said, _without_text(outcome), failure=outcome.failure)
    oracle, expected = answers.oracle, answers.expected(place)
    difference: Mismatch | None = compare(
        outcome.value,
        expected,
        rtol=oracle.rtol,
        atol=oracle.atol,
        exact_dtype=oracle.exact_dtype,
    )
    if difference is None:
        return Line(case, True)
    # kept for a picture only: a wrong answer may be as large as it likes
    kept = (outcome.value, expected) if case.fixed else (None, None)
    return Line(case, False, difference.message, difference.public, None, *kept)
