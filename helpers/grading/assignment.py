"""What is graded and what comes of it, as plain data that is sent between processes.

Without torch: the process that keeps the gradebook never needs it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat

from .results import Result

#: Where a graded notebook says how grading went.
KEY = "layerwise"


@dataclass(frozen=True)
class Budget:
    """Seconds of wall-clock time: for a cell, for all cases of an exercise, for a notebook."""

    cell: float = 20.0
    exercise: float = 20.0
    notebook: float = 240.0


@dataclass(frozen=True)
class Submission:
    """What a student handed in: the file's bytes, or why there are none."""

    student: str
    content: bytes = b""
    problem: str = ""
    timestamp: str = ""


@dataclass(frozen=True)
class Assignment:
    """All that grading a chapter needs, as plain data: it is sent to other processes.

    Attributes
    ----------
    release
        The text of the notebook that was handed out, as nbgrader made it.
    earlier
        Those of releases before it: learners may have any of them.
    """

    chapter: str
    release: str
    earlier: tuple[str, ...]
    seed: str
    budget: Budget
    sandbox: bool = True

    @cached_property
    def notebooks(self) -> tuple[Any, list[Any]]:
        """The release and the earlier ones, parsed once a process."""
        parsed = [nbformat.reads(text, as_version=4) for text in (self.release, *self.earlier)]
        return parsed[0], parsed[1:]

    @cached_property
    def _digest(self) -> str:
        parts = [self.chapter, self.release, *self.earlier, self.seed, repr(self.budget)]
        return _hash(*parts, str(self.sandbox), definitions())

    def key(self, submission: Submission) -> str:
        """A hash of all that the marks of a submission depend on."""
        content = hashlib.sha256(submission.content).hexdigest()
        return _hash(self._digest, content, submission.problem, submission.timestamp)


def definitions() -> str:
    """A hash of what says which answers are right: ``helpers/**`` and torch's version."""
    package = Path(__file__).parents[1]
    files = sorted(package.rglob("*.py"))
    return _hash(version("torch"), *(f"{f.relative_to(package)}\n{f.read_text()}" for f in files))


def _hash(*parts: str) -> str:
    text = json.dumps(parts)  # escapes what is not text, lone surrogates too
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Graded:
    """A result whose scores are the automatic ones, and the graded notebook's text, if any."""

    result: Result
    notebook: str | None = None
    timestamp: str = ""
