"""Edits, each of a notebook in place; most attacks are a few of them put together.

Python in them may be indented with the code around it: a cell gets it flush left.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from textwrap import dedent
from typing import Any

from nbformat.v4 import new_code_cell

from helpers.exercises import exercises
from helpers.grading.sample import _bodies

#: The chapter whose notebook is edited, and the points of its exercises by their names.
CHAPTER = "02_convolution_arithmetic"
POINTS = {e.name: float(e.statement.points) for e in exercises(CHAPTER)}
#: The exercise that is attacked where one is enough.
ONE = "same-padding"

Edit = Callable[[Any], None]


def top(*codes: str) -> Edit:
    """Cells before all others."""

    def edit(notebook: Any) -> None:
        notebook.cells[:0] = _cells(codes)

    return edit


def bottom(*codes: str) -> Edit:
    """Cells after all others."""

    def edit(notebook: Any) -> None:
        notebook.cells += _cells(codes)

    return edit


def before(grade_id: str, *codes: str) -> Edit:
    """Cells before a cell of the release."""

    def edit(notebook: Any) -> None:
        place = notebook.cells.index(cell_of(notebook, grade_id))
        notebook.cells[place:place] = _cells(codes)

    return edit


def answers(body: str, *names: str) -> Edit:
    """Another body for each function of these exercises, or of all."""
    return sources(lambda source: _bodies(source, dedent(body)), *names)


def sources(change: Callable[[str], str], *names: str) -> Edit:
    """The source of these exercises, or of all, changed as text."""

    def edit(notebook: Any) -> None:
        for name in names or POINTS:
            cell = cell_of(notebook, name)
            cell.source = change(cell.source)

    return edit


def each(change: Callable[[Any], None], which: str = "") -> Edit:
    """A change to each cell of the release whose id starts with ``which``."""

    def edit(notebook: Any) -> None:
        for cell in notebook.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            if grade_id and grade_id.startswith(which):
                change(cell)

    return edit


def tagged(*tags: str, which: str = "") -> Edit:
    """Tags on each cell of the release whose id starts with ``which``."""
    return each(lambda cell: cell.metadata.update(tags=list(tags)), which)


def cell_of(notebook: Any, grade_id: str) -> Any:
    """The cell with an id of nbgrader's."""
    return next(
        c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )


def defined(source: str) -> list[str]:
    """The names of the functions and classes that a source defines."""
    body = ast.parse(source).body
    return [node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]


def _cells(codes: tuple[str, ...]) -> list[Any]:
    return [new_code_cell(dedent(code).strip("\n")) for code in codes]
