"""Cells found again that have lost their ids: by what they hold, by likeness, by their place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from helpers.grading.likeness import most_alike
from helpers.grading.repair import realign
from helpers.grading.submission import Unreadable

from .test_repair import STUB, broken, cell_of, ids, sources, stripped, with_questions

CHAPTERS = sorted((Path(__file__).parents[2] / "chapters").glob("*.ipynb"))


def test_one_note_says_that_all_metadata_was_missing(solved: Any, learner: Any) -> None:
    repaired = realign(stripped(solved), learner)
    assert repaired.notes == [
        "metadata was missing on 6 cells; they were found: 2 by call, 2 by definition, 2 by text"
    ]
    assert sources(repaired.notebook) == sources(solved)


def test_a_few_cells_found_are_named_with_their_evidence(solved: Any, learner: Any) -> None:
    for name in ("scale-shift", "check-scale-shift"):
        cell = cell_of(solved, name)
        cell.metadata, cell["id"] = nbformat.from_dict({}), f"{name}-new"
    del cell_of(solved, "add-constant").metadata["nbgrader"]
    assert sorted(realign(solved, learner).notes) == [
        "add-constant: found by its cell id",
        "check-scale-shift: found by its call",
        "scale-shift: found by its definition",
    ]


def test_an_editors_line_ends_are_no_edits(solved: Any, learner: Any) -> None:
    theirs = stripped(solved)
    for cell in theirs.cells:
        cell.source = cell.source.replace("\n", "\r\n") + "\r\n"
    repaired = realign(theirs, learner)
    assert len(repaired.notes) == 1 and len(repaired.notebook.cells) == len(solved.cells)


@pytest.mark.parametrize("unanswered", [False, True])
def test_a_broken_definition_is_found_by_likeness(
    solved: Any, learner: Any, unanswered: bool
) -> None:
    theirs = stripped(learner if unanswered else solved)
    cell = next(c for c in theirs.cells if c.source.startswith("class ScaleShift"))
    cell.source = broken(cell.source) + "\n\n# I do not see what is wrong with this"
    repaired = realign(theirs, learner)
    assert cell_of(repaired.notebook, "scale-shift").source == cell.source
    assert ids(repaired.notebook) == ids(learner)
    assert len(repaired.notebook.cells) == len(theirs.cells)
    [note] = [note for note in repaired.notes if "scale-shift" in note]
    said = re.fullmatch(r"scale-shift: found by likeness to its published form, (\d+)% alike", note)
    assert said and 50 <= int(said.group(1)) < 100


def test_two_cells_nearly_as_like_are_not_chosen_between(solved: Any, learner: Any) -> None:
    theirs = stripped(solved)
    place = next(i for i, c in enumerate(theirs.cells) if c.source.startswith("class ScaleShift"))
    theirs.cells[place].source = broken(theirs.cells[place].source)
    theirs.cells.append(new_code_cell(theirs.cells[place].source + "\n# once more"))
    repaired = realign(theirs, learner)
    assert (
        cell_of(repaired.notebook, "scale-shift").source == cell_of(learner, "scale-shift").source
    )
    assert "scale-shift: was missing and was put back" in repaired.notes
    assert sources(repaired.notebook).count(theirs.cells[place].source) == 1


def test_an_own_cell_is_not_taken_for_a_deleted_exercise(solved: Any, learner: Any) -> None:
    theirs = stripped(solved)
    place = next(i for i, c in enumerate(theirs.cells) if c.source.startswith("class ScaleShift"))
    own = "module = AddConstant(3.0)\nprint(module(torch.zeros(2, 4)))"
    theirs.cells[place] = new_code_cell(own)
    repaired = realign(theirs, learner)
    assert (
        cell_of(repaired.notebook, "scale-shift").source == cell_of(learner, "scale-shift").source
    )
    assert own in sources(repaired.notebook)


def test_a_draft_of_another_exercise_is_not_taken_for_a_deleted_one(
    solved: Any, learner: Any
) -> None:
    theirs = stripped(solved)
    place = next(i for i, c in enumerate(theirs.cells) if c.source.startswith("class ScaleShift"))
    draft = cell_of(solved, "add-constant").source.replace("AddConstant", "Draft")
    theirs.cells[place] = new_code_cell(draft)
    repaired = realign(theirs, learner)
    assert (
        cell_of(repaired.notebook, "scale-shift").source == cell_of(learner, "scale-shift").source
    )


def test_an_edited_setup_cell_is_found_in_its_place(solved: Any, learner: Any) -> None:
    theirs = stripped(solved)
    setup = next(i for i, c in enumerate(theirs.cells) if c.source.startswith("import torch"))
    theirs.cells[setup].source += "\nimport math"
    repaired = realign(theirs, learner)
    name = next(name for name in ids(learner) if name.startswith("setup-"))
    assert any(note.startswith(f"{name}: found by likeness") for note in repaired.notes)
    assert "import math" in repaired.notebook.cells[setup + 1].source
    assert len(repaired.notebook.cells) == len(solved.cells) + 1


def test_imports_elsewhere_are_not_taken_for_the_setup_cell(solved: Any, learner: Any) -> None:
    theirs = stripped(solved)
    setup = next(i for i, c in enumerate(theirs.cells) if c.source.startswith("import torch"))
    theirs.cells.append(theirs.cells.pop(setup))
    theirs.cells[-1].source += "\nimport math"
    repaired = realign(theirs, learner).notebook
    assert ids(repaired) == ids(learner), "the published form stays above what needs it"
    assert "import math" in repaired.cells[-1].source


@pytest.mark.parametrize(
    "edited",
    [
        'print(check("add-constant"))',
        'check("add-constant")  # mine',
        "from helpers.exercises import check; check('add-constant')",
        "from helpers.exercises import check\n\nprint( check( 'add-constant' ) );",
        'hint("add-constant")\ncheck("add-constant")',
    ],
)
def test_an_edited_check_is_replaced_not_doubled(solved: Any, learner: Any, edited: str) -> None:
    theirs = stripped(solved)
    place = sources(theirs).index('check("add-constant")')
    theirs.cells[place].source = edited
    repaired = realign(theirs, learner)
    assert sources(repaired.notebook) == sources(solved)
    assert "check-add-constant: was edited and is the release's again" in repaired.notes


@pytest.mark.parametrize(
    "own", ['import math\ncheck("add-constant")', 'for n in ["add-constant"]:\n    check(n)']
)
def test_a_check_with_more_than_its_call_loses_nothing(solved: Any, learner: Any, own: str) -> None:
    theirs = stripped(solved)
    theirs.cells[sources(theirs).index('check("add-constant")')].source = own
    repaired = realign(theirs, learner).notebook
    assert ids(repaired) == ids(learner) and own in sources(repaired)


def test_an_answer_in_words_is_found_by_its_place(solved: Any, learner: Any) -> None:
    release = with_questions(learner, STUB, STUB)
    theirs = stripped(with_questions(solved, "Because it is so.", STUB))
    repaired = realign(theirs, release)
    assert cell_of(repaired.notebook, "why-0").source == "Because it is so."
    assert ids(repaired.notebook) == ids(release)
    assert "why-0: found by its place in the chapter" in repaired.notes
    assert len(repaired.notebook.cells) == len(release.cells)


def test_an_unanswered_question_is_not_taken_for_an_answered_one(solved: Any, learner: Any) -> None:
    release = with_questions(learner, STUB, STUB)
    repaired = realign(stripped(with_questions(solved, STUB, "Because it is so.")), release)
    assert cell_of(repaired.notebook, "why-0").source == STUB
    assert cell_of(repaired.notebook, "why-1").source == "Because it is so."


def test_published_texts_do_not_hide_a_questions_place(solved: Any, learner: Any) -> None:
    """Copied beside the answer, copied to the end, or published twice."""
    release, theirs = with_questions(learner, STUB), with_questions(solved, "Because it is so.")
    for notebook in (release, theirs):
        for place in (-2, -1):
            notebook.cells.insert(place, new_markdown_cell("Published before and after."))
    theirs.cells.insert(-3, new_markdown_cell("Words."))
    theirs.cells.append(new_markdown_cell("Question 0: why?"))
    repaired = realign(stripped(theirs), release)
    assert cell_of(repaired.notebook, "why-0").source == "Because it is so."


def test_two_texts_in_a_questions_place_are_not_chosen_between(solved: Any, learner: Any) -> None:
    release = with_questions(learner, STUB)
    theirs = stripped(with_questions(solved, "Because it is so."))
    theirs.cells.insert(-1, new_markdown_cell("A note to myself."))
    repaired = realign(theirs, release).notebook
    assert cell_of(repaired, "why-0").source == STUB
    assert {"Because it is so.", "A note to myself."} < set(sources(repaired))


def test_one_text_for_two_questions_is_neithers(solved: Any, learner: Any) -> None:
    release = with_questions(learner, STUB, STUB)
    theirs = stripped(with_questions(solved, "Because it is so.", STUB))
    theirs.cells = [c for c in theirs.cells if c.source != STUB and "Question" not in c.source]
    repaired = realign(theirs, release).notebook
    assert cell_of(repaired, "why-0").source == cell_of(repaired, "why-1").source == STUB
    assert "Because it is so." in sources(repaired)


def test_a_question_turned_into_code_is_markdown_again(solved: Any, learner: Any) -> None:
    release = with_questions(learner, STUB)
    theirs = with_questions(solved, "Because it is so.")
    cell = new_code_cell("Because it is so.", metadata=cell_of(theirs, "why-0").metadata)
    theirs.cells[-2] = cell
    repaired = realign(theirs, release).notebook
    assert cell_of(repaired, "why-0").cell_type == "markdown"
    assert cell_of(repaired, "why-0").source == "Because it is so."
    nbformat.validate(repaired)


def test_a_stub_put_back_does_not_undo_an_answer_elsewhere(solved: Any, learner: Any) -> None:
    """Two exercises merged into one cell."""
    merged, gone = cell_of(solved, "add-constant"), cell_of(solved, "scale-shift")
    merged.source += "\n\n" + gone.source
    solved.cells = [cell for cell in solved.cells if cell is not gone]
    names = [
        c.metadata.get("nbgrader", {}).get("grade_id")
        for c in realign(solved, learner).notebook.cells
    ]
    assert names.index("scale-shift") < names.index("add-constant")


def test_a_note_in_words_is_no_exercise_while_there_is_code(solved: Any, learner: Any) -> None:
    theirs = stripped(solved)
    theirs.cells.insert(0, new_markdown_cell("```\nclass ScaleShift(nn.Module):\n```"))
    found = cell_of(realign(theirs, learner).notebook, "scale-shift")
    assert found.source == cell_of(solved, "scale-shift").source


def test_a_setup_cell_alone_is_not_this_chapters_notebook(solved: Any, learner: Any) -> None:
    """Chapters import much the same, and exercises may be somewhat alike."""
    setup = next(c for c in solved.cells if c.source.startswith("import torch"))
    draft = new_code_cell(broken(cell_of(solved, "scale-shift").source))
    solved.cells = [setup, draft]
    with pytest.raises(Unreadable, match="another chapter's notebook"):
        realign(solved, learner)


# Likeness ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file", [f for f in CHAPTERS if "check(" in f.read_text()], ids=lambda f: f.stem
)
def test_each_published_exercise_is_found_and_nothing_else_is(file: Path) -> None:
    """What `ALIKE` and `CLEAR` were chosen for, on the chapters as they are now."""
    release = nbformat.read(file, as_version=4)
    named = {c.metadata.get("nbgrader", {}).get("grade_id", ""): c for c in release.cells}
    stubs = {
        n: c.source
        for n, c in named.items()
        if n and c.metadata.nbgrader.solution and c.cell_type == "code"
    }
    others = [
        c.source for c in release.cells if c.cell_type == "code" and not c.metadata.get("nbgrader")
    ]
    written = [
        broken(stub).replace("raise NotImplementedError", "return input #")
        for stub in stubs.values()
    ]
    found = most_alike({name: range(len(written)) for name in stubs}, stubs, written)
    assert {name: place for name, (place, _) in found.items()} == {
        n: i for i, n in enumerate(stubs)
    }
    assert most_alike({name: range(len(others)) for name in stubs}, stubs, others) == {}


def test_likeness_is_told_and_only_of_places_that_come_into_question() -> None:
    text = "alpha beta gamma delta epsilon zeta eta theta"
    sources = ["nothing of the kind", text.replace("zeta", "z"), text]
    assert most_alike({"a": [0, 1]}, {"a": text}, sources) == {"a": (1, 0.875)}
    assert most_alike({"a": [0, 2]}, {"a": text}, sources) == {"a": (2, 1.0)}
    assert most_alike({"a": [0]}, {"a": text}, sources) == {}
    assert most_alike({"a": []}, {"a": text}, []) == {}
    assert most_alike({"a": [2]}, {"a": text, "b": text + " iota"}, sources) == {"a": (2, 1.0)}
    assert most_alike({"a": [2]}, {"a": text, "b": text}, sources) == {}


def test_a_long_answer_is_known_by_its_published_beginning() -> None:
    stub = "def area(width, height):\n    # multiply the sides\n    raise NotImplementedError"
    answer = stub.replace("raise NotImplementedError", "total = 0\n" + "    total += 1\n" * 99)
    assert most_alike({"area": [0]}, {"area": stub}, [answer])["area"][1] > 0.5
