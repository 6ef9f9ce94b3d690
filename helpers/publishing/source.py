"""A chapter's source: one MyST Markdown notebook, read and checked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..exercises import exercises, questions
from ..exercises.definition import BEGIN, END

#: A chapter's file: ``02_convolution_arithmetic.md``.
CHAPTER_NAME = re.compile(r"\d\d_[a-z0-9_]+")


class SourceError(ValueError):
    """A chapter's source is not what the publisher can use. The message says where and why."""


@dataclass(frozen=True)
class Cell:
    """One cell of a source.

    Attributes
    ----------
    kind
        ``text``, ``setup``, ``exercise``, ``check``, ``demo``, or ``question``: the model answer.
    exercise
        The name of the exercise, for cells of kind exercise and check, or of the question.
    metadata
        What else the author wrote for the cell (tags, say).
    """

    kind: str
    source: str
    exercise: str = ""
    metadata: dict[str, Any] | None = None

    @property
    def is_code(self) -> bool:
        return self.kind not in ("text", "question")


@dataclass(frozen=True)
class Chapter:
    """A chapter: its name (the file's stem) and its cells."""

    name: str
    cells: tuple[Cell, ...]

    @property
    def title(self) -> str:
        for cell in self.cells:
            if not cell.is_code and (found := re.search(r"^# (.+)$", cell.source, re.MULTILINE)):
                return found.group(1).strip()
        return self.name

    @property
    def exercise_names(self) -> list[str]:
        return [cell.exercise for cell in self.cells if cell.kind == "exercise"]

    @property
    def question_names(self) -> list[str]:
        return [cell.exercise for cell in self.cells if cell.kind == "question"]


def chapter_files(solutions: Path, only: list[str] | None = None) -> list[Path]:
    """The sources in a folder, in order; with ``only``, those of the chapters named.

    Raises
    ------
    SourceError
        If a chapter named is not there, or there is none at all.
    """
    found = sorted(p for p in solutions.glob("*.md") if CHAPTER_NAME.fullmatch(p.stem))
    names = [path.stem for path in found]
    for name in only or []:
        if name not in names:
            raise SourceError(f"no chapter is called {name!r}; there are {', '.join(names)}")
    chosen = [path for path in found if not only or path.stem in only]
    if not chosen:
        raise SourceError(f"there is no chapter NN_name.md in {solutions}")
    return chosen


def read_chapter(path: Path) -> Chapter:
    """Read a source and make sure of what the rest of the pipeline relies on.

    Raises
    ------
    SourceError
        If a cell is of two kinds, an exercise or question is unknown, lacks its check or its
        solution, a solution stands outside a function, or two code cells have no sentence between
        them.
    """
    import jupytext

    notebook = jupytext.read(path, fmt="md:myst")
    cells = tuple(_cell(path, cell) for cell in notebook.cells if cell.source.strip())
    chapter = Chapter(path.stem, cells)
    for problem in _problems(chapter):
        raise SourceError(f"{path.name}: {problem}")
    return chapter


def _cell(path: Path, cell: Any) -> Cell:
    metadata = dict(cell.metadata)
    if cell.cell_type == "markdown":
        name = str(metadata.pop("question", ""))
        return Cell("question" if name else "text", cell.source, name, metadata)
    marks = [mark for mark in ("setup", "exercise", "check") if mark in metadata]
    if len(marks) > 1:
        raise SourceError(f"{path.name}: a cell is both {' and '.join(marks)}: {cell.source[:60]}")
    kind = marks[0] if marks else "demo"
    name = str(metadata.pop(kind, "")) if kind in ("exercise", "check") else ""
    metadata.pop("setup", None)
    return Cell(kind, cell.source, name, metadata)


def _problems(chapter: Chapter) -> Iterator[str]:
    asked, defined = chapter.exercise_names, {e.name for e in exercises(chapter.name)}
    checked = [cell.exercise for cell in chapter.cells if cell.kind == "check"]
    yield from _name_problems("exercise", asked, defined)
    if asked != checked:
        yield f"exercises {asked} and checks {checked} do not pair up, in order"
    defined = {q.name for q in questions(chapter.name)}
    yield from _name_problems("question", chapter.question_names, defined)
    for cell in chapter.cells:
        if cell.kind == "check" and cell.source.strip() != f'check("{cell.exercise}")':
            yield f'the check of {cell.exercise!r} is not the one line check("{cell.exercise}")'
        if cell.kind == "exercise":
            yield from _solution_problems(cell)
        elif cell.kind == "question":
            yield from _answer_problems(cell)
        elif BEGIN in cell.source or END in cell.source:
            yield f"a solution region in a cell that is no exercise: {cell.source[:60]}"
    for one, other in zip(chapter.cells, chapter.cells[1:], strict=False):
        if one.is_code and other.is_code:
            yield f"no sentence between two code cells: {one.source[:40]!r}, {other.source[:40]!r}"


def _name_problems(what: str, asked: list[str], defined: set[str]) -> Iterator[str]:
    for name in sorted(set(asked) ^ defined):
        where = "in helpers.exercises only" if name in defined else "in the text only"
        yield f"{what} {name!r} is {where}"
    for name in asked:
        if asked.count(name) > 1:
            yield f"{what} {name!r} is in the text {asked.count(name)} times"


def _solution_problems(cell: Cell) -> Iterator[str]:
    if cell.source.count(BEGIN) != cell.source.count(END) or BEGIN not in cell.source:
        yield f"exercise {cell.exercise!r} needs {BEGIN} … {END}"
        return
    functions = [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.FunctionDef)]
    for number, line in enumerate(cell.source.splitlines(), start=1):
        inside = any(f.lineno < number <= (f.end_lineno or 0) + 1 for f in functions)
        if BEGIN in line and not inside:
            yield f"exercise {cell.exercise!r}: a solution region outside a function's body"


def _answer_problems(cell: Cell) -> Iterator[str]:
    """All of the cell is the model answer: what else stood in it, learners would hand in."""
    whole = re.fullmatch(rf"{BEGIN}\n.*\S.*\n{END}", cell.source.strip(), re.DOTALL)
    if not whole or cell.source.count(BEGIN) + cell.source.count(END) > 2:
        yield f"question {cell.exercise!r} needs a cell of {BEGIN}, a model answer and {END} alone"


#: A shorter line is too common to be told from the text around it.
_SECRET_LENGTH = 20


def secret_lines(chapter: Chapter) -> list[str]:
    """The lines that only a solution has: whitespace normalized, 20 characters or more."""
    inside: list[str] = []
    outside: list[str] = []
    for cell in chapter.cells:
        secret = False
        for line in cell.source.splitlines():
            if BEGIN in line or END in line:
                secret = BEGIN in line
            else:
                (inside if secret else outside).append(" ".join(line.split()))
    shown = "\n".join(outside)
    return [x for x in dict.fromkeys(inside) if len(x) >= _SECRET_LENGTH and x not in shown]


def without_marks(source: str) -> str:
    """A solution cell without the lines that mark its regions."""
    return "\n".join(x for x in source.splitlines() if BEGIN not in x and END not in x)
