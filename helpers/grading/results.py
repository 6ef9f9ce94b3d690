"""The results of a chapter: one line of JSON a submission, appended as soon as it is known.

A run that is killed leaves the lines that it wrote; the next run reads them and goes on. nbgrader's
gradebook is where marks are kept: a line says how a mark came about, and from what (``key``).
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..paths import write_text

_COLUMNS = ("student", "chapter", "score", "max_score", "status", "note")


@dataclass(frozen=True)
class Result:
    """How the grading of one submission ended.

    Attributes
    ----------
    score, max_score
        Points, with what was graded by hand.
    status
        ``graded``; ``time`` or ``lost`` if part of it was stopped or ended itself (the rest is
        graded); ``unreadable`` or ``failed`` if none of it could be.
    notes
        Why, in words.
    repairs
        What was mended before grading, and how sure that was.
    exercises
        By name: ``points``, ``max_points``, ``status`` (``right``, ``partly right``, ``wrong``,
        ``not attempted``) and ``wrong``: by group, the first of its cases that went wrong.
    waiting
        Whether an answer waits to be graded by hand.
    seconds
        Wall-clock time that grading it took.
    sandbox
        Whether its code ran in a sandbox.
    key
        A hash of all that the mark depends on: submission, release, definitions, seed, budget.
    """

    student: str
    chapter: str
    score: float = 0.0
    max_score: float = 0.0
    status: str = "graded"
    notes: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()
    exercises: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    waiting: bool = False
    seconds: float = 0.0
    sandbox: bool = True
    key: str = ""

    @property
    def note(self) -> str:
        """Notes and repairs in one line."""
        return "; ".join(dict.fromkeys([*self.notes, *self.repairs]))


class Ledger:
    """The file ``course/results/CHAPTER.jsonl``; the last line of a student's holds."""

    def __init__(self, course: Path, chapter: str) -> None:
        self.file = course / "results" / f"{chapter}.jsonl"

    def read(self) -> dict[str, Result]:
        """By student. A line that a killed run left half-written is passed over."""
        found: dict[str, Result] = {}
        for result in self._lines():
            found[result.student] = result
        return dict(sorted(found.items()))

    def keys(self) -> dict[str, str]:
        """By student, the key of what was graded."""
        return {result.student: result.key for result in self._lines()}

    def _lines(self) -> Iterator[Result]:
        if not self.file.is_file():
            return
        with self.file.open(encoding="utf-8", errors="replace") as opened:
            for line in opened:
                try:
                    fields = json.loads(line)
                    fields["notes"], fields["repairs"] = map(
                        tuple, (fields["notes"], fields["repairs"])
                    )
                    yield Result(**fields)
                except (ValueError, TypeError, KeyError):
                    continue

    def append(self, results: Iterable[Result]) -> None:
        """Add results, on the disk when this returns."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(asdict(result)) + "\n" for result in results)
        with self.file.open("a+b") as opened:
            if opened.tell() and not _ends_line(opened):
                text = "\n" + text
            opened.write(text.encode())
            opened.flush()
            os.fsync(opened.fileno())

    def compact(self, scores: Mapping[str, tuple[float, bool]]) -> list[Result]:
        """Keep one line a student, with the scores that the gradebook has now; returns them.

        Parameters
        ----------
        scores
            By student: the score, and whether an answer waits to be graded by hand.
        """
        kept = []
        for student, result in self.read().items():
            score, waiting = scores.get(student, (result.score, result.waiting))
            kept.append(replace(result, score=score, waiting=waiting))
        write_text(self.file, "".join(json.dumps(asdict(result)) + "\n" for result in kept))
        return kept


def _ends_line(opened: Any) -> bool:
    opened.seek(-1, os.SEEK_END)
    return bool(opened.read(1) == b"\n")


def write_scores(file: Path, chapter: str, results: Iterable[Result]) -> None:
    """Write ``scores.csv``: the rows of one chapter are new, those of others are kept."""
    rows = [
        (r.student, r.chapter, f"{r.score:g}", f"{r.max_score:g}", r.status, r.note)
        for r in results
    ]
    if file.is_file():
        with file.open(newline="", encoding="utf-8") as opened:
            for old in csv.DictReader(opened):
                if old["chapter"] != chapter:
                    rows.append(tuple(old[name] for name in _COLUMNS))  # type: ignore[arg-type]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_COLUMNS, *sorted(rows)])
    write_text(file, text.getvalue(), errors="replace")
