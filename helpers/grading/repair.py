"""A submission realigned to its release: cells found again, whatever an editor or a learner did."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell

from ..exercises import exercises
from .likeness import most_alike
from .submission import Unreadable

#: Metadata of a notebook that grading uses; all else in a submission's is dropped.
_KEPT = ("kernelspec", "language_info")
#: Cells without an id that are looked into, and characters of each.
_MAX_CELLS, _MAX_CHARACTERS = 500, 20_000
#: So many notes are told; so many cells found by what they hold are told one by one.
_MAX_NOTES, _FEW = 40, 3

#: What may stand beside a check's call without doing anything in grading.
_IDLE = re.compile(
    r"#.*|from\s+helpers\.exercises\s+import\s+[\w ,]+|\b(?:hint|solution)\([^()]*\)"
    r"|\b(?:print|display)\b|[\s();]"
)


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
        told = [f"{text} ({n} times)" if n > 1 else text for text, n in self.counts.items()]
        more = len(told) - _MAX_NOTES
        return told if more <= 0 else [*told[:_MAX_NOTES], f"and {more:,} more repairs"]


class Match(NamedTuple):
    """Which cell of the release a cell is, by which evidence (none: nbgrader's id), how surely."""

    name: str
    evidence: str = ""
    sure: bool = True


def realign(submission: Any, release: Any) -> Repaired:
    """The submission with the release's metadata on the cells that are the release's.

    A cell is recognized by nbgrader's id, by its own id, or by what it holds: a check's call, an
    exercise's definition, a published text; at last by likeness to what was published. Cells
    missing are put back (an exercise as its stub), copies and cells of the learner's own are kept
    as plain code, tags are dropped. What a learner added to a setup cell is kept too, in a cell of
    its own after it.

    Raises
    ------
    Unreadable
        If no exercise of the release is surely in it: another chapter's notebook, perhaps.
    """
    repaired = Repaired(copy.deepcopy(submission))
    wanted = {_grade_id(cell): cell for cell in release.cells if _grade_id(cell)}
    cells = [_sound(cell) for cell in repaired.notebook.cells]
    found = _surely(cells, release, wanted)
    if all(_kind(wanted[match.name]) == "setup" for match in found.values()):
        raise Unreadable("no exercise of this chapter is in it: is it another chapter's notebook?")
    found |= _by_likeness(cells, release, wanted, found)
    _tell(repaired, found.values())
    repaired.notebook.cells = []
    for cell in cells:
        match = found.get(id(cell))
        own = _reset(cell, wanted[match.name] if match else None, repaired)
        repaired.notebook.cells += [cell] if own is None else [cell, own]
    _put_back(repaired, wanted, {match.name for match in found.values()})
    metadata = {key: release.metadata[key] for key in _KEPT if key in release.metadata}
    repaired.notebook.metadata = copy.deepcopy(type(release.metadata)(metadata))
    repaired.notebook.nbformat, repaired.notebook.nbformat_minor = 4, 5
    _unique_ids(repaired.notebook.cells)
    return repaired


def _sound(cell: Any) -> Any:
    """A cell that has all that the rest of this module looks at, and Unix line ends."""
    if not isinstance(cell.get("metadata"), dict):
        cell["metadata"] = NotebookNode()
    if cell.get("cell_type") not in ("code", "markdown", "raw"):
        cell["cell_type"] = "raw"
    cell["source"] = cell.source.replace("\r\n", "\n")
    return cell


def _grade_id(cell: Any) -> str:
    fields = cell.metadata.get("nbgrader")
    return str(fields.get("grade_id", "")) if isinstance(fields, dict) else ""


def _kind(original: Any) -> str:
    """What a cell of the release is to nbgrader: setup, exercise, check or question."""
    fields = original.metadata["nbgrader"]
    if fields["solution"]:
        return "question" if fields["grade"] else "exercise"
    return "check" if fields["grade"] else "setup"


# Recognizing cells ---------------------------------------------------------------------------


def _surely(cells: list[Any], release: Any, wanted: dict[str, Any]) -> dict[int, Match]:
    """The cells (by identity) that something tells for certain; the best evidence goes first."""
    found: dict[int, Match] = {}
    left = dict.fromkeys(wanted)

    def look(among: list[Any], evidence: str, names: Callable[[Any], Iterable[str]]) -> None:
        for cell in among:
            name = next((name for name in names(cell) if name in left), None)
            if name is not None and id(cell) not in found:
                found[id(cell)] = Match(name, evidence)
                del left[name]

    look(cells, "", lambda cell: [_grade_id(cell)])
    look(cells, "its cell id", lambda cell: [str(cell.get("id", ""))])
    if left:
        rest = _unclaimed(cells, release, found)
        answers = {e.statement.answer: e.name for e in exercises() if e.name in left}
        published = Counter(map(_plain, wanted.values()))
        texts = {text: n for n in left if published[text := _plain(wanted[n])] == 1}
        look(rest, "its call", _called)
        look(rest, "its definition", lambda cell: [answers.get(a, "") for a in _defined(cell)])
        look(rest, "its text", lambda cell: [texts.get(_plain(cell), "")])
    return found


def _unclaimed(cells: list[Any], release: Any, found: dict[int, Match]) -> list[Any]:
    """The cells that may yet be the release's, code first; its texts and demonstrations are not."""
    known = {_plain(cell) for cell in release.cells if not _grade_id(cell)} | {""}
    rest = [cell for cell in cells if id(cell) not in found and _plain(cell) not in known]
    return sorted(rest, key=lambda cell: cell.cell_type != "code")[:_MAX_CELLS]


def _plain(cell: Any) -> str:
    """A cell's source without what editors change at its ends."""
    return str(cell.source).strip()


def _called(cell: Any) -> list[str]:
    """The id of the check that a cell calls, if it does nothing else."""
    left = _IDLE.sub("", cell.source) if len(cell.source) < 500 else ""
    call = re.fullmatch(r"check[\"']([\w-]+)[\"']", left)
    return [f"check-{call.group(1)}"] if call else []


def _defined(cell: Any) -> list[str]:
    """The answers to exercises, functions and classes, that a cell defines."""
    return _definition().findall("\n" + cell.source[:_MAX_CHARACTERS].strip())


@cache
def _definition() -> re.Pattern[str]:
    answers = "|".join(e.statement.answer for e in exercises())
    return re.compile(rf"\n(?:def|class)\s+({answers})\b")


def _by_likeness(
    cells: list[Any], release: Any, wanted: dict[str, Any], found: dict[int, Match]
) -> dict[int, Match]:
    """Cells most like a published one; an answer in words by its place, for it is like nothing.

    Checks are not looked for: each is like all others. A setup cell is looked for in its place
    only, lest it be put where it runs too late.
    """
    present = {match.name for match in found.values()}
    published = {n: c.source for n, c in wanted.items() if _kind(c) != "check"}
    missing = {n: _kind(wanted[n]) for n in published if n not in present}
    if not missing:
        return {}
    rest = _unclaimed(cells, release, found)
    inside = _places(cells, release, found, rest)
    asked = {n: inside[n] if k == "setup" else list(range(len(rest))) for n, k in missing.items()}
    likest = most_alike(asked, published, [cell.source for cell in rest])
    matches = {
        id(rest[place]): Match(name, f"likeness to its published form, {ratio:.0%} alike", False)
        for name, (place, ratio) in likest.items()
    }
    words = {
        n: [i for i in inside[n] if rest[i].cell_type == "markdown" and id(rest[i]) not in matches]
        for n, kind in missing.items()
        if kind == "question" and n not in likest
    }
    for name, places in words.items():
        if len(places) == 1 and list(words.values()).count(places) == 1:
            matches[id(rest[places[0]])] = Match(name, "its place in the chapter", False)
    return matches


def _places(
    cells: list[Any], release: Any, found: dict[int, Match], rest: list[Any]
) -> dict[str, list[int]]:
    """By name: which of the rest stand between those that a cell stands between in the release."""
    names = {found[id(cell)].name: i for i, cell in enumerate(cells) if id(cell) in found}
    texts: dict[str, int] = {}
    for i, cell in enumerate(cells):
        texts.setdefault(_plain(cell), i)
    often = Counter(map(_plain, release.cells))

    def place_of(original: Any) -> int | None:
        if name := _grade_id(original):
            return names.get(name)
        text = _plain(original)
        return texts.get(text) if often[text] == 1 else None

    where = [place_of(original) for original in release.cells]
    order = {id(cell): i for i, cell in enumerate(cells)}
    inside = {}
    for number, name in enumerate(map(_grade_id, release.cells)):
        before = next((i for i in reversed(where[:number]) if i is not None), -1)
        after = next((i for i in where[number + 1 :] if i is not None), len(cells))
        inside[name] = [i for i, cell in enumerate(rest) if before < order[id(cell)] < after]
    return inside


def _tell(repaired: Repaired, matches: Collection[Match]) -> None:
    """How cells were found that nbgrader's id does not tell: one by one, or together if many."""
    sure = [match for match in matches if match.sure and match.evidence]
    ways = Counter(match.evidence for match in sure)
    if len(sure) > _FEW:
        told = ", ".join(f"{n} by {evidence.removeprefix('its ')}" for evidence, n in ways.items())
        repaired.note(f"metadata was missing on {len(sure)} cells; they were found: {told}")
    for match in matches:
        if match.evidence and (not match.sure or len(sure) <= _FEW):
            repaired.note(f"{match.name}: found by {match.evidence}")


# Mending cells -------------------------------------------------------------------------------


def _reset(cell: Any, original: Any | None, repaired: Repaired) -> Any | None:
    """Give a cell what its release has; returns what a learner wrote into a setup cell, if so."""
    if tags := cell.metadata.get("tags"):
        told = ", ".join(map(str, tags)) if isinstance(tags, list) else str(tags)
        repaired.note(f"tags dropped: {' '.join(told.split())[:80]}")
    if original is None:
        cell.metadata = NotebookNode()
        return None
    fields, own = original.metadata["nbgrader"], None
    if cell.metadata.get("nbgrader") not in (None, fields):
        repaired.note("metadata was changed and is the release's again")
    if cell.cell_type != original.cell_type:
        repaired.note(f"{fields['grade_id']}: was turned into {cell.cell_type}, and back")
        _retype(cell, original.cell_type)
    if not fields["solution"]:
        if _plain(cell) != _plain(original):
            if fields["grade"]:
                repaired.note(f"{fields['grade_id']}: was edited and is the release's again")
            else:
                repaired.note(
                    "a setup cell was edited: its own form runs first, the edited one after"
                )
                own = new_code_cell(cell.source)
        cell.source = original.source
    cell.metadata = copy.deepcopy(original.metadata)
    return own


def _retype(cell: Any, cell_type: str) -> None:
    """Make it a cell of another type, with what nbformat asks of that type."""
    cell.cell_type = cell_type
    if cell_type == "code":
        cell.pop("attachments", None)
        cell.setdefault("outputs", [])
        cell.setdefault("execution_count", None)
    else:
        cell.pop("outputs", None)
        cell.pop("execution_count", None)


def _put_back(repaired: Repaired, wanted: dict[str, Any], present: set[str]) -> None:
    """Insert each missing cell after the release's cell before it.

    An exercise's stub goes before a cell that defines its answer, which it would undo.
    """
    if present >= wanted.keys():
        return
    cells = repaired.notebook.cells
    answers = {e.name: e.statement.answer for e in exercises() if e.name in wanted}
    definers: dict[str, Any] = {}
    for cell in cells[:_MAX_CELLS]:
        for defined in _defined(cell):
            definers.setdefault(defined, cell)
    before = -1
    for name, original in wanted.items():
        if name not in present:
            repaired.note(f"{name}: was missing and was put back")
            definer = definers.get(answers.get(name, ""))
            places = (i for i, cell in enumerate(cells) if cell is definer)
            cells.insert(min(before + 1, next(places, before + 1)), copy.deepcopy(original))
        before = max(before, next(i for i, cell in enumerate(cells) if _grade_id(cell) == name))


def _unique_ids(cells: list[Any]) -> None:
    """Every cell gets an id of its own; the release's are named after their exercise."""
    seen: set[str] = set()
    for number, cell in enumerate(cells):
        name = _grade_id(cell) or f"cell-{number}"
        while name in seen:
            name += "-copy"
        seen.add(name)
        cell["id"] = name
