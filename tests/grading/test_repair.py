"""Submissions realigned to their release."""

from __future__ import annotations

import copy
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from helpers.grading.repair import realign
from helpers.grading.submission import Unreadable, is_check


def ids(notebook: Any) -> list[str]:
    named = (c.metadata.get("nbgrader", {}).get("grade_id") for c in notebook.cells)
    return [name for name in named if name]


def cell_of(notebook: Any, name: str) -> Any:
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name)


def test_what_is_right_is_left_alone(solved: Any, learner: Any) -> None:
    repaired = realign(solved, learner)
    assert repaired.notes == []
    assert [c.source for c in repaired.notebook.cells] == [c.source for c in solved.cells]
    assert ids(repaired.notebook) == ids(learner)


def test_metadata_stripped_by_an_editor_is_put_back(solved: Any, learner: Any) -> None:
    for cell in solved.cells:
        cell.metadata = nbformat.from_dict({})
        cell.pop("id")
    repaired = realign(solved, learner).notebook
    assert ids(repaired) == ids(learner)
    assert "nn.Parameter" in cell_of(repaired, "scale-shift").source


@pytest.mark.parametrize("name", ["check-add-constant", "add-constant", "preamble"])
def test_a_deleted_cell_is_put_back_in_its_place(solved: Any, learner: Any, name: str) -> None:
    solved.cells = [
        c for c in solved.cells if c.metadata.get("nbgrader", {}).get("grade_id") != name
    ]
    repaired = realign(solved, learner)
    assert ids(repaired.notebook) == ids(learner)
    assert any(name in note and "missing" in note for note in repaired.notes)


def test_a_copied_cell_becomes_the_learners_own(solved: Any, learner: Any) -> None:
    for name in ("check-add-constant", "scale-shift"):
        solved.cells.append(copy.deepcopy(cell_of(solved, name)))
    repaired = realign(solved, learner).notebook
    assert ids(repaired) == ids(learner)
    assert len(repaired.cells) == len(solved.cells)
    assert len({c["id"] for c in repaired.cells}) == len(repaired.cells)


def test_an_edited_check_is_the_releases_again(solved: Any, learner: Any) -> None:
    cell = cell_of(solved, "check-add-constant")
    cell.source = "99.0"
    cell.metadata.nbgrader["points"] = 1000
    cell.metadata["tags"] = ["skip-execution"]
    repaired = realign(solved, learner)
    mended = cell_of(repaired.notebook, "check-add-constant")
    assert mended.source == 'check("add-constant")' and is_check(mended) == "add-constant"
    assert mended.metadata.nbgrader["points"] == 1 and "tags" not in mended.metadata
    assert any("tags dropped: skip-execution" in note for note in repaired.notes)


def test_a_retyped_cell_is_code_again(solved: Any, learner: Any) -> None:
    cell = cell_of(solved, "scale-shift")
    cell.cell_type = "markdown"
    del cell["outputs"], cell["execution_count"]
    repaired = realign(solved, learner).notebook
    assert cell_of(repaired, "scale-shift").cell_type == "code"
    nbformat.validate(repaired)


def test_a_learners_cell_keeps_nothing_but_its_source(solved: Any, learner: Any) -> None:
    own = new_code_cell("1 + 1", metadata={"nbgrader": {"grade_id": "mine", "grade": True}})
    solved.cells.insert(0, own)
    repaired = realign(solved, learner).notebook
    kept = next(c for c in repaired.cells if c.source == "1 + 1")
    assert kept.metadata == {}


def test_what_was_added_to_a_setup_cell_runs_after_it(solved: Any, learner: Any) -> None:
    setup = next(c for c in solved.cells if "setup" in c["id"])
    setup.source += "\nimport math"
    repaired = realign(solved, learner).notebook
    place = next(i for i, c in enumerate(repaired.cells) if "setup" in c["id"])
    assert "import math" not in repaired.cells[place].source
    assert "import math" in repaired.cells[place + 1].source
    assert ids(repaired) == ids(learner)


@pytest.mark.parametrize("tags", [5, "skip", ["skip"], {"a": 1}, None])
def test_tags_may_be_anything(solved: Any, learner: Any, tags: Any) -> None:
    for cell in solved.cells:
        cell.metadata["tags"] = tags
    assert ids(realign(solved, learner).notebook) == ids(learner)


def test_cells_may_lack_metadata_and_type(solved: Any, learner: Any) -> None:
    del solved.cells[0]["metadata"]
    solved.cells[1]["metadata"] = ["odd"]
    solved.cells.append(nbformat.from_dict({"source": "?", "metadata": {}}))
    repaired = realign(solved, learner).notebook
    assert ids(repaired) == ids(learner)
    assert repaired.cells[-1].cell_type == "raw"


def test_another_chapters_notebook_is_said(solved: Any, learner: Any) -> None:
    solved.cells = [new_code_cell("print('hello')")]
    with pytest.raises(Unreadable, match="another chapter's notebook"):
        realign(solved, learner)
