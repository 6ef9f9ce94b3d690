"""Submissions realigned to their release."""

from __future__ import annotations

import copy
import re
import time
from collections import Counter
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell

from helpers.grading import likeness, repair
from helpers.grading.repair import Repaired, realign
from helpers.grading.submission import Unreadable, is_check
from helpers.publishing.learner import learner_notebook, solved_notebook


def ids(notebook: Any) -> list[str]:
    named = (c.metadata.get("nbgrader", {}).get("grade_id") for c in notebook.cells)
    return [name for name in named if name]


def cell_of(notebook: Any, name: str) -> Any:
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name)


QUESTION = {"grade": True, "solution": True, "locked": False, "task": False, "points": 2}
STUB = "*Write your answer here, in two to five sentences.*"


def stripped(notebook: Any) -> Any:
    """As an editor saves that knows neither ids nor metadata."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        cell.pop("id", None)
    return notebook


def with_questions(notebook: Any, *texts: str) -> Any:
    """With free-text questions at the end, each below its text, and a text after all."""
    for number, text in enumerate(texts):
        fields = QUESTION | {"grade_id": f"why-{number}", "schema_version": 3}
        notebook.cells.append(new_markdown_cell(f"Question {number}: why?"))
        notebook.cells.append(new_markdown_cell(text, metadata={"nbgrader": fields}))
    notebook.cells.append(new_markdown_cell("That is all."))
    return notebook


def broken(source: str) -> str:
    """A source whose first definition Python, and a search for it, cannot read."""
    return re.sub(r"^(?:def|class) ", "dfe ", source, count=1, flags=re.MULTILINE)


def sources(notebook: Any) -> list[str]:
    return [cell.source for cell in notebook.cells]


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


def test_a_repair_told_again_is_counted() -> None:
    repaired = Repaired(None)
    for _ in range(3):
        repaired.note("something")
    assert repaired.notes == ["something (3 times)"]


# What a learner may try --------------------------------------------------------------------------


@pytest.mark.parametrize("lost", ["nothing", "grade_id", "all"])
def test_a_cell_made_to_be_taken_for_a_locked_one_gains_nothing(
    solved: Any, learner: Any, lost: str
) -> None:
    for cell in solved.cells:
        if cell.metadata.get("nbgrader", {}).get("locked"):
            cell.source += "\nimport os  # mine"
            cell.metadata.nbgrader["points"] = 1000
        if lost != "nothing":
            cell.metadata.pop("nbgrader", None)
    repaired = realign(stripped(solved) if lost == "all" else solved, learner).notebook
    assert ids(repaired) == ids(learner)
    for cell in repaired.cells:
        if cell.metadata.get("nbgrader", {}).get("locked"):
            original = cell_of(learner, cell.metadata.nbgrader.grade_id)
            assert (cell.source, cell.metadata) == (original.source, original.metadata)
        elif "# mine" in cell.source:
            assert cell.metadata == {}, "what was written is the learner's own code, no more"


def test_notes_stay_few_and_short(solved: Any, learner: Any) -> None:
    for number in range(200):
        own = new_code_cell("1", metadata={"tags": [f"{number} tag\n" * 999]})
        solved.cells.append(own)
    notes = realign(solved, learner).notes
    assert len(notes) == 41 and notes[-1] == "and 160 more repairs"
    assert all(len(note) < 120 and "\n" not in note for note in notes)


def test_of_a_huge_notebook_little_is_looked_at(
    solved: Any, learner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured: 0.5 s for 5,000 cells of 10 kB, as many as can be handed in, most of it to copy."""
    calls: Counter[str] = Counter()

    def count(where: Any, name: str) -> None:
        look = getattr(where, name)

        def counted(*args: Any) -> Any:
            calls[name] += 1
            return look(*args)

        monkeypatch.setattr(where, name, counted)

    count(likeness._Published, "bound")
    count(likeness._Published, "ratio")
    count(repair, "_defined")
    theirs = stripped(solved)
    for cell in theirs.cells:
        cell.source = broken(cell.source)
    text = broken(cell_of(learner, "scale-shift").source) + "\n"
    theirs.cells += [new_code_cell((text * 30)[:10_000]) for _ in range(4980)]
    start = time.process_time()
    assert ids(realign(theirs, learner).notebook) == ids(learner)
    assert time.process_time() - start < 5
    missing, published = 2, 4
    most = missing * (likeness._MAX_COMPARED + published)
    assert 0 < calls["ratio"] <= most
    assert 0 < calls["bound"] - calls["ratio"] <= missing * likeness._MAX_CELLS
    assert 0 < calls["_defined"] <= 2 * repair._MAX_CELLS
    assert repair._MAX_CELLS <= 500 and likeness._MAX_CELLS <= 100 and most <= 20


@st.composite
def mishaps(draw: st.DrawFn, cells: list[Any]) -> list[tuple[Any, str]]:
    """Some of the cells in any order, some twice, some edited; and which ids each has lost."""
    places = draw(st.permutations(range(len(cells))))[draw(st.integers(0, len(cells) - 1)) :]
    places += draw(st.lists(st.sampled_from(places), max_size=4))
    result = []
    for place in places:
        cell, lost = copy.deepcopy(cells[place]), draw(st.sampled_from(["", "id", "nbgrader", "*"]))
        if lost in ("id", "*"):
            cell.pop("id", None)
        if lost in ("nbgrader", "*"):
            cell.metadata.pop("nbgrader", None)
        if draw(st.booleans()):
            cell.source = broken(cell.source) + "\n# mine"
        result.append((cell, lost))
    return result


@given(data=st.data())
def test_whatever_happened_each_cell_of_the_release_is_there_once(source: Any, data: Any) -> None:
    release = with_questions(learner_notebook(source), STUB)
    theirs = with_questions(solved_notebook(source), "Because it is so.")
    graded = {name for name in ids(release) if name != "preamble" and "setup" not in name}
    drawn = data.draw(mishaps(theirs.cells))
    theirs.cells = [cell for cell, _ in drawn]
    try:
        repaired = realign(theirs, release).notebook
    except Unreadable:
        assert not graded & {*ids(theirs), *(cell.get("id") for cell in theirs.cells)}
        return
    nbformat.validate(repaired)
    assert sorted(ids(repaired)) == sorted(ids(release))
    assert len({cell.id for cell in repaired.cells}) == len(repaired.cells)
    for name in ids(release):
        mine, original = cell_of(repaired, name), cell_of(release, name)
        assert (mine.metadata, mine.cell_type) == (original.metadata, original.cell_type)
        assert mine.source == original.source or original.metadata.nbgrader.solution
    written = {source for source in sources(theirs) if not source.startswith("check(")}
    assert written <= set(sources(repaired)), "what a learner wrote is kept"
