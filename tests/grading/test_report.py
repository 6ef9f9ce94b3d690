"""The report's page, read back: its figures, what it escapes, what it refers to."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from helpers.grading.report import (
    LISTED,
    ChapterFigures,
    Column,
    report_page,
    write_report,
)
from helpers.grading.results import Result

CHAPTER = "02_convolution_arithmetic"
VOID = {"meta", "path", "rect"}


class Page(HTMLParser):
    """A page as a list of elements in order: tag, attributes, and the text within."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[int] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {[self.elements[i][0] for i in self.open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(len(self.elements))
        self.elements.append((tag, dict(attrs), []))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for place in self.open:
            self.elements[place][2].append(data)

    def texts(self, tag: str, **wanted: str) -> list[str]:
        return [
            " ".join("".join(text).split())
            for name, attrs, text in self.elements
            if name == tag
            and all(attrs.get(key.rstrip("_")) == value for key, value in wanted.items())
        ]

    def values(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs, _ in self.elements if name in attrs]

    @property
    def figures(self) -> dict[str, str]:
        return dict(zip(self.texts("dt"), self.texts("dd"), strict=True))

    def rows(self, caption: str) -> list[list[str]]:
        """The cells of each row below the table whose caption begins so."""
        found: list[list[str]] = []
        within = in_body = False
        for tag, _, text in self.elements:
            said = " ".join("".join(text).split())
            if tag == "table":
                within, in_body = said.startswith(caption), False
            in_body = in_body or tag == "tbody"
            if within and in_body and tag == "tr":
                found.append([])
            if within and in_body and tag in ("th", "td"):
                found[-1].append(said)
        return found


def ended(status: str, points: float, max_points: float, **wrong: str) -> dict[str, Any]:
    return {"status": status, "points": points, "max_points": max_points, "wrong": wrong}


def result(student: str, first: float, second: float, **fields: Any) -> Result:
    """A result with two exercises, of 2 and of 1 points; None is not attempted."""
    said = {0.0: "wrong", 1.0: "partly right", 2.0: "right"}
    made = {
        "conv-output-size": ended(
            said[first], first, 2.0, **({} if first == 2 else {"padding": "5×5 input, padding 1"})
        ),
        "same-padding": ended("right" if second else "not attempted", second, 1.0),
    }
    return Result(student, CHAPTER, first + second, 3.0, exercises=made, seconds=0.5, **fields)


def small_class() -> list[Result]:
    untouched = result("dan", 0, 0)
    nothing = {name: ended("not attempted", 0, 1) for name in untouched.exercises}
    other = result("cleo", 1, 1, waiting=True)
    other.exercises["conv-output-size"]["wrong"].update(padding="a rarer case")
    return [
        result("ada", 2, 1),
        result("ben", 1, 0, repairs=("same-padding: was missing and was put back (sure)",)),
        other,
        replace(untouched, exercises=nothing),
        result("eve", 0, 1, status="time", notes=("exercise same-padding: stopped",)),
        Result("fay", CHAPTER, 0.0, 3.0, "unreadable", ("not JSON",), seconds=0.1),
    ]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(report_page({CHAPTER: small_class()}, made=datetime(2030, 5, 17, 9, 30)))


def test_a_chapter_is_summed_up(page: Page) -> None:
    assert page.figures == {
        "submissions": "6",
        "mean of 3 points": "1.17",
        "median": "1",
        "at full marks": "1",
        "with nothing attempted": "1",
        "waiting for manual grading": "1",
        "seconds, all notebooks added up": "2.6",
        "seconds a notebook, mean": "0.43",
    }
    assert page.texts("time") == ["2030-05-17, 09:30"]


def test_an_exercise_has_its_counts_its_difficulty_and_its_most_frequent_wrong_case(
    page: Page,
) -> None:
    first, second = [text for text in page.texts("li") if "On average" in text]
    assert first.startswith("1. The size of a convolution's output conv-output-size, difficulty 2")
    assert "On average 40% of 2 points" in first  # (2 + 1 + 1 + 0 + 0) / 10
    counts = "✓ 1 right 17% ~ 2 partly right 33% ✗ 1 wrong 17% · 1 not attempted 17%"
    assert f"{counts} 1 not graded 17%" in first
    assert first.endswith("padding: 5×5 input, padding 1 — 2 of 6")
    assert "Most often wrong" not in second and "· 2 not attempted" in second


