"""A submission realigned to its release: cells found again, whatever an editor or a learner did."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell

from ..exercises import exercises
from .submission import Unreadable

#: Metadata of a notebook that grading uses; all else in a submission's is dropped.
_KEPT = ("kernelspec", "language_info")


@dataclass
class Repaired:
    """A notebook that can be graded, and what had to be mended."""

    notebook: Any
    counts: dict[str, int] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """Remember something; told again it is only counted."""
        self.counts[text] = self.counts.get(text, 0) + 1

    @property
    def notes(self) -> list[str]:
        """What was mended, each thing once."""
        return [f"{text} ({n} times)" if n > 1 else text for text, n in self.counts.items()]


def realign(submission: Any, release: Any) -> Repaired:
    """The submission with the release's metadata on the cells that are the release's.

    A cell is recognized by nbgrader's id, by its own id, or by what it holds: a check's call, an
    exercise's definition. Cells missing are put back (an exercise as its stub), copies and cells
    of the learner's own are kept as plain code, tags are dropped. What a learner added to a setup
    cell is kept too, in a cell of its own after it.

    Raises
    ------
    Unreadable
        If no cell of the release is in it: another chapter's notebook, perhaps.
    """
    repaired = Repaired(copy.deepcopy(submission))
    wanted = {_grade_id(cell): cell for cell in release.cells if _grade_id(cell)}
    cells = [_sound(cell) for cell in repaired.notebook.cells]
    found = _matches(cells, wanted)
    if not any(name != "preamble" for name in found.values()):
        raise Unreadable("no exercise of this chapter is in it: is it another chapter's notebook?")
    repaired.notebook.cells = []
    for cell in cells:
        own = _reset(cell, wanted.get(found.get(id(cell), "")), repaired)
        repaired.notebook.cells += [cell] if own is None else [cell, own]
    _put_back(repaired, wanted, set(found.values()))
    metadata = {key: release.metadata[key] for key in _KEPT if key in release.metadata}
    repaired.notebook.metadata = copy.deepcopy(type(release.metadata)(metadata))
    repaired.notebook.nbformat, repaired.notebook.nbformat_minor = 4, 5
    _unique_ids(repaired.notebook.cells)
    return repaired


def _sound(cell: Any) -> Any:
    """A cell that has all that the rest of this module looks at."""
    if not isinstance(cell.get("metadata"), dict):
        cell["metadata"] = NotebookNode()
    if cell.get("cell_type") not in ("code", "markdown", "raw"):
        cell["cell_type"] = "raw"
    return cell


def _grade_id(cell: Any) -> str:
    fields = cell.metadata.get("nbgrader")
    return str(fields.get("grade_id", "")) if isinstance(fields, dict) else ""


def _matches(cells: list[Any], wanted: dict[str, Any]) -> dict[int, str]:
    """Which cell (by identity) is which of the release's; the surest evidence goes first."""
    found: dict[int, str] = {}
    for evidence in (_grade_id, lambda cell: str(cell.get("id", "")), _by_content):
        taken = set(found.values())
        for cell in cells:
            name = evidence(cell)
            if id(cell) not in found and name in wanted and name not in taken:
                found[id(cell)] = name
                taken.add(name)
    return found


def _by_content(cell: Any) -> str:
    """The id of the check that a cell calls, or of the exercise whose answer it defines."""
    source = cell.source.strip()
    if called := re.fullmatch(r"check\(\s*[\"']([\w-]+)[\"']\s*\)", source):
        return f"check-{called.group(1)}"
    defined = set(re.findall(r"^(?:def|class)\s+(\w+)", source, re.MULTILINE))
    return next((e.name for e in exercises() if e.statement.answer in defined), "")


def _reset(cell: Any, original: Any | None, repaired: Repaired) -> Any | None:
    """Give a cell what its release has; returns what a learner wrote into a setup cell, if so."""
    if tags := cell.metadata.get("tags"):
        told = ", ".join(map(str, tags)) if isinstance(tags, list) else str(tags)
        repaired.note(f"tags dropped: {told[:80]}")
    if original is None:
        cell.metadata = NotebookNode()
        return None
    fields, own = original.metadata["nbgrader"], None
    if cell.metadata.get("nbgrader") != fields:
        repaired.note("metadata was changed and is the release's again")
    if cell.cell_type != original.cell_type:
        repaired.note(f"{fields['grade_id']}: was turned into {cell.cell_type}, and back")
        cell.cell_type = original.cell_type
        cell.pop("attachments", None)
        cell.setdefault("outputs", [])
        cell.setdefault("execution_count", None)
    if not fields["solution"] and cell.source != original.source:
        if fields["grade"]:
            repaired.note(f"{fields['grade_id']}: was edited and is the release's again")
        else:
            repaired.note("a setup cell was edited: its own form runs first, the edited one after")
            own = new_code_cell(cell.source)
        cell.source = original.source
    cell.metadata = copy.deepcopy(original.metadata)
    return own


def _put_back(repaired: Repaired, wanted: dict[str, Any], present: set[str]) -> None:
    """Insert each missing cell after the release's cell before it."""
    before = -1
    for name, original in wanted.items():
        if name not in present:
            repaired.note(f"{name}: was missing and was put back")
            repaired.notebook.cells.insert(before + 1, copy.deepcopy(original))
        places = [i for i, cell in enumerate(repaired.notebook.cells) if _grade_id(cell) == name]
        before = max(before, places[0])


def _unique_ids(cells: list[Any]) -> None:
    """Every cell gets an id of its own; the release's are named after their exercise."""
    seen: set[str] = set()
    for number, cell in enumerate(cells):
        name = _grade_id(cell) or f"cell-{number}"
        while name in seen:
            name += "-copy"
        seen.add(name)
        cell["id"] = name
