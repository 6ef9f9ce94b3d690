"""From ``solutions/`` to learners' notebooks, book pages and nbgrader's folders."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from ..paths import write_text
from .execute import executed_notebook
from .learner import digest, learner_notebook, notebook_text, solved_notebook, source_notebook
from .page import page_notebook
from .source import Chapter, chapter_files, read_chapter


@dataclass(frozen=True)
class Places:
    """The folders that publishing reads and writes, all below the course's root."""

    root: Path

    @property
    def solutions(self) -> Path:
        return self.root / "solutions"

    @property
    def chapters(self) -> Path:
        return self.root / "chapters"

    @property
    def bibliography(self) -> Path:
        return self.root / "book" / "references.bib"

    @property
    def pages(self) -> Path:
        return self.root / "_build" / "pages"

    @property
    def course(self) -> Path:
        return self.root / "course"

    @property
    def executed(self) -> Path:
        return self.root / "_build" / "executed"


class Unpublished(RuntimeError):
    """Publishing stopped before it wrote anything over a person's work. The message says why."""


def editions(places: Places, only: list[str] | None = None) -> Iterator[tuple[Chapter, Any, str]]:
    """For each chapter: its source, nbgrader's source notebook, the text of the learner's."""
    for path in chapter_files(places.solutions, only):
        chapter = read_chapter(path)
        source = source_notebook(chapter, places.bibliography)
        yield chapter, source, notebook_text(learner_notebook(source))


def drift(places: Places, only: list[str] | None = None) -> list[str]:
    """How ``chapters/`` differs from what ``solutions/`` would give. Executes nothing."""
    found = []
    expected = set()
    for chapter, _, text in editions(places, only):
        file = places.chapters / f"{chapter.name}.ipynb"
        expected.add(file.name)
        if not file.is_file():
            found.append(f"{file.name} is missing")
        elif file.read_bytes() != text.encode():
            found.append(f"{file.name} is not what solutions/{chapter.name}.md gives")
    if only:
        return found
    strays = sorted(p.name for p in places.chapters.glob("*") if p.name not in expected)
    return found + [f"{name} has no source in solutions/" for name in strays if name[0] != "."]


def publish(
    places: Places,
    only: list[str] | None = None,
    *,
    workers: int = 2,
    force: bool = False,
    progress: Callable[[str, int, int], None] = lambda chapter, done, total: None,
) -> list[Path]:
    """Prove, execute and write chapters; returns the learners' notebooks written.

    Parameters
    ----------
    only
        Names of chapters; all by default.
    workers
        Chapters executed at a time, each with one thread.
    force
        Replace a notebook in ``chapters/`` though it was not generated.
    progress
        Called with a chapter's name, its cells done and the number of all.

    Raises
    ------
    SourceError, ExecutionError
        If a chapter is not as it must be.
    Unpublished
        If a notebook in ``chapters/`` was edited by hand, or is somebody's own.
    """
    made = list(editions(places, only))
    if not force:
        for chapter, _, _ in made:
            _demand_generated(places.chapters / f"{chapter.name}.ipynb")

    def execute(item: tuple[Chapter, Any, str]) -> Any:
        name = item[0].name
        return executed_notebook(
            item[1], places.executed, lambda done, total: progress(name, done, total)
        )

    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        runs = list(pool.map(execute, made))
    written = []
    for (chapter, source, text), run in zip(made, runs, strict=True):
        page = page_notebook(chapter, learner_notebook(source), run)
        write_text(places.pages / f"{chapter.name}.ipynb", notebook_text(page))
        written.append(places.chapters / f"{chapter.name}.ipynb")
        write_text(written[-1], text)
        progress(chapter.name, 1, 1)
    write_course(places, places.course, [chapter.name for chapter, _, _ in made])
    return written


def _demand_generated(file: Path) -> None:
    """Refuse to replace a file that publishing did not write, or that was edited since."""
    if not file.is_file():
        return
    advice = (
        f"{file.name} in chapters/ was not generated as it stands, so it may be somebody's work: "
        "move it away (learners: `layerwise start` gives you a copy of your own), or use --force"
    )
    try:
        notebook = nbformat.from_dict(json.loads(file.read_text(encoding="utf-8")))
        generated = notebook.metadata["layerwise"]["release"] == digest(notebook)
    except (ValueError, KeyError, AttributeError, TypeError):
        raise Unpublished(advice) from None
    if not generated:
        raise Unpublished(advice)


def write_solved(places: Places, folder: Path, only: list[str] | None = None) -> list[Path]:
    """Write each chapter's learner notebook with the solutions filled in."""
    written = []
    for chapter, source, _ in editions(places, only):
        written.append(folder / f"{chapter.name}.ipynb")
        write_text(written[-1], notebook_text(solved_notebook(source)))
    return written


def write_course(places: Places, course: Path, only: Iterable[str] = ()) -> list[Path]:
    """Write nbgrader's folders ``source`` and ``release`` of a course, for graded chapters.

    ``nbgrader generate_assignment`` reads the first and makes the second anew, the same. Beside
    them ``releases`` keeps every release under its hash, for learners hand in old ones too.
    """
    written = []
    for chapter, source, text in editions(places, list(only)):
        if not chapter.exercise_names:
            continue
        hashed = f"{source.metadata['layerwise']['release']}.ipynb"
        write_text(course / "releases" / chapter.name / hashed, text)
        for step, content in (("source", notebook_text(source)), ("release", text)):
            written.append(course / step / chapter.name / f"{chapter.name}.ipynb")
            write_text(written[-1], content)
    return written