def test_attempts_to_look_at(page: Page) -> None:
    assert page.rows("Not graded in full: 2.") == [
        ["eve", "time", "exercise same-padding: stopped"],
        ["fay", "unreadable", "not JSON"],
    ]
    assert page.rows("Repaired before grading: 1.") == [
        ["ben", "same-padding: was missing and was put back (sure)"]
    ]
    calm = Page(report_page({CHAPTER: [result("ada", 2, 1)]}))
    assert not calm.rows("Not graded") and not calm.rows("Repaired")
    assert any(text.startswith("None: all were graded in full") for text in calm.texts("p"))


def test_the_class_table(page: Page) -> None:
    assert page.rows("Points are of 3.") == [
        ["ada", "3", "✓", "✓", "graded", "0.5"],
        ["ben", "1", "~", "·", "graded", "0.5"],
        ["cleo", "2", "~", "✓", "graded, waits", "0.5"],
        ["dan", "0", "·", "·", "graded", "0.5"],
        ["eve", "1", "✗", "✓", "time", "0.5"],
        ["fay", "0", "", "", "unreadable", "0.1"],
    ]
    assert "conv-output-size: partly right, 1 of 2" in page.values("title")
    links = [link for link in page.values("href") if not link.startswith("#")]
    assert set(links) == {
        f"feedback/{one.student}/{CHAPTER}/{CHAPTER}.html" for one in small_class()
    }


@pytest.mark.parametrize(
    ("top", "scores", "expected"),
    [
        (20, [0, 1.99, 2, 19, 20], {0: 2, 2: 1, 18: 1, 20: 1}),
        (38, [36, 38, 40], {35: 1, 38: 2}),  # a bonus counts as full marks
        (1, [0.3, 0.29, 0.7], {0.2: 1, 0.3: 1, 0.7: 1}),
        (7, [-1, 6.5], {0: 1, 6: 1}),  # a late penalty
    ],
)
def test_columns_of_the_histogram(
    top: float, scores: list[float], expected: dict[float, int]
) -> None:
    columns = ChapterFigures("c", [Result("s", "c", score, top) for score in scores]).histogram
    assert {round(c.low, 6): c.count for c in columns if c.count} == expected
    assert len(columns) <= 11 and sum(c.count for c in columns) == len(scores)
    assert columns[-1] == Column(top, top, columns[-1].count) and columns[-1].full
    assert [c.high for c in columns[:-1]] == [c.low for c in columns[1:]]


def test_the_histogram_says_its_numbers_in_words(page: Page) -> None:
    assert page.texts("title")[1:] == ["Distribution of marks"]
    [said] = page.texts("desc")
    assert said.startswith("0 to below 0.5 points: 2;") and said.endswith("full marks, 3: 1.")
    assert {"submissions", "points, of 3"} <= set(page.texts("text"))


def test_what_was_graded_without_a_sandbox_is_said_at_the_top() -> None:
    sure = report_page({CHAPTER: small_class()})
    assert "without a sandbox" not in sure
    some = [replace(r, sandbox=r.student != "ada") for r in small_class()]
    page = Page(report_page({"01_nn_module": [], CHAPTER: some}))
    [said] = page.texts("div", class_="warning")
    assert said.startswith(f"Graded without a sandbox: 1 submission ({CHAPTER}: 1 of 6).")
    tags = [tag for tag, attrs, _ in page.elements if tag == "h2" or "warning" in attrs.values()]
    assert tags[0] == "div"


