"""What the design asks of every exercise, and a table of it.

    pytest tests/exercises -s -k table

prints for each exercise how many right and wrong answers were tried, and the share of the
solution's mutants that its cases reject.
"""

from __future__ import annotations

import functools
import importlib
import signal
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from helpers.exercises import exercises
from helpers.exercises.attempt import Outcome, attempt
from helpers.exercises.definition import STUB, Case, Exercise
from helpers.exercises.display import as_text
from helpers.exercises.guard import forbidden_reference
from helpers.exercises.judge import Verdict, expected_value, judge
from helpers.paths import course_folder
from helpers.publishing.source import read_chapter, without_marks

from .mutants import mutants

ALL = {e.name: e for e in exercises()}
each = pytest.mark.parametrize("name", ALL)


def candidates(asked: Exercise) -> Any:
    return importlib.import_module(f"tests.exercises.candidates.{asked.package}")


def judged(asked: Exercise, answer: Any, seed: int | str = 0) -> Verdict:
    namespace = vars(sys.modules.get(getattr(answer, "__module__", ""), types.ModuleType("x")))
    if forbidden_reference(answer, namespace, asked.statement.forbid):
        return judge(asked, lambda case: Outcome(failure="forbidden", message="reference"), seed)
    return judge(asked, lambda case: attempt(asked, answer, case.inputs, namespace), seed)


@functools.cache
def chapter_cells(chapter: str) -> dict[str, str]:
    """The chapter's setup (under the empty name) and its solutions, as code."""
    cells = read_chapter(course_folder("solutions") / f"{chapter}.md").cells
    setup = "\n".join(cell.source for cell in cells if cell.kind == "setup")
    return {"": setup} | {c.exercise: c.source for c in cells if c.kind == "exercise"}


def defined(asked: Exercise, source: str) -> Any:
    """The answer that a cell defines, beside the chapter's setup."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(chapter_cells(asked.chapter)[""], namespace)
    exec(source, namespace)
    return namespace[asked.statement.answer]


@contextmanager
def seconds(limit: int) -> Iterator[None]:
    """Mutants may loop without end."""

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    # Again and again: what catches every exception catches the first.
    signal.setitimer(signal.ITIMER_REAL, limit, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@each
def test_the_solution_gets_full_marks_under_20_seeds(name: str) -> None:
    asked = ALL[name]
    answer = defined(asked, without_marks(chapter_cells(asked.chapter)[name]))
    for seed in range(20):
        verdict = judged(asked, answer, seed)
        assert verdict.points == verdict.max_points, as_text(verdict)


@each
def test_the_reference_gets_full_marks(name: str) -> None:
    asked = ALL[name]
    verdict = judge(asked, lambda case: Outcome(expected_value(asked, case)), "any")
    assert verdict.points == verdict.max_points, as_text(verdict)


@each
def test_the_stub_is_not_attempted(name: str) -> None:
    asked = ALL[name]
    lines, inside = [], False
    for line in chapter_cells(asked.chapter)[name].splitlines():
        if "### BEGIN SOLUTION" in line:
            lines.append(line.replace("### BEGIN SOLUTION", STUB))
            inside = True
        elif "### END SOLUTION" in line:
            inside = False
        elif not inside:
            lines.append(line)
    verdict = judged(asked, defined(asked, "\n".join(lines)))
    assert (verdict.status, verdict.points) == ("not attempted", 0.0), as_text(verdict)


@each
@pytest.mark.parametrize("kind", ["None", "the input", "zeros", "the best constant"])
def test_trivial_answers_earn_nothing(name: str, kind: str) -> None:
    asked = ALL[name]
    cases = [case for case in asked.cases(0) if not case.fixed]
    for constant in trivial(asked, kind, cases):
        verdict = judge(asked, lambda case, c=constant: c(case), 0)
        assert verdict.points == 0.0, as_text(verdict)


def trivial(asked: Exercise, kind: str, cases: list[Case]) -> list[Any]:
    """Functions of a case that stand for an answer which always does the same."""
    values = [expected_value(asked, case) for case in cases]
    if kind == "None":
        shape = values[0]
        return [lambda case: Outcome(dict.fromkeys(shape) if isinstance(shape, dict) else None)]
    if kind == "zeros":
        return [lambda case: Outcome(zeros(expected_value(asked, case)))]
    if kind == "the best constant":
        return [lambda case, v=value: Outcome(v) for value in values]
    echoes = {key for case in cases for key in case.inputs}
    return [lambda case, k=key: Outcome(echo(asked, case, k)) for key in sorted(echoes)]


def zeros(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return torch.zeros_like(value)
    if isinstance(value, dict):
        return {key: zeros(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(zeros(item) for item in value)
    return type(value)()


def echo(asked: Exercise, case: Case, key: str) -> Any:
    """One of the case's inputs in every place of the answer."""
    value = expected_value(asked, case)
    given = case.inputs.get(key)
    return dict.fromkeys(value, given) if isinstance(value, dict) else given


@each
def test_right_answers_by_another_algorithm_get_full_marks(name: str) -> None:
    asked = ALL[name]
    right = candidates(asked).RIGHT[name]
    assert len(right) >= 2
    for what, answer in right.items():
        for seed in range(3):
            verdict = judged(asked, answer, seed)
            assert verdict.points == verdict.max_points, f"{what}\n{as_text(verdict)}"


@each
def test_plausible_wrong_answers_do_not(name: str) -> None:
    asked = ALL[name]
    wrong = candidates(asked).WRONG[name]
    assert len(wrong) >= 4
    for what, answer in wrong.items():
        for seed in range(3):
            verdict = judged(asked, answer, seed)
            assert verdict.attempted and verdict.points < verdict.max_points, what
            assert "✗" in as_text(verdict), what


def surviving(asked: Exercise) -> tuple[list[str], int]:
    """The mutants of the solution that still get full marks, and how many there are in all.

    Those listed as equivalent, each with its reason, do not count.
    """
    equivalent = candidates(asked).EQUIVALENT.get(asked.name, {})
    source = without_marks(chapter_cells(asked.chapter)[asked.name])
    alive, count = [], 0
    for what, text in mutants(source):
        if what in equivalent:
            continue
        count += 1
        try:
            with seconds(5):
                verdict = judged(asked, defined(asked, text))
        except Exception:
            continue  # it cannot even be defined, or does not end
        if verdict.points == verdict.max_points:
            alive.append(what)
    return alive, count


def test_table_of_exercises() -> None:
    """Prints, with ``-s``, what the tests above establish, and demands that no mutant survives."""
    print(f"\n{'exercise':<28}{'points':>7}{'right':>7}{'wrong':>7}{'mutants rejected':>18}")
    survivors = []
    for name, asked in ALL.items():
        alive, count = surviving(asked)
        module = candidates(asked)
        right, wrong = len(module.RIGHT[name]), len(module.WRONG[name])
        share = f"{count - len(alive)} of {count}"
        print(f"{name:<28}{asked.statement.points:>7}{right:>7}{wrong:>7}{share:>18}")
        survivors += [f"{name}: {what}" for what in alive]
    assert not survivors, "\n".join(survivors)
