"""nbgrader's preprocessors: repair before, the judge in place of a kernel.

``nbgrader_config.py`` puts `Repair` first among ``Autograde.sanitize_preprocessors`` and `Judge`
in the place of ``Execute``, so that ``nbgrader autograde`` gives the marks of ``layerwise grade``.
nbgrader changes into the course's folder before it converts, so paths here are relative to it.
"""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Float

from .assignment import Budget
from .marking import forbidden_modules, judge_notebook
from .seed import course_seed
from .session import Nursery
from .task import mark, repair


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
        return repair(nb, release_notebook(resources)), resources


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
        mark(nb, judged)
        return nb, resources


@cache
def nursery_of(chapter: str, sandbox: bool) -> Nursery:
    """The warm process that a chapter's notebooks are forked from, one a process of ours."""
    nursery = Nursery(forbidden_modules(chapter), sandbox=sandbox)
    atexit.register(nursery.close)
    return nursery
