"""Publishing: proof, cache, cleanliness, refusal to replace a person's work."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_output

from helpers.publishing import execute
from helpers.publishing.execute import ExecutionError, cache_key, executed_notebook
from helpers.publishing.learner import learner_notebook, source_notebook
from helpers.publishing.page import page_notebook
from helpers.publishing.publish import Places, Unpublished, drift, publish, write_solved
from helpers.publishing.source import Cell, Chapter
from tests.conftest import SETUP, small_chapter

TEXT = """# A chapter

Words, then a demonstration.

```{code-cell} python
print("six times seven is", 6 * 7)
```
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A course with one chapter that has no exercises."""
    (tmp_path / "solutions").mkdir()
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "references.bib").touch()
    (tmp_path / "solutions" / "99_demo.md").write_text(TEXT, encoding="utf-8")
    return Places(tmp_path)


@pytest.mark.slow
def test_publish_writes_the_notebook_and_the_page(places: Places) -> None:
    seen: list[tuple[str, int, int]] = []
    [file] = publish(places, progress=lambda *step: seen.append(step))
    assert drift(places) == [] and ("99_demo", 2, 2) in seen
    assert "six times seven is 42" not in file.read_text(encoding="utf-8")
    page = json.loads((places.pages / "99_demo.ipynb").read_text(encoding="utf-8"))
    assert "six times seven is 42\n" in "".join(page["cells"][1]["outputs"][0]["text"])
    before = file.read_bytes()
    seen.clear()
    publish(places, progress=lambda *step: seen.append(step))
    assert file.read_bytes() == before
    assert seen == [("99_demo", 1, 1)], "the second time nothing is executed"


@pytest.mark.slow
def test_a_notebook_edited_by_hand_is_not_replaced(places: Places) -> None:
    [file] = publish(places)
    work = json.loads(file.read_text(encoding="utf-8"))
    work["cells"][-1]["source"] = "my_own = 'work'"
    file.write_text(json.dumps(work), encoding="utf-8")
    with pytest.raises(Unpublished, match="may be somebody's work"):
        publish(places)
    assert "my_own" in file.read_text(encoding="utf-8")
    assert "99_demo.ipynb is not what" in drift(places)[0]
    publish(places, force=True)
    assert drift(places) == []


def test_drift_names_what_is_missing_and_what_has_no_source(places: Places) -> None:
    places.chapters.mkdir()
    (places.chapters / "98_stray.ipynb").touch()
    assert drift(places) == [
        "99_demo.ipynb is missing",
        "98_stray.ipynb has no source in solutions/",
    ]


def test_solved_notebooks_are_written_without_execution(places: Places, tmp_path: Path) -> None:
    [file] = write_solved(places, tmp_path / "solved")
    assert file.name == "99_demo.ipynb" and "6 * 7" in file.read_text(encoding="utf-8")
    assert not places.executed.exists()


@pytest.mark.slow
def test_a_chapter_runs_once_for_book_proof_and_learner(tmp_path: Path) -> None:
    chapter = small_chapter()
    source = source_notebook(chapter)
    cells: list[tuple[int, int]] = []
    run = executed_notebook(source, tmp_path, lambda *step: cells.append(step))
    assert cells[-1][0] == cells[-1][1]
    page = page_notebook(chapter, learner_notebook(source), run)
    text = json.dumps(page, ensure_ascii=False)
    assert "All right: 3 of 3 points." in text and "NotImplementedError" in text
    assert "nn.Parameter(torch.ones" not in text
    tags = [c.metadata.get("tags") for c in page.cells if c.source == 'check("scale-shift")']
    assert tags == [["expected"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("return input + self.constant", "return input"), "earns 0 of 1 points"),
        (("print('a demonstration after add-constant')", "1 / 0"), "ZeroDivisionError"),
        (("print('a demonstration after add-constant')", "import sys; print('!', file=sys.stderr)"),
         "wrote to stderr"),
        (("print('a demonstration after add-constant')", "import torch; print(torch.__file__)"),
         "shows "),
    ],
)  # fmt: skip
def test_what_is_not_right_or_not_clean_is_refused(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    with pytest.raises(ExecutionError, match=message):
        executed_notebook(source_notebook(_changed(*change)), tmp_path)
    assert not list(tmp_path.glob("*.ipynb"))


@pytest.mark.slow
def test_an_exercise_that_leans_on_a_demonstration_is_refused(tmp_path: Path) -> None:
    """Grading leaves demonstrations out, so what they define may not be needed."""
    chapter = small_chapter()
    setup = next(c for c in chapter.cells if c.kind == "setup")
    cells = [Cell("demo", SETUP) if c is setup else c for c in chapter.cells]
    with pytest.raises(ExecutionError, match="a cell failed"):
        executed_notebook(source_notebook(Chapter(chapter.name, tuple(cells))), tmp_path)


def _changed(old: str, new: str) -> Chapter:
    chapter = small_chapter()
    cells = tuple(
        Cell(c.kind, c.source.replace(old, new), c.exercise, c.metadata) for c in chapter.cells
    )
    return Chapter(chapter.name, cells)


def test_the_cache_is_keyed_on_cells_helpers_and_versions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: Any
) -> None:
    key = cache_key(source)
    assert cache_key(source_notebook(small_chapter())) == key
    assert cache_key(source_notebook(_changed("Words.", "Other words."))) != key
    package = tmp_path / "helpers"
    shutil.copytree(Path(execute.__file__).parents[1], package)
    monkeypatch.setattr(execute, "__file__", str(package / "publishing" / "execute.py"))
    assert cache_key(source) == key
    (package / "plots.py").write_text("changed = True")
    assert cache_key(source) != key
    monkeypatch.undo()
    monkeypatch.setattr(execute.importlib.metadata, "version", lambda name: "0")
    assert cache_key(source) != key


@pytest.mark.parametrize("where", ["stream", "html"])
def test_a_path_of_the_machine_in_an_output_is_refused(where: str) -> None:
    text = f"see {Path.home()}/secret"
    output = (
        new_output("stream", name="stdout", text=text)
        if where == "stream"
        else new_output("display_data", data={"text/html": text})
    )
    cell = new_code_cell("x", outputs=[output])
    notebook = type(cell)(cells=[cell])
    with pytest.raises(ExecutionError, match="shows "):
        execute._demand_clean("chapter", notebook)
