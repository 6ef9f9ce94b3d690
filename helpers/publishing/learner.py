"""The learner's notebook: stubs, no outputs, the same bytes from the same source."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ..exercises import exercise
from ..exercises.definition import BEGIN, END, STUB
from .markdown import to_plain_markdown
from .source import Chapter, without_marks

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


def badge(name: str) -> str:
    """The generated line above an exercise: points, difficulty, minutes."""
    asked = exercise(name).statement
    points = f"{asked.points} point{'s' if asked.points != 1 else ''}"
    dots = "●" * asked.difficulty + "○" * (5 - asked.difficulty)
    return (
        f"*Exercise* `{name}` · {points} · difficulty {dots} ({asked.difficulty} of 5) · "
        f'about {asked.minutes} minutes · stuck? `hint("{name}")`'
    )


def source_notebook(chapter: Chapter, bibliography: Path | None = None) -> Any:
    """nbgrader's source: the learner's notebook with its solutions, and all of its metadata.

    Cells of exercises and checks are named after them; other cells after their content, for
    Jupytext makes new ids at each reading.
    """
    cells = [_code("setup", _PREAMBLE, name="preamble")]
    for cell in chapter.cells:
        if not cell.is_code:
            cells.append(new_markdown_cell(to_plain_markdown(cell.source, bibliography)))
            continue
        if cell.kind == "exercise":
            cells.append(new_markdown_cell(badge(cell.exercise)))
        cells.append(_code(cell.kind, cell.source, cell.exercise, cell.metadata or {}))
    _name_cells(cells)
    notebook = new_notebook(cells=cells)
    notebook.metadata.update(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    notebook.metadata["layerwise"] = {"chapter": chapter.name}
    notebook.metadata["layerwise"]["release"] = digest(learner_notebook(notebook))
    return notebook


def _code(kind: str, source: str, name: str = "", metadata: dict[str, Any] | None = None) -> Any:
    cell = new_code_cell(source, metadata=dict(metadata or {}))
    cell.metadata.pop("mystnb", None)
    fields: dict[str, Any] = {"schema_version": 3, "task": False, "grade": False}
    if kind == "setup":
        fields |= {"locked": True, "solution": False, "grade_id": name or _hash(source, "setup-")}
    elif kind == "exercise":
        fields |= {"locked": False, "solution": True, "grade_id": name}
    elif kind == "check":
        points = exercise(name).statement.points
        fields |= {"locked": True, "solution": False, "grade_id": f"check-{name}"}
        fields |= {"grade": True, "points": points}
    else:
        return cell
    cell.metadata["nbgrader"] = fields
    return cell


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
        if cell.cell_type == "code":
            cell.source = without_marks(full.source)
    return solved


def notebook_text(notebook: Any) -> str:
    """The bytes of a notebook: sorted keys, one trailing newline, whatever the machine."""
    nbformat.validate(notebook)
    return json.dumps(notebook, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
