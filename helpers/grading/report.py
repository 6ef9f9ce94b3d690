"""The instructor's page: how a class did, exercise by exercise, and which attempts to look at.

One static file that reads offline. Its looks are in ``report.html.j2``; here are the figures.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from statistics import fmean, median
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ..exercises import exercise, exercises, questions
from ..exercises.definition import Question
from ..paths import write_text
from .results import Result

#: How an exercise ended, and its mark on the page.
MARKS = {"right": "✓", "partly right": "~", "wrong": "✗", "not attempted": "·"}
#: The most rows of a table: of a larger class only the flagged are listed.
LISTED = 2000
#: The most characters of a note; an error's own text may be as long as it likes.
_LONGEST = 400
#: The most columns of a histogram, beside that of full marks.
_COLUMNS = 10
#: What would garble the page or not encode: controls, separators, overrides of the direction of
#: writing, lone surrogates.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Column:
    """A column of the histogram: scores from ``low`` to below ``high``, or full marks alone."""

    low: float
    high: float
    count: int

    @property
    def full(self) -> bool:
        return self.low == self.high


@dataclass(frozen=True)
class ExerciseFigures:
    """How a class did in one exercise.

    Attributes
    ----------
    difficulty
        As its statement says; None if no exercise has this name now.
    counts
        Submissions, by how the exercise ended.
    ungraded
        Submissions of the chapter in which it was not judged.
    share
        The mean share of its points, of those judged.
    wrong, wrong_count
        The most frequent wrong case, with its group, and how many had it.
    """

    name: str
    title: str
    difficulty: int | None
    points: float
    counts: Mapping[str, int]
    ungraded: int
    share: float
    wrong: str
    wrong_count: int


@dataclass(frozen=True)
class ChapterFigures:
    """How a class did in one chapter. Without a result, only sums and lists have a meaning."""

    name: str
    results: Sequence[Result]

    @property
    def max_score(self) -> float:
        return max(result.max_score for result in self.results)

    @property
    def mean(self) -> float:
        return fmean(result.score for result in self.results)

    @property
    def median(self) -> float:
        return median(result.score for result in self.results)

    @property
    def seconds(self) -> float:
        return math.fsum(result.seconds for result in self.results)

    @property
    def full(self) -> int:
        return sum(map(_full, self.results))

    @property
    def untouched(self) -> int:
        return sum(map(_untouched, self.results))

    @property
    def waiting(self) -> int:
        return sum(result.waiting for result in self.results)

    @property
    def questions(self) -> list[Question]:
        return list(questions(self.name))

    @property
    def without_sandbox(self) -> int:
        return sum(not result.sandbox for result in self.results)

    @property
    def stopped(self) -> list[Result]:
        return [result for result in self.results if result.status != "graded"]

    @property
    def repaired(self) -> list[Result]:
        return [result for result in self.results if result.repairs]

    @property
    def listed(self) -> Sequence[Result]:
        """The rows of the class table: all, or of a large class those stopped or repaired."""
        if len(self.results) <= LISTED:
            return self.results
        return [r for r in self.results if r.status != "graded" or r.repairs][:LISTED]

    @property
    def histogram(self) -> list[Column]:
        """Columns as wide as a round number; the last counts full marks alone."""
        top = self.max_score
        if not top > 0:
            return []
        step = _step(top)
        last = math.ceil(top / step - 1e-9) - 1
        places = Counter(
            min(max(math.floor(result.score / step + 1e-9), 0), last)
            for result in self.results
            if not _full(result)
        )
        edges = [*(place * step for place in range(last + 1)), top]
        columns = [Column(edges[i], edges[i + 1], places[i]) for i in range(last + 1)]
        return [*columns, Column(top, top, self.full)]

    @property
    def exercises(self) -> list[ExerciseFigures]:
        """In the book's order; those that are not in it now come last."""
        found = dict.fromkeys(name for result in self.results for name in result.exercises)
        known = [e.name for e in exercises() if e.name in found]
        return [self._exercise(name) for name in dict.fromkeys([*known, *found])]

    def _exercise(self, name: str) -> ExerciseFigures:
        judged = [r.exercises[name] for r in self.results if name in r.exercises]
        counts = Counter(one["status"] for one in judged)
        wrong = Counter(case for one in judged for case in one["wrong"].items())
        [((group, text), count)] = wrong.most_common(1) or [(("", ""), 0)]
        try:
            statement = exercise(name).statement
            title, difficulty = statement.title, statement.difficulty
        except ValueError:  # it was renamed or left out since
            title, difficulty = name, None
        return ExerciseFigures(
            name=name,
            title=title,
            difficulty=difficulty,
            points=max(one["max_points"] for one in judged),
            counts={status: counts[status] for status in MARKS},
            ungraded=len(self.results) - len(judged),
            share=fmean(_share(one) for one in judged),
            wrong=f"{group}: {text}",
            wrong_count=count,
        )


def _full(result: Result) -> bool:
    return result.max_score > 0 and result.score >= result.max_score - 1e-9


def _untouched(result: Result) -> bool:
    ended = [one["status"] for one in result.exercises.values()]
    return bool(ended) and set(ended) == {"not attempted"}


def _share(judged: Mapping[str, Any]) -> float:
    return float(judged["points"] / judged["max_points"]) if judged["max_points"] else 0.0


def _step(top: float) -> float:
    """The smallest of …, 0.1, 0.2, 0.5, 1, 2, 5, … that makes no more than `_COLUMNS` columns."""
    unit = 10.0 ** (math.floor(math.log10(top)) - 1)
    return next(m * unit for m in (1, 2, 5, 10) if top / (m * unit) <= _COLUMNS + 1e-9)


def _number(value: float, places: int = 2) -> str:
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _visible(value: Any) -> Any:
    """Text with what cannot be seen written out, as ``\\u202e``."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _UNSEEN.sub(lambda found: ascii(found.group())[1:-1], value)


def _feedback(result: Result) -> str:
    """The address of a student's feedback, from the page's folder. A name may be any bytes."""
    student, chapter = (
        quote(re.sub("[\ud800-\udc7f\udd00-\udfff]", "\ufffd", name), "", errors="surrogateescape")
        for name in (result.student, result.chapter)
    )
    return f"feedback/{student}/{chapter}/{chapter}.html"


@cache
def _template() -> Template:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": _number, "percent": _percent, "short": _short, "link": _feedback}
    made.globals |= {"MARKS": MARKS, "LISTED": LISTED}
    return made.get_template("report.html.j2")


def report_page(
    results: Mapping[str, Sequence[Result]],
    *,
    title: str = "Layerwise",
    made: datetime | None = None,
) -> str:
    """A class's results as one page of HTML, without any reference to the network.

    Parameters
    ----------
    results
        By chapter, in the page's order.
    made
        When; now, by default.
    """
    page = _template().render(
        title=title,
        made=made or datetime.now().astimezone(),
        chapters=[ChapterFigures(name, found) for name, found in results.items()],
    )
    return page.strip() + "\n"


def write_report(course: Path, results: Mapping[str, Sequence[Result]]) -> Path:
    """Write ``report.html`` into the course's folder, beside the feedback that it links to."""
    file = course / "report.html"
    write_text(file, report_page(results), errors="replace")
    return file
