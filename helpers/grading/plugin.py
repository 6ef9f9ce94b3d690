"""nbgrader's preprocessors: repair before, the judge in place of a kernel.

``nbgrader_config.py`` puts `Repair` first among ``Autograde.sanitize_preprocessors`` and `Judge`
in the place of ``Execute``, so that ``nbgrader autograde`` gives the marks of ``layerwise grade``.
nbgrader changes into the course's folder before it converts, so paths here are relative to it.
"""

from __future__ import annotations

import atexit
import json
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Float

from ..exercises.display import as_html, as_text
from ..exercises.judge import Verdict
from .marking import forbidden_modules, judge_notebook
from .repair import realign
from .seed import course_seed
from .session import Budget, Nursery
from .submission import is_check

#: Where a graded notebook says how grading went.
KEY = "layerwise"


def release_notebook(resources: ResourcesDict) -> NotebookNode:
    """The release that a submission answers, from the course's folder.

    Raises
    ------
    FileNotFoundError
        If the course has none; the message says how to make it.
    """
    names = resources["nbgrader"]
    file = Path("release") / names["assignment"] / f"{names['notebook']}.ipynb"
    if not file.is_file():
        raise FileNotFoundError(
            f"{file} is not in the course's folder: run "
            f"`nbgrader generate_assignment {names['assignment']}` first"
        )
    return nbformat.read(file, as_version=4)


def earlier_releases(resources: ResourcesDict) -> list[NotebookNode]:
    """Every release of the chapter that this course has seen: a learner may have any of them."""
    folder = Path("releases") / resources["nbgrader"]["notebook"]
    return [nbformat.read(file, as_version=4) for file in sorted(folder.glob("*.ipynb"))]


class Repair(NbGraderPreprocessor):
    """Realign a submission to its release; what was mended is kept in the notebook's metadata."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        release = release_notebook(resources)
        repaired = realign(nb, release)
        answered, current = (_release_of(notebook) for notebook in (nb, release))
        if answered and answered != current:
            repaired.note(f"it answers another release, {answered}; now there is {current}")
        repaired.notebook.metadata[KEY] = {"repairs": repaired.notes}
        return repaired.notebook, resources


def _release_of(notebook: NotebookNode) -> str:
    kept = notebook.metadata.get(KEY)
    return str(kept.get("release", ""))[:64] if isinstance(kept, dict) else ""


class Judge(NbGraderPreprocessor):
    """Judge a repaired submission; each check cell shows its points and its table of cases."""

    cell_timeout = Float(Budget.cell, help="Seconds that one cell of a learner's may run.").tag(
        config=True
    )
    exercise_timeout = Float(
        Budget.exercise, help="Seconds that an answer may take for all of its cases."
    ).tag(config=True)
    notebook_timeout = Float(
        Budget.notebook, help="Seconds that one notebook may take in all."
    ).tag(config=True)
    sandbox = Bool(
        True, help="Whether learners' code runs in a sandbox. Without: only for work you trust."
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        budget = Budget(self.cell_timeout, self.exercise_timeout, self.notebook_timeout)
        judged = judge_notebook(
            nb,
            release_notebook(resources),
            nursery=nursery_of(resources["nbgrader"]["notebook"], self.sandbox),
            earlier=earlier_releases(resources),
            seed=course_seed(Path()),
            budget=budget,
        )
        for place, cell in enumerate(nb.cells):
            if name := is_check(cell):
                cell.outputs = _shown(judged.verdicts[name])
            elif cell.cell_type == "code":
                said = judged.outputs.get(place, "")
                cell.outputs = [new_output("stream", name="stdout", text=said)] if said else []
        repairs = nb.metadata.get(KEY, {}).get("repairs", [])
        nb.metadata[KEY] = {
            "status": judged.status,
            "notes": judged.notes,
            "repairs": repairs,
            "exercises": {n: v.status for n, v in judged.verdicts.items()},
        }
        return nb, resources


@cache
def nursery_of(chapter: str, sandbox: bool) -> Nursery:
    """The warm process that a chapter's notebooks are forked from, one a process of ours."""
    nursery = Nursery(forbidden_modules(chapter), sandbox=sandbox)
    atexit.register(nursery.close)
    return nursery


def _shown(verdict: Verdict) -> list[Any]:
    """A check cell's outputs: the table, without what the seed made, and the points."""
    table = {
        "text/html": as_html(verdict, public=True),
        "text/plain": as_text(verdict, public=True),
    }
    return [
        new_output("display_data", data=table),
        new_output("execute_result", data={"text/plain": json.dumps(verdict.points)}),
    ]
