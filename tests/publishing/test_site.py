"""The real book, from nothing: every chapter executed, built cold, searched for solutions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from helpers.paths import course_root
from helpers.publishing.book import build_book, foreign, leaks
from helpers.publishing.publish import Places, drift, editions, publish
from helpers.publishing.source import secret_lines

ROOT = course_root()
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of its own, with the sources and the book's pages of this one, built."""
    assert ROOT is not None
    root = tmp_path_factory.mktemp("course")
    for folder in ("solutions", "book", "chapters"):
        shutil.copytree(ROOT / folder, root / folder)
    shutil.copy(ROOT / "_config.yml", root)
    places = Places(root)
    publish(places)
    build_book(root, places.pages, root / "site")
    return root


def secrets(course: Path) -> list[str]:
    return [line for chapter, _, _ in editions(Places(course)) for line in secret_lines(chapter)]


def test_publishing_again_changes_no_byte(course: Path) -> None:
    assert drift(Places(course)) == []
    for file in (course / "chapters").glob("*.ipynb"):
        assert (
            ROOT is not None and file.read_bytes() == (ROOT / "chapters" / file.name).read_bytes()
        )


def test_no_solution_is_anywhere_in_the_site(course: Path) -> None:
    lines = secrets(course)
    assert len(lines) >= 40
    assert leaks(course / "site", lines) == []


def test_the_search_for_solutions_would_find_one(course: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(course / "site", site, ignore=shutil.ignore_patterns("mathjax"))
    line = secrets(course)[0]
    page = site / "chapters" / "01_nn_module.html"
    page.write_text(page.read_text(encoding="utf-8") + f"<p>{line}</p>", encoding="utf-8")
    assert leaks(site, [line]) == [(Path("chapters/01_nn_module.html"), line)]


def test_the_site_loads_nothing_from_elsewhere(course: Path) -> None:
    assert foreign(course / "site") == []
    assert list((course / "site" / "_static" / "mathjax").glob("tex-*.js"))


def test_expected_results_are_marked_and_every_picture_has_a_text(course: Path) -> None:
    text = (course / "site" / "chapters" / "02_convolution_arithmetic.html").read_text("utf-8")
    assert text.count("tag_expected") == 8 and "All right" in text
    pictures = text.split("<svg")[1:]
    described = [p for p in pictures if 'role="img"' in p.split(">")[0] and "aria-label" in p]
    assert len(described) >= 8
    assert "<img" not in text or all('alt="' in p.split(">")[0] for p in text.split("<img")[1:])
