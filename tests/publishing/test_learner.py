"""Learners' notebooks: stubs, ids, metadata, the same bytes each time."""

from __future__ import annotations

import json
import re
from typing import Any

import nbformat
import pytest
from nbgrader.preprocessors import ClearSolutions
from nbgrader.utils import compute_checksum

from helpers.exercises import question
from helpers.exercises.definition import STUB
from helpers.paths import course_root
from helpers.publishing.learner import (
    learner_notebook,
    notebook_text,
    solved_notebook,
    source_notebook,
)
from helpers.publishing.page import page_notebook
from helpers.publishing.publish import Places, drift, editions
from helpers.publishing.source import Cell, Chapter, read_chapter, secret_lines
from tests.conftest import small_chapter

ROOT = course_root()
assert ROOT is not None
PLACES = Places(ROOT)
ANSWER = "Sizes 7, 8 and 9 all give 3, and output_padding says which is meant."


def test_stubs_stand_where_solutions_stood(learner: Any) -> None:
    text = notebook_text(learner)
    assert text.count(json.dumps(STUB)[1:-1]) == 4
    assert "SOLUTION" not in text
    assert not [line for line in secret_lines(small_chapter()) if line in text]
    assert all(cell.get("outputs", []) == [] for cell in learner.cells)


def test_solutions_stand_where_stubs_stood(solved: Any, learner: Any) -> None:
    assert "nn.Parameter" in notebook_text(solved) and "SOLUTION" not in notebook_text(solved)
    for one, other in zip(solved.cells, learner.cells, strict=True):
        assert (one["id"], one.metadata) == (other["id"], other.metadata)


def test_nbgraders_metadata_is_derived(learner: Any) -> None:
    fields = {c["id"]: c.metadata.get("nbgrader", {}) for c in learner.cells}
    assert fields["scale-shift"]["solution"] and not fields["scale-shift"]["grade"]
    check = fields["check-scale-shift"]
    assert check["grade"] and check["locked"] and check["points"] == 3
    assert {f["schema_version"] for f in fields.values() if f} == {3}
    assert fields["preamble"]["locked"] and not fields["preamble"]["grade"]
    nbformat.validate(learner)


def test_the_first_cell_says_how_to_install_and_refuses_another_helpers(
    learner: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = learner.cells[0].source
    assert "pip install ." in first
    (tmp_path / "helpers.py").write_text("x = 1")
    monkeypatch.syspath_prepend(tmp_path)
    import sys

    for name in [n for n in sys.modules if n.split(".")[0] == "helpers"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match="another package called helpers is in the way"):
        exec(first, {})


def test_the_same_source_gives_the_same_bytes() -> None:
    texts = {notebook_text(learner_notebook(source_notebook(small_chapter()))) for _ in range(3)}
    assert len(texts) == 1


def test_a_question_is_a_markdown_cell_that_nbgrader_leaves_to_a_person() -> None:
    chapter = asking_chapter()
    source = source_notebook(chapter)
    learner, solved = learner_notebook(source), solved_notebook(source)
    above, cell = learner.cells[-2:]
    assert above.source == (
        "*Question* `output-padding` · 2 points · about 10 minutes · graded by a person"
    )
    assert (cell.cell_type, cell["id"]) == ("markdown", "output-padding")
    fields = dict(cell.metadata["nbgrader"])
    assert fields.pop("checksum") == compute_checksum(cell)
    assert fields == {
        "schema_version": 3,
        "grade": True,
        "solution": True,
        "locked": False,
        "task": False,
        "points": question("output-padding").points,
        "grade_id": "output-padding",
        "cell_type": "markdown",
    }
    text = notebook_text(learner)
    assert cell.source == ClearSolutions().text_stub and ANSWER not in text
    assert not [line for line in question("output-padding").criteria if line in text]
    assert solved.cells[-1].source == ANSWER
    assert solved.cells[-1].metadata == cell.metadata


def test_a_page_shows_a_question_and_no_place_to_answer() -> None:
    chapter = asking_chapter()
    source = source_notebook(chapter)
    page = page_notebook(chapter, learner_notebook(source), source)
    assert [cell.source.split(" · ")[0] for cell in page.cells] == [
        "### Question: the way back",
        "*Question* `output-padding`",
    ]


def asking_chapter() -> Chapter:
    region = f"### BEGIN SOLUTION\n{ANSWER}\n### END SOLUTION"
    cells = (Cell("text", "### Question: the way back"), Cell("question", region, "output-padding"))
    return Chapter("02_convolution_arithmetic", cells)


def test_committed_chapters_are_what_the_sources_give() -> None:
    assert drift(PLACES) == []


@pytest.mark.parametrize("stem", [p.stem for p in sorted(PLACES.chapters.glob("*.ipynb"))])
def test_published_chapters_are_plain_clean_and_hold_no_solution(stem: str) -> None:
    text = (PLACES.chapters / f"{stem}.ipynb").read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    words = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    assert not re.search(r"\{(term|cite:|doc|ref)[^}]*\}`|^```\{|^:::", words, re.MULTILINE)
    normal = {" ".join(line.split()) for c in notebook.cells for line in c.source.splitlines()}
    secrets = secret_lines(read_chapter(PLACES.solutions / f"{stem}.md"))
    assert not normal & set(secrets)
    assert len({cell["id"] for cell in notebook.cells}) == len(notebook.cells)


def test_points_are_told_above_each_exercise_and_question() -> None:
    for chapter, source, _ in editions(PLACES):
        for name in chapter.exercise_names + chapter.question_names:
            place = next(i for i, c in enumerate(source.cells) if c["id"] == name)
            told = source.cells[place - 1].source
            assert f"`{name}`" in told and "point" in told
            assert ("difficulty" in told) == (name in chapter.exercise_names)
