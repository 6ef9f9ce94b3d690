"""The page that a learner gets for a graded notebook: one static file, made in milliseconds.

It shows what was graded, in the notebook's order: each answer, its table of cases, and hints where
points are missing. All that a learner wrote is hostile: the template escapes it, `_Room` keeps a
page under a megabyte whatever was handed in, and the page's own policy lets no script run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from ..exercises import exercise, question
from .assignment import KEY

#: Characters of a learner's on one page, and in one cell; a character is at most nine bytes of it.
_PAGE, _CELL = 60_000, 16_000
#: Lines of a cell; lines of what a cell printed.
_LINES, _PRINTED = 400, 40
#: How each mark looks: a sign that is legible without color, and its class in the page's style.
_MARKS = {
    "right": ("✓", "right"),
    "partly right": ("~", "partly"),
    "not right yet": ("✗", "wrong"),
    "not attempted": ("○", "quiet"),
    "stopped": ("■", "wrong"),
    "waiting": ("…", "quiet"),
}
#: A longer cell is not highlighted: hostile text takes the lexer up to 0.02 ms a character.
_HIGHLIGHTED = 8_000
#: A larger table of cases is shown as text, and cut.
_TABLE = 20_000
#: Cells of a learner's own that raised an error; notes and repairs; characters of each.
_OWN, _NOTES, _NOTE = 10, 20, 300
_COMMENT = 5_000

_LEXER = PythonLexer(stripnl=False, ensurenl=False)
_FORMATTER = HtmlFormatter(nowrap=True)
#: Colors of a terminal, and control characters that mean nothing on a page.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
#: A note of `helpers.grading.marking` on an exercise, which may have any name in an old notebook.
_STOPPED = re.compile(r"exercise ([\w-]+): ")
#: The lines above a table of cases, as `helpers.exercises.display.as_html` makes them.
_TITLE = re.compile(r"<p><strong>[^<]*</strong>: ")
_HEADLINE = re.compile(rf"{_TITLE.pattern}[^<]*</p>(?=<table)")
#: How `helpers.exercises.attempt.told` and `session.Ended` put an error.
_ERROR = re.compile(
    r"\w*(?:Error|Exception|Exit|Interrupt|Iteration|Group)(?::|, at line |$)"
    r"|.*, at line \d+ of your cell|stopped after \d|the process running|what came back "
)


@dataclass(frozen=True)
class Grade:
    """What the gradebook holds of one graded cell, or of an exercise's cell with a comment.

    Attributes
    ----------
    score, max_score
        Points, the manual ones where there are some.
    waiting
        Whether a person has still to grade it.
    manual
        Whether a person set the score.
    comment
        What the instructor wrote about it.
    """

    score: float
    max_score: float
    waiting: bool = False
    manual: bool = False
    comment: str = ""


@dataclass(frozen=True)
class _Cut:
    """A text as far as there is room for it, and how many characters are left out."""

    text: str
    more: int = 0

    @property
    def code(self) -> Markup:
        return _highlighted(self.text)


@dataclass(frozen=True)
class _Part:
    """An exercise or a question, as the page shows it."""

    title: str
    mark: str
    grade: Grade
    answer: _Cut | None = None
    printed: _Cut | None = None
    table: Markup | _Cut | None = None
    hints: tuple[str, ...] = ()
    comment: str = ""
    question: bool = False

    @property
    def unseen(self) -> bool:
        """Whether a person has yet to give it its first score."""
        return self.grade.waiting and not self.grade.manual


class _Room:
    """The characters that a page still has for what a learner wrote."""

    def __init__(self) -> None:
        self.left = _PAGE

    def cut(self, text: str, lines: int = _LINES, size: int = _CELL) -> _Cut:
        """As many of the first lines of a text as there is room for, without control characters."""
        start = _CONTROL.sub("", text[: 2 * size]).strip("\n")
        kept = "\n".join(start[: min(size, self.left)].split("\n")[:lines])
        self.left -= len(kept)
        return _Cut(kept, len(start) - len(kept) + max(0, len(text) - 2 * size))


def feedback_page(
    notebook: Any | None,
    grades: Mapping[str, Grade],
    *,
    student: str,
    chapter: str,
    status: str,
    notes: Sequence[str],
    repairs: Sequence[str],
    penalty: float = 0.0,
) -> str:
    """The feedback on one submission, as HTML that needs no other file.

    Parameters
    ----------
    notebook
        The graded notebook, as `helpers.grading.task.mark` leaves it; None if there is none.
    grades
        By ``grade_id``: of checks and questions the scores, of exercises the comments.
    chapter
        The chapter's name, ``02_convolution_arithmetic``.
    status, notes, repairs
        As in `helpers.grading.results.Result`.
    penalty
        Points taken off for handing in late.

    Returns
    -------
    str
        The page. It can be encoded, whatever was handed in.
    """
    cells = [] if notebook is None else list(notebook.cells)
    judged = {} if notebook is None else notebook.metadata.get(KEY, {}).get("exercises", {})
    room = _Room()
    parts = list(_parts(cells, grades, judged, _stopped(notes), room))
    page = _template().render(
        student=student[:_NOTE],
        chapter=chapter,
        title=_chapter_title(chapter),
        status=status,
        notes=[_in_words(note) for note in _few(notes)],
        repairs=_few(repairs),
        parts=parts,
        own=list(_own_errors(cells, room)),
        score=max(0.0, sum(grade.score for grade in grades.values()) - penalty),
        max_score=sum(grade.max_score for grade in grades.values()),
        waiting=sum(grade.waiting for grade in grades.values()),
        graded=bool(grades),
        penalty=penalty,
    )
    return page.encode("utf-8", errors="replace").decode()


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters["number"] = lambda value: f"{round(value, 2):g}"
    environment.globals["MARKS"] = _MARKS
    return environment.from_string(Path(__file__).with_suffix(".html.j2").read_text("utf-8"))


def _chapter_title(chapter: str) -> str:
    number, _, name = chapter.partition("_")
    return f"Chapter {int(number)}: {name.replace('_', ' ')}" if number.isdecimal() else chapter


def _few(texts: Sequence[str]) -> list[str]:
    more = [f"… and {len(texts) - _NOTES} more"] if len(texts) > _NOTES else []
    return [_CONTROL.sub("", text[:_NOTE]) for text in texts[:_NOTES]] + more


def _stopped(notes: Iterable[str]) -> set[str]:
    """The exercises that a note says were stopped."""
    return {told[1] for note in notes if (told := _STOPPED.match(note))}


def _in_words(note: str) -> str:
    """A note with an exercise's title in the place of its name, which learners hardly know."""
    told = _STOPPED.match(note)
    return f"{_asked(told[1])[0]}: {note[told.end() :]}" if told else note


