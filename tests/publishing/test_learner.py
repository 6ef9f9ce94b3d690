"""Learners' notebooks: stubs, ids, metadata, the same bytes each time."""

from __future__ import annotations

import json
import re
from typing import Any

import nbformat
import pytest

from helpers.exercises.definition import STUB
from helpers.paths import course_root
from helpers.publishing.learner import learner_notebook, notebook_text, source_notebook
from helpers.publishing.publish import Places, drift, editions
from helpers.publishing.source import read_chapter, secret_lines
from tests.conftest import small_chapter

ROOT = course_root()
assert ROOT is not None
PLACES = Places(ROOT)


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


def test_points_are_told_above_each_exercise() -> None:
    for chapter, source, _ in editions(PLACES):
        for name in chapter.exercise_names:
            place = next(i for i, c in enumerate(source.cells) if c["id"] == name)
            assert f"`{name}`" in source.cells[place - 1].source
            assert "difficulty" in source.cells[place - 1].source
