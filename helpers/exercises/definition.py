"""What an exercise is: a statement, a probe and an oracle, in three modules of one chapter.

A chapter's exercises live in a subpackage, say ``helpers.exercises.nn_module``:

- ``statements.py``: ``CHAPTER`` and ``EXERCISES``, plain data, no torch; also ``QUESTIONS``, if
  the chapter asks for an answer in words. A person reads those, so they need no other module;
- ``probes.py``: one function an exercise, ``probe(answer, **inputs)``, that uses the learner's
  object and returns plain data. It is all that a process which runs a learner's code needs;
- ``answers.py``: one `Oracle` an exercise: the cases and the reference. It never goes where a
  learner's code is graded.

A probe and an oracle have the exercise's name, with underscores.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

#: The chapters that have exercises, in the book's order: the subpackages of this package.
CHAPTER_PACKAGES = (
    "nn_module",
    "convolution_arithmetic",
    "convolution_layers",
    "pooling",
    "activations",
    "linear_layers",
    "sequential",
    "hooks",
    "representations",
    "local_errors",
    "spectra",
    "persistent_homology",
    "topology_of_layers",
)

#: The lines around a solution in a chapter's source, and what a learner finds in their place.
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
UNWRITTEN = "your code here"
STUB = f'raise NotImplementedError("{UNWRITTEN}")'


@dataclass(frozen=True)
class Forbid:
    """What an answer may not lean on.

    Attributes
    ----------
    operators
        Patterns (``fnmatch``) of aten operators' names, without ``aten::``.
    modules
        Modules that hold a reference: absent while the answer is graded.
    """

    operators: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Statement:
    """What an exercise asks, as data.

    Attributes
    ----------
    name
        The exercise's name, ``conv-output-size``: the cells' ids are made of it.
    answer
        The name of the function or class that a learner defines.
    groups
        The named groups of cases, each with its weight. A group earns its weight only if all
        of its cases are right.
    hints
        Three, from a nudge to nearly the solution.
    """

    name: str
    title: str
    answer: str
    points: int
    difficulty: int
    minutes: int
    groups: Mapping[str, float]
    hints: tuple[str, str, str]
    forbid: Forbid = field(default_factory=Forbid)

    def __post_init__(self) -> None:
        if not 1 <= self.difficulty <= 5:
            raise ValueError(f"difficulty of {self.name} is {self.difficulty}; allowed: 1 to 5")
        if self.points <= 0 or self.minutes <= 0 or sum(self.groups.values()) <= 0:
            raise ValueError(f"points, minutes and weights of {self.name} must be positive")


@dataclass(frozen=True)
class Question:
    """What a person grades: an answer in words.

    Attributes
    ----------
    name
        The question's name, ``output-padding``: its cell's id.
    criteria
        What an answer needs, for whoever grades it. Learners are not shown them.
    """

    name: str
    title: str
    points: int
    minutes: int
    criteria: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.points <= 0 or self.minutes <= 0 or not self.criteria:
            raise ValueError(f"{self.name} needs positive points and minutes, and criteria")


@dataclass(frozen=True)
class Case:
    """One use of an answer.

    Attributes
    ----------
    group
        The group it belongs to. A fixed case teaches and weighs nothing.
    text
        The case in a learner's words: ``stride 2, padding 1, 5×5 input``.
    inputs
        Keyword arguments of the probe: plain data (numbers, strings, lists, dicts, tensors).
    fixed
        Whether the case is public: the same for everybody, its expected value shown.
    """

    group: str
    text: str
    inputs: Mapping[str, Any]
    fixed: bool = False


@dataclass(frozen=True)
class Oracle:
    """The right answers: cases made from a seed, and a reference run by the same probe.

    Attributes
    ----------
    cases
        Called with a `random.Random`; yields the fixed cases and the random ones.
    reference
        What a right answer is: an object that the probe accepts.
    rtol, atol
        Tolerances for floats; None means those of `torch.testing.assert_close` for the dtype.
    exact_dtype
        Whether a tensor's dtype must be that of the reference's.
    """

    cases: Callable[[random.Random], Iterable[Case]]
    reference: Any
    rtol: float | None = None
    atol: float | None = None
    exact_dtype: bool = True


@dataclass(frozen=True)
class Exercise:
    """An exercise and where its parts are. Probe and oracle are imported when asked for."""

    statement: Statement
    chapter: str
    package: str

    @property
    def name(self) -> str:
        return self.statement.name

    def probe(self) -> Callable[..., Any]:
        """The function that uses a learner's answer: ``probe(answer, **inputs)``."""
        return _part(self, "probes")

    def oracle(self) -> Oracle:
        """The cases and the reference. Not importable where a learner's code is graded."""
        return _part(self, "answers")

    def cases(self, seed: int | str) -> list[Case]:
        """The cases that ``seed`` makes, the fixed ones first."""
        made = list(self.oracle().cases(random.Random(f"{seed}/{self.name}")))
        unknown = {case.group for case in made} - set(self.statement.groups)
        if unknown:
            raise ValueError(
                f"{self.name}: groups {sorted(unknown)} are not in its statement, "
                f"which has {sorted(self.statement.groups)}"
            )
        return sorted(made, key=lambda case: not case.fixed)


def _part(exercise: Exercise, module: str) -> Any:
    found = importlib.import_module(f"{__package__}.{exercise.package}.{module}")
    return getattr(found, exercise.name.replace("-", "_"))


@cache
def _catalogue() -> tuple[dict[str, Exercise], dict[str, tuple[str, Question]]]:
    """All exercises, and all questions, each with its chapter; by name."""
    made: dict[str, Exercise] = {}
    asked: dict[str, tuple[str, Question]] = {}
    for package in CHAPTER_PACKAGES:
        statements = importlib.import_module(f"{__package__}.{package}.statements")
        chapter, questions = statements.CHAPTER, getattr(statements, "QUESTIONS", ())
        for one in (*statements.EXERCISES, *questions):
            if one.name in made or one.name in asked:
                raise ValueError(f"two exercises or questions are called {one.name!r}")
            if isinstance(one, Question):
                asked[one.name] = chapter, one
            else:
                made[one.name] = Exercise(one, chapter, package)
    return made, asked


def exercises(chapter: str | None = None) -> Iterator[Exercise]:
    """All exercises in the book's order, or those of one chapter (a file's stem)."""
    return (e for e in _catalogue()[0].values() if chapter in (None, e.chapter))


def exercise(name: str) -> Exercise:
    """The exercise called ``name``.

    Raises
    ------
    ValueError
        If there is none; the message names the nearest.
    """
    made, _ = _catalogue()
    if name not in made:
        raise ValueError(f"no exercise is called {name!r}{_nearest(name, made)}")
    return made[name]


def questions(chapter: str | None = None) -> Iterator[Question]:
    """All questions in the book's order, or those of one chapter (a file's stem)."""
    return (q for where, q in _catalogue()[1].values() if chapter in (None, where))


def question(name: str) -> Question:
    """The question called ``name``.

    Raises
    ------
    ValueError
        If there is none; the message names the nearest.
    """
    _, asked = _catalogue()
    if name not in asked:
        raise ValueError(f"no question is called {name!r}{_nearest(name, asked)}")
    return asked[name][1]


def _nearest(name: str, names: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(str(name), list(names), n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(names)}"