def _asked(name: str) -> tuple[str, tuple[str, ...]]:
    """The title and the hints of an exercise; its name, if the course no longer has it."""
    try:
        statement = exercise(name).statement
    except ValueError:
        return name, ()
    return statement.title, statement.hints


def _parts(
    cells: Sequence[Any],
    grades: Mapping[str, Grade],
    judged: Mapping[str, str],
    stopped: set[str],
    room: _Room,
) -> Iterator[_Part]:
    answers = {_fields(cell).get("grade_id"): cell for cell in reversed(cells)}
    seen: set[str] = set()
    for cell in cells:
        fields = _fields(cell)
        name = str(fields.get("grade_id", ""))
        if not fields.get("grade") or name not in grades or name in seen:
            continue
        seen.add(name)
        if fields.get("solution"):
            yield _question(name, cell, grades[name], room)
        elif name.startswith("check-"):
            asked = name.removeprefix("check-")
            status = "stopped" if asked in stopped else judged.get(asked, "")
            comments = [grades[key].comment for key in (asked, name) if key in grades]
            yield _exercise(asked, answers.get(asked), cell, grades[name], comments, status, room)


def _fields(cell: Any) -> Mapping[str, Any]:
    fields = cell.metadata.get("nbgrader")
    return fields if isinstance(fields, Mapping) else {}


def _question(name: str, cell: Any, grade: Grade, room: _Room) -> _Part:
    try:
        title = question(name).title
    except ValueError:  # graded when the course still had it
        title = name
    # nbgrader gives 0 by itself only to an answer that was not touched
    untouched = not (grade.waiting or grade.manual or grade.score)
    return _Part(
        title=title,
        mark=_mark(grade, "not attempted" if untouched else ""),
        grade=grade,
        answer=room.cut(cell.source),
        comment=grade.comment[:_COMMENT],
        question=True,
    )


def _exercise(
    name: str,
    answer: Any | None,
    check: Any,
    grade: Grade,
    comments: Iterable[str],
    status: str,
    room: _Room,
) -> _Part:
    title, hints = _asked(name)
    printed = "" if answer is None else _printed(answer)
    return _Part(
        title=title,
        mark=_mark(grade, status),
        grade=grade,
        answer=None if answer is None else room.cut(answer.source),
        printed=room.cut(printed, _PRINTED, _CELL // 4) if printed else None,
        table=_table(check, room),
        hints=hints if grade.score < grade.max_score else (),
        comment="\n\n".join(dict.fromkeys(filter(None, comments)))[:_COMMENT],
    )


def _mark(grade: Grade, status: str) -> str:
    if grade.waiting:
        return "waiting"
    if grade.score >= grade.max_score:
        return "right"
    if status == "stopped" and not grade.manual:
        return "stopped"
    if grade.score > 0:
        return "partly right"
    return "not attempted" if status == "not attempted" and not grade.manual else "not right yet"


def _printed(cell: Any) -> str:
    """What a cell printed, or its error."""
    streams = [out for out in cell.get("outputs", ()) if out.get("output_type") == "stream"]
    return "".join(str(out.get("text", "")) for out in streams).strip("\n")


def _table(check: Any, room: _Room) -> Markup | _Cut | None:
    """The table of cases, which is ours, without what the part's own lines say already."""
    for out in check.get("outputs", ()):
        data = out.get("data", {})
        if table := data.get("text/html"):
            if len(table) > _TABLE:
                return room.cut(data.get("text/plain", ""), size=_CELL // 2)
            return Markup(_TITLE.sub("<p>", _HEADLINE.sub("", table, count=1), count=1))
    return None


def _own_errors(cells: Iterable[Any], room: _Room) -> Iterator[tuple[_Cut, _Cut]]:
    """The learner's own cells that raised an error, each with it."""
    found = 0
    for cell in cells:
        if cell.cell_type == "code" and not _fields(cell) and found < _OWN:
            printed = _printed(cell)
            if _ERROR.match(printed):
                found += 1
                yield room.cut(cell.source, _PRINTED, 2_000), room.cut(printed, _PRINTED, 1_000)


@lru_cache(maxsize=256)
def _highlighted(source: str) -> Markup:
    """Python as HTML, each line led by an empty element that the page numbers."""
    short = len(source) <= _HIGHLIGHTED
    html = highlight(source, _LEXER, _FORMATTER).rstrip("\n") if short else ""
    if not html or len(html) > 6 * len(source) + 2_000:  # text made to be all markup
        html = str(escape(source))
    return Markup("<i></i>" + html.replace("\n", "\n<i></i>"))
