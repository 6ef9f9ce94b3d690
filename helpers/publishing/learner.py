"""The learner's notebook: stubs, no outputs, the same bytes from the same source."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ..exercises import exercise, question
from ..exercises.definition import BEGIN, END, STUB
from .exercise_index import dots
from .markdown import to_plain_markdown
from .source import Cell, Chapter, without_marks

_PREAMBLE = """\
# Run this cell first. It needs the course's package, helpers. To install it, open a terminal in
# the course's folder, run
#     pip install .
# and restart this notebook's kernel. (README.md there has more ways.)
try:
    import helpers
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "the course's package is not installed for this kernel: run `pip install .` "
        "in the course's folder, then restart the kernel"
    ) from None
if not getattr(helpers, "__layerwise__", False):
    raise ImportError(
        f"another package called helpers is in the way: {helpers.__file__}. "
        "Rename or move it, then restart the kernel"
    )
from helpers.exercises import check, hint, solution"""


def badge(cell: Cell) -> str:
    """The generated line above an exercise or a question: points, minutes, who grades it."""
    name = cell.exercise
    if cell.kind == "question":
        words = question(name)
        return (
            f"*Question* `{name}` · {_points(words.points)} · about {words.minutes} minutes · "
            "graded by a person"
        )
    asked = exercise(name).statement
    return (
        f"*Exercise* `{name}` · {_points(asked.points)} · "
        f"difficulty {dots(asked.difficulty)} ({asked.difficulty} of 5) · "
        f'about {asked.minutes} minutes · stuck? `hint("{name}")`'
    )


def _points(number: int) -> str:
    return f"{number} point{'s' if number != 1 else ''}"


def source_notebook(chapter: Chapter, bibliography: Path | None = None) -> Any:
    """nbgrader's source: the learner's notebook with its solutions, and all of its metadata.

    Cells of exercises, checks and questions are named after them; other cells after their
    content, for Jupytext makes new ids at each reading.
    """
    cells = [_made(Cell("setup", _PREAMBLE, "preamble"), bibliography)]
    for cell in chapter.cells:
        if cell.kind in ("exercise", "question"):
            cells.append(new_markdown_cell(badge(cell)))
        cells.append(_made(cell, bibliography))
    _name_cells(cells)
    notebook = new_notebook(cells=cells)
    notebook.metadata.update(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    notebook.metadata["layerwise"] = {"chapter": chapter.name}
    notebook.metadata["layerwise"]["release"] = digest(learner_notebook(notebook))
    return notebook


def _made(cell: Cell, bibliography: Path | None) -> Any:
    if cell.is_code:
        made = new_code_cell(cell.source, metadata=dict(cell.metadata or {}))
        made.metadata.pop("mystnb", None)
    else:
        made = new_markdown_cell(to_plain_markdown(cell.source, bibliography))
    if fields := _fields(cell):
        made.metadata["nbgrader"] = fields
    return made


def _fields(cell: Cell) -> dict[str, Any]:
    """A cell's metadata for nbgrader; none for text and demonstrations."""
    name = cell.exercise
    fields: dict[str, Any] = {"schema_version": 3, "task": False, "grade": False}
    if cell.kind == "setup":
        grade_id = name or _hash(cell.source, "setup-")
        return fields | {"locked": True, "solution": False, "grade_id": grade_id}
    if cell.kind == "exercise":
        return fields | {"locked": False, "solution": True, "grade_id": name}
    if cell.kind == "check":
        fields |= {"grade": True, "points": exercise(name).statement.points}
        return fields | {"locked": True, "solution": False, "grade_id": f"check-{name}"}
    if cell.kind == "question":
        fields |= {"grade": True, "points": question(name).points}
        return fields | {"locked": False, "solution": True, "grade_id": name}
    return {}


def _hash(text: str, prefix: str = "") -> str:
    return prefix + hashlib.sha256(text.encode()).hexdigest()[:12]


def _name_cells(cells: list[Any]) -> None:
    seen: dict[str, int] = {}
    for cell in cells:
        fields = cell.metadata.get("nbgrader")
        name = fields["grade_id"] if fields else _hash(cell.source)
        seen[name] = seen.get(name, 0) + 1
        cell["id"] = name if seen[name] == 1 else f"{name}-{seen[name]}"


def digest(notebook: Any) -> str:
    """The hash of what a release is: the learner's cells, in order."""
    content = [[c["id"], c.cell_type, c.source, c.metadata.get("nbgrader")] for c in notebook.cells]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def learner_notebook(source: Any) -> Any:
    """The learner's notebook, made from the source by nbgrader's own preprocessors."""
    from nbgrader.preprocessors import ClearOutput, ClearSolutions, ComputeChecksums, LockCells

    notebook = nbformat.from_dict(json.loads(json.dumps(source)))
    resources: dict[str, Any] = {}
    for preprocessor in (
        LockCells(),
        ClearSolutions(
            code_stub={"python": STUB}, begin_solution_delimeter=BEGIN, end_solution_delimeter=END
        ),
        ClearOutput(),
        ComputeChecksums(),
    ):
        notebook, resources = preprocessor.preprocess(notebook, resources)
    return notebook


def solved_notebook(source: Any) -> Any:
    """The learner's notebook with the solutions filled in, as the best learner would submit it."""
    solved = learner_notebook(source)
    for cell, full in zip(solved.cells, source.cells, strict=True):
        cell.source = without_marks(full.source)
    return solved


def notebook_text(notebook: Any) -> str:
    """The bytes of a notebook: sorted keys, one trailing newline, whatever the machine."""
    nbformat.validate(notebook)
    return json.dumps(notebook, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
