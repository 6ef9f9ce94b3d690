"""A submission realigned to its release: cells found again, whatever an editor or a learner did."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from typing import Any

from ..exercises import exercise

#: Metadata of a notebook that grading uses; all else in a submission's is dropped.
_KEPT = ("kernelspec", "language_info")


@dataclass
class Repaired:
    """A notebook that can be graded, and what had to be mended."""

    notebook: Any
    notes: list[str] = field(default_factory=list)


def realign(submission: Any, release: Any) -> Repaired:
    """The submission with the release's metadata on the cells that are the release's.

    A cell is recognized by nbgrader's id, by its own id, or by what it holds: a check's call, an
    exercise's definition. Cells missing are put back (an exercise as its stub), copies and cells
    of the learner's own are kept as plain code, tags are dropped.
    """
    repaired = Repaired(copy.deepcopy(submission))
    wanted = {_grade_id(cell): cell for cell in release.cells if _grade_id(cell)}
    found = _matches(repaired.notebook.cells, wanted)
    for cell in repaired.notebook.cells:
        _reset(cell, wanted.get(found.get(id(cell), "")), repaired)
    present = {found[id(cell)] for cell in repaired.notebook.cells if id(cell) in found}
    _put_back(repaired, wanted, present)
    metadata = {key: release.metadata[key] for key in _KEPT if key in release.metadata}
    repaired.notebook.metadata = copy.deepcopy(type(release.metadata)(metadata))
    repaired.notebook.nbformat, repaired.notebook.nbformat_minor = 4, 5
    _unique_ids(repaired.notebook.cells)
    return repaired


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
    source = cell.source.strip()
    if called := re.fullmatch(r"check\(\s*[\"']([\w-]+)[\"']\s*\)", source):
        return f"check-{called.group(1)}"
    for name in _definitions(source):
        return name
    return ""


def _definitions(source: str) -> list[str]:
    """The exercises whose answer a cell defines."""
    from ..exercises import exercises

    defined = set(re.findall(r"^(?:def|class)\s+(\w+)", source, re.MULTILINE))
    return [e.name for e in exercises() if e.statement.answer in defined]


def _reset(cell: Any, original: Any | None, repaired: Repaired) -> None:
    tags = cell.metadata.get("tags")
    if tags:
        repaired.notes.append(f"tags dropped: {', '.join(map(str, tags))[:80]}")
    if original is None:
        cell.metadata = type(cell.metadata)()
        return
    name = _grade_id(original)
    if cell.metadata.get("nbgrader") != original.metadata["nbgrader"]:
        repaired.notes.append(f"{name}: its metadata was changed and is the release's again")
    if cell.cell_type != original.cell_type:
        repaired.notes.append(f"{name}: was turned into {cell.cell_type}, and back")
        cell.cell_type = original.cell_type
        cell.pop("attachments", None)
        cell.setdefault("outputs", [])
        cell.setdefault("execution_count", None)
    if not original.metadata["nbgrader"]["solution"] and cell.source != original.source:
        repaired.notes.append(f"{name}: was edited and is the release's again")
        cell.source = original.source
    cell.metadata = copy.deepcopy(original.metadata)


def _put_back(repaired: Repaired, wanted: dict[str, Any], present: set[str]) -> None:
    """Insert each missing cell after the release's cell before it."""
    before = -1
    for name, original in wanted.items():
        if name not in present:
            repaired.notes.append(f"{name}: was missing and was put back")
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


def is_check(cell: Any) -> str:
    """The name of the exercise that a cell checks, or nothing."""
    fields = cell.metadata.get("nbgrader") or {}
    name = str(fields.get("grade_id", ""))
    if fields.get("grade") and not fields.get("solution") and name.startswith("check-"):
        return exercise(name.removeprefix("check-")).name
    return ""
