"""One submission graded: from the bytes handed in to a notebook with its marks. No gradebook."""

from __future__ import annotations

import json
import time
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from ..exercises.display import as_html, as_text
from ..exercises.judge import Verdict
from .assignment import KEY, Assignment, Graded, Submission
from .marking import Judged, judge_notebook
from .repair import realign
from .results import Result
from .sandbox import NoSandbox
from .session import Nursery
from .submission import Unreadable, is_check, parse_notebook

#: Lines of output shown a cell; nbgrader cuts at as many.
_MAX_LINES = 1000


def grade_submission(assignment: Assignment, submission: Submission, nursery: Nursery) -> Graded:
    """Grade one submission. Whatever is in it, there is a result.

    Raises
    ------
    NoSandbox
        If learners' code cannot be run at all.
    """
    start = time.monotonic()
    try:
        graded, verdicts, status, notes, repairs = _graded(assignment, submission, nursery)
    except Unreadable as error:
        graded, verdicts, status, notes, repairs = None, {}, "unreadable", [str(error)], []
    except NoSandbox:
        raise
    except Exception as error:  # of ours: it costs one notebook, and is told
        said = f"{type(error).__name__}: {error}"[:300]
        graded, verdicts, status, notes, repairs = None, {}, "failed", [said], []
    result = Result(
        student=submission.student,
        chapter=assignment.chapter,
        score=sum(verdict.points for verdict in verdicts.values()),
        status=status,
        notes=tuple(dict.fromkeys(notes)),
        repairs=tuple(repairs),
        exercises={name: _told(verdict) for name, verdict in verdicts.items()},
        seconds=round(time.monotonic() - start, 3),
        sandbox=assignment.sandbox,
        key=assignment.key(submission),
    )
    return Graded(result, graded, submission.timestamp)


def _graded(
    assignment: Assignment, submission: Submission, nursery: Nursery
) -> tuple[str, dict[str, Verdict], str, list[str], list[str]]:
    if submission.problem:
        raise Unreadable(submission.problem)
    release, earlier = assignment.notebooks
    notebook = repair(parse_notebook(submission.content, f"{assignment.chapter}.ipynb"), release)
    judged = judge_notebook(
        notebook,
        release,
        seed=assignment.seed,
        nursery=nursery,
        earlier=earlier,
        budget=assignment.budget,
    )
    mark(notebook, judged)
    kept = notebook.metadata[KEY]
    notes = list(kept["notes"])
    if all(status == "not attempted" for status in kept["exercises"].values()):
        notes.append("nothing was attempted")
    text = _text(nbformat.writes(notebook))
    return text, judged.verdicts, judged.status, notes, kept["repairs"]


def _told(verdict: Verdict) -> dict[str, Any]:
    wrong: dict[str, str] = {}
    for line in verdict.lines:
        if not line.right and verdict.attempted:
            wrong.setdefault(line.case.group, line.case.text)
    points = {"points": verdict.points, "max_points": verdict.max_points}
    return {**points, "status": verdict.status, "wrong": wrong}


def repair(notebook: Any, release: Any) -> Any:
    """A submission realigned to its release, without outputs; what was mended is in its metadata.

    Raises
    ------
    Unreadable
        If it is not this chapter's notebook.
    """
    repaired = realign(notebook, release)
    answered, current = (_release_of(edition) for edition in (notebook, release))
    if answered and answered != current:
        repaired.note(f"it answers another release, {answered}; now there is {current}")
    repaired.notebook.metadata[KEY] = {"repairs": repaired.notes}
    for cell in repaired.notebook.cells:
        cell.source = _text(cell.source)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return repaired.notebook


def _text(said: str) -> str:
    """What can be written in UTF-8: a lone surrogate, which JSON lets in, cannot."""
    return said.encode("utf-8", "replace").decode()


def _release_of(notebook: Any) -> str:
    kept = notebook.metadata.get(KEY)
    return str(kept.get("release", ""))[:64] if isinstance(kept, dict) else ""


def mark(notebook: Any, judged: Judged) -> None:
    """Write what was judged into a repaired notebook: tables and points, what cells printed."""
    for place, cell in enumerate(notebook.cells):
        if name := is_check(cell):
            cell.outputs = _shown(judged.verdicts[name])
        elif cell.cell_type == "code":
            said = _text("\n".join(judged.outputs.get(place, "").split("\n")[:_MAX_LINES]))
            cell.outputs = [_output("stream", name="stdout", text=said)] if said else []
    repairs = notebook.metadata.get(KEY, {}).get("repairs", [])
    notebook.metadata[KEY] = {
        "status": judged.status,
        "notes": judged.notes,
        "repairs": repairs,
        "exercises": {name: verdict.status for name, verdict in judged.verdicts.items()},
    }


def _shown(verdict: Verdict) -> list[Any]:
    """A check cell's outputs: the table, without what the seed made, and the points."""
    table = {
        "text/html": _text(as_html(verdict, public=True)),
        "text/plain": _text(as_text(verdict, public=True)),
    }
    return [
        _output("display_data", data=table, metadata={}),
        _output(
            "execute_result",
            data={"text/plain": json.dumps(verdict.points)},
            metadata={},
            execution_count=None,
        ),
    ]


def _output(output_type: str, **fields: Any) -> NotebookNode:
    """What nbformat's `new_output` makes, not validated one by one: the notebook is, as a whole."""
    return nbformat.from_dict({"output_type": output_type, **fields})
