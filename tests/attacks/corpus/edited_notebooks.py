"""Notebooks whose cells, metadata or outputs are edited: tags, ids, points, order, copies."""

from __future__ import annotations

import copy
from typing import Any

from .attack import FULL, Attack, Expect, cheat, harmless, right
from .edits import CHAPTER, ONE, POINTS, Edit, answers, bottom, cell_of, each, tagged

#: Wrong answers to all exercises but one.
ALL_BUT_ONE = answers("return None", *[name for name in POINTS if name != ONE])


def nbgrader(which: str = "", **fields: Any) -> Edit:
    """Fields of nbgrader's metadata, on each cell of the release or on some."""
    return each(lambda cell: cell.metadata.nbgrader.update(fields), which)


def dropped(which: str) -> Edit:
    """The cells deleted whose grade id starts with ``which``."""

    def edit(notebook: Any) -> None:
        notebook.cells = [
            c
            for c in notebook.cells
            if not str(c.metadata.get("nbgrader", {}).get("grade_id", "")).startswith(which)
        ]

    return edit


def checks_retyped(cell_type: str) -> Edit:
    """The checks turned into cells of text."""

    def change(cell: Any) -> None:
        cell.cell_type = cell_type
        del cell["outputs"], cell["execution_count"]

    return each(change, "check-")


def checks_with_output(**data: str) -> Edit:
    """The checks with an output that nobody computed."""
    output = {
        "output_type": "execute_result",
        "execution_count": 1,
        "metadata": {},
        "data": {f"text/{kind}": text for kind, text in data.items()},
    }
    return each(lambda cell: cell.update(execution_count=1, outputs=[output]), "check-")


def checks_twice(notebook: Any) -> None:
    checks = [c for c in notebook.cells if str(c.get("id", "")).startswith("check-")]
    notebook.cells += copy.deepcopy(checks)


def exercises_twice(notebook: Any) -> None:
    notebook.cells += copy.deepcopy([cell_of(notebook, name) for name in POINTS])


def checks_first(notebook: Any) -> None:
    notebook.cells.sort(key=lambda c: not str(c.get("id", "")).startswith("check-"))


def easy_ids(notebook: Any) -> None:
    """The one right answer's id on each check."""
    for cell in notebook.cells:
        fields = cell.metadata.get("nbgrader", {})
        if str(fields.get("grade_id", "")).startswith("check-"):
            cell.id = fields.grade_id = f"check-{ONE}"
            cell.source = f'check("{ONE}")'


def other_kernel(notebook: Any) -> None:
    notebook.metadata.kernelspec = {"name": "bash", "display_name": "Bash", "language": "bash"}
    notebook.metadata.language_info = {"name": "bash"}


def odd_metadata(notebook: Any) -> None:
    for cell in notebook.cells:
        cell.metadata["nbgrader"] = ["grade", True, {"points": 100}]
        cell.metadata["tags"] = {"a": 1}


def forged_release(notebook: Any) -> None:
    notebook.metadata.layerwise = {"chapter": CHAPTER, "release": ["x"] * 9}


def edited_setup(notebook: Any) -> None:
    cell_of(notebook, "preamble").source = (
        "import sys, types\nsys.modules['helpers'] = types.ModuleType('helpers')\n"
        "check = lambda name: 100.0"
    )


ATTACKS = [
    cheat(
        "skip-execution",
        "tags that skip checks, exercises and all",
        tagged("skip-execution"),
    ),
    cheat(
        "other-tags",
        "tags of other tools",
        tagged("raises-exception", "remove-cell", "parameters", "injected-parameters"),
    ),
    Attack(
        "skip-one-wrong",
        "right, but one wrong exercise tagged to be skipped",
        right(
            answers("return None", ONE),
            tagged("skip-execution", which=f"check-{ONE}"),
            tagged("skip-execution", which=ONE),
        ),
        Expect(FULL - POINTS[ONE], exactly=True),
    ),
    cheat(
        "checks-edited",
        "the checks' sources are edited",
        each(lambda cell: cell.update(source="18.0"), "check-"),
    ),
    cheat("checks-deleted", "the checks are deleted", dropped("check-")),
    cheat(
        "all-deleted",
        "everything but one check is deleted",
        dropped("c"),
        dropped("s"),
        bottom(f'check("{ONE}")'),
    ),
    harmless("checks-twice", "each check twice, to be counted twice", checks_twice),
    harmless("exercises-twice", "right answers twice: copies below", exercises_twice),
    Attack(
        "points-changed",
        "one right answer, its points 1,000",
        right(ALL_BUT_ONE, nbgrader("check-", points=1000)),
        Expect(1.0, exactly=True),
    ),
    Attack(
        "ids-changed",
        "one right answer, its id on every check",
        right(ALL_BUT_ONE, easy_ids),
        Expect(1.0, exactly=True),
    ),
    cheat(
        "retagged",
        "checks are marked as solutions with points, exercises as locked",
        nbgrader(solution=True, grade=True, points=18, locked=False),
    ),
    cheat("task", "checks are marked as hand-graded tasks", nbgrader(task=True, points=18)),
    cheat("retyped-checks", "the checks are turned into markdown", checks_retyped("markdown")),
    harmless(
        "retyped-back",
        "the checks of right work were turned into raw cells",
        checks_retyped("raw"),
    ),
    Attack(
        "reversed",
        "all cells in reverse order, imports last",
        right(lambda notebook: notebook.cells.reverse()),
        Expect(FULL),
    ),
    harmless(
        "checks-first",
        "the checks moved above everything; they are judged at the end",
        checks_first,
    ),
    harmless("kernelspec", "a kernelspec of another language", other_kernel),
    Attack("metadata-odd", "nbgrader's metadata is a list", right(odd_metadata), Expect(FULL)),
    cheat("stub-release", "the release's own id and chapter are forged", forged_release),
    cheat("setup-edited", "the preamble is edited to replace the course", edited_setup),
    harmless(
        "outputs-forged",
        "outputs that say a hundred points, and a mime bundle",
        checks_with_output(plain="100.0", html="<script>alert(1)</script>"),
    ),
    cheat(
        "outputs-replayed",
        "the outputs of right work over wrong answers",
        checks_with_output(plain="18.0"),
    ),
]