HOSTILE = [
    "<script>alert('x')</script>",
    "\"><img src=x onerror='alert(1)'>",
    "</td></table>\n\x00\x1b[31m",
    "{{ 7 * 7 }}{% raw %}",
    "gpj\u202eexe.\u2066x",
    "name\udcff\ud800",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_learners_wrote_is_text(text: str) -> None:
    rows = [
        replace(result("x", 1, 0), student=text, status="failed", notes=(text,), repairs=(text,)),
        result("ada", 2, 1),
    ]
    rows[1].exercises["conv-output-size"]["wrong"][text] = text
    made = report_page({CHAPTER: rows}, title=text)
    made.encode()
    page, plain = Page(made), Page(report_page({CHAPTER: [replace(rows[0], student="x"), rows[1]]}))
    assert [tag for tag, *_ in page.elements] == [tag for tag, *_ in plain.elements]
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", made)
    seen = " ".join("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text).split())
    assert page.texts("bdi")[0] == seen
    assert page.rows("Not graded") == [[seen, "failed", seen]]


def test_a_link_leads_to_the_folder_whatever_its_name() -> None:
    name = "a b%2F#?\udcff"  # a folder's name need not be UTF-8
    made = report_page({CHAPTER: [replace(result("x", 2, 1), student=name)]})
    [link] = {link for link in Page(made).values("href") if link.startswith("feedback/")}
    assert "#" not in link and "?" not in link
    expected = f"feedback/{name}/{CHAPTER}/{CHAPTER}.html"
    assert unquote_to_bytes(link) == expected.encode("utf-8", "surrogateescape")


def test_the_page_reads_offline_and_by_ear() -> None:
    made = report_page({"01_nn_module": small_class(), CHAPTER: small_class()})
    page = Page(made)
    assert made.startswith("<!doctype html>")
    assert not re.search(r"https?:|//[a-z]|@import|url\(", made)
    assert {"src", "srcset", "style"} & {n for _, attrs, _ in page.elements for n in attrs} == {
        "style"
    }
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {one for names in page.values("aria-labelledby") for one in names.split()} <= set(ids)
    assert {link[1:] for link in page.values("href") if link.startswith("#")} <= set(ids)
    tags = [tag for tag, *_ in page.elements]
    assert tags.count("table") == tags.count("caption") == 6
    assert all("scope" in attrs for tag, attrs, _ in page.elements if tag == "th")


def test_what_is_unknown_or_missing_does_not_break_the_page() -> None:
    renamed = replace(result("ada", 2, 1), exercises={"renamed-since": ended("wrong", 0, 0, a="b")})
    page = Page(report_page({"13_gone": [renamed], "00_primer": [], "03_none": [Result("x", "y")]}))
    assert page.texts("h2") == ["13_gone", "00_primer", "03_none"]
    [item] = page.texts("ol")
    assert item.startswith("1. renamed-since renamed-since, not in this edition On average 0%")
    assert "Nobody’s work has been graded yet." in page.texts("p")
    assert len(page.texts("svg")) == 1  # no marks, no distribution of them
    assert Page(report_page({})).texts("h1") == ["Layerwise: report"]


def test_a_note_is_cut_where_it_is_endless() -> None:
    row = replace(result("ada", 2, 1), status="failed", notes=("x" * 10**6,))
    assert len(report_page({CHAPTER: [row]})) < 10**5


def test_of_a_large_class_only_what_is_flagged_is_listed() -> None:
    few = [result(f"s{i}", 2, 1) for i in range(LISTED)]
    assert len(Page(report_page({CHAPTER: few})).rows("Points are of 3.")) == LISTED
    many = [result(f"s{i}", 2, 1) for i in range(10_000)]
    many[1234] = replace(many[1234], status="lost", notes=("cell 3: it ended itself",))
    many[4321] = replace(many[4321], repairs=("tags dropped: x",))
    made = report_page({CHAPTER: many})
    page = Page(made)
    assert [row[0] for row in page.rows("Points are of 3.")] == ["s1234", "s4321"]
    assert page.figures["submissions"] == "10,000" and "scores.csv" in page.texts("code")
    assert len(made) < 50_000
    page = Page(report_page({CHAPTER: [replace(one, status="failed") for one in many]}))
    assert len(page.rows("Points are of 3.")) == len(page.rows("Not graded in full")) == LISTED
    assert "And 8,000 more: scores.csv has all of them." in page.texts("p")


def test_a_report_is_written_whole(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("an old one")
    file = write_report(tmp_path, {CHAPTER: [result("gr\udcfcn", 2, 1)]})
    assert file == tmp_path / "report.html" and list(tmp_path.iterdir()) == [file]
    assert "gr\\udcfcn" in file.read_text(encoding="utf-8")


def test_what_a_good_answer_has_in_it_is_told() -> None:
    from helpers.exercises import questions

    chapter, [question] = "02_convolution_arithmetic", list(questions("02_convolution_arithmetic"))
    page = report_page({chapter: [Result("ada", chapter, 18.0, 20.0, waiting=True)]})
    assert "1 submission waits" in page and question.title in page
    assert all(escape(criterion) in page for criterion in question.criteria)
