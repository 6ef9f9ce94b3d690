"""The learner's page: what it shows of each answer, and what no answer can do to it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from helpers.exercises import exercise
from helpers.exercises.attempt import Outcome
from helpers.exercises.judge import expected_value, judge
from helpers.grading.feedback import Grade, feedback_page
from helpers.grading.marking import Judged
from helpers.grading.task import mark

CHAPTER = "01_nn_module"
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>&amp;\x1b[31m\x00\ud800'
#: How it reads on a page.
SEEN = '"><script>alert(1)</script><img src=x onerror=alert(2)>&amp;?'
VOID = {"meta", "img", "br", "link"}


@dataclass
class Element:
    """A part of a page: its text, and the tags in it with their attributes."""

    text: str = ""
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


class Page(HTMLParser):
    """A parsed page; its sections by title. Fails on a tag that is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.all, self.sections = Element(), dict[str, Element]()
        self.pre: list[str] = []
        self.rows: list[str] = []
        self._open: list[str] = []
        self._section: Element | None = None
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self._open.append(tag)
        if tag == "section":
            self._section = Element()
        for element in filter(None, (self.all, self._section)):
            element.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "pre":
            self.pre.append("")
        if tag == "li" and "nav" in self._open:
            self.rows.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "section":
            self._section = None

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.all.text += data
        if self._section is not None:
            self._section.text += data
            if self._open[-1] == "h2":
                self.sections[data] = self._section
        if "pre" in self._open:
            self.pre[-1] += data
        if "nav" in self._open and "li" in self._open:
            self.rows[-1] += data


def outcome(name: str, how: str) -> Any:
    """What the answer to an exercise gives for a case."""
    if how == "right":
        return lambda case: Outcome(expected_value(exercise(name), case))
    if how == "partly right":
        first = next(iter(exercise(name).statement.groups))
        return lambda c: outcome(name, "wrong" if c.group == first else "right")(c)
    said = {"time": "stopped after 4 s", "not attempted": "line 9 still says raise"}
    return lambda case: Outcome(0, None if how == "wrong" else how, said.get(how, ""))


def graded(learner: Any, outputs: dict[int, str] | None = None, **how: str) -> Any:
    """The small chapter's notebook as grading leaves it, and the automatic grades."""
    notebook = copy.deepcopy(learner)
    names = {"add_constant": "add-constant", "scale_shift": "scale-shift"}
    verdicts = {
        name: judge(exercise(name), outcome(name, how.get(key, "right")))
        for key, name in names.items()
    }
    mark(notebook, Judged(verdicts, outputs or {}))
    grades = {f"check-{n}": Grade(v.points, v.max_points) for n, v in verdicts.items()}
    return notebook, grades


def page(notebook: Any, grades: dict[str, Grade], **more: Any) -> Page:
    told = {"student": "ada", "status": "graded", "notes": (), "repairs": ()} | more
    return Page(feedback_page(notebook, grades, chapter=CHAPTER, **told))


def question(text: str, name: str = "output-padding") -> Any:
    fields = {"grade": True, "solution": True, "locked": False, "task": False, "points": 2}
    return new_markdown_cell(text, metadata={"nbgrader": {**fields, "grade_id": name}})


ADD, SCALE = "A module that adds a constant", "A learnable scale and shift"


def cell_of(notebook: Any, grade_id: str) -> Any:
    fields = ((cell, cell.metadata.get("nbgrader", {})) for cell in notebook.cells)
    return next(cell for cell, its in fields if its.get("grade_id") == grade_id)


def test_full_marks(learner: Any) -> None:
    shown = page(*graded(learner))
    assert "4 of 4 points" in shown.all.text and "Feedback for ada" in shown.all.text
    assert "Chapter 1: nn module" in shown.all.text
    assert list(shown.sections) == [ADD, SCALE]
    assert shown.rows == [f"✓{ADD}right1 of 1", f"✓{SCALE}right3 of 3"]
    assert "Right: 1 of 1 point." in " ".join(shown.sections[ADD].text.split())
    assert shown.all.count("details") == 0
    assert "a demonstration after" not in shown.all.text


@pytest.mark.parametrize(
    ("how", "points", "sign", "word"),
    [
        ("wrong", "0", "✗", "not right yet"),
        ("partly right", "2", "~", "partly right"),
        ("not attempted", "0", "○", "not attempted"),
        ("time", "0", "■", "stopped"),
    ],
)
def test_points_missing(learner: Any, how: str, points: str, sign: str, word: str) -> None:
    notes = ["exercise scale-shift: stopped after 4 s"] if how == "time" else []
    notebook, grades = graded(learner, scale_shift=how)
    shown = page(notebook, grades, notes=notes, status="time" if notes else "graded")
    assert shown.rows == [f"✓{ADD}right1 of 1", f"{sign}{SCALE}{word}{points} of 3"]
    section = shown.sections[SCALE]
    assert f"{word.capitalize()}: {points} of 3 points." in " ".join(section.text.split())
    said = {"wrong": "every case", "partly right": "learning: 5 random cases"}
    said |= {"not attempted": "line 9 still says raise", "time": "stopped after 4 s"}
    assert said[how] in section.text
    assert ("Part of your notebook took too long" in shown.all.text) == (how == "time")


def test_hints_where_points_are_missing_and_nowhere_else(learner: Any) -> None:
    shown = page(*graded(learner, add_constant="wrong"))
    assert shown.sections[ADD].count("details") == 3 and shown.sections[SCALE].count("details") == 0
    for hint in exercise("add-constant").statement.hints:
        assert hint in shown.sections[ADD].text
    for hint in exercise("scale-shift").statement.hints:
        assert hint not in shown.all.text


def test_a_manual_mark_and_comments(learner: Any) -> None:
    notebook, grades = graded(learner, add_constant="wrong")
    grades["check-add-constant"] = Grade(1, 1, manual=True, comment="Seen: it works.")
    grades["add-constant"] = Grade(0, 0, comment="A <b>neat</b> idea.")
    shown = page(notebook, grades)
    assert "4 of 4 points" in shown.all.text
    text = shown.sections[ADD].text
    assert "Right: 1 of 1 point, given by a person." in " ".join(text.split())
    assert "Seen: it works." in text and "A <b>neat</b> idea." in text
    assert shown.sections[ADD].count("details") == 0
    assert "Your instructor writes" not in shown.sections[SCALE].text


@pytest.mark.parametrize(("points", "word"), [(0, "not right yet"), (2, "partly right")])
@pytest.mark.parametrize("how", ["time", "not attempted"])
def test_a_manual_mark_is_the_mark(learner: Any, how: str, points: float, word: str) -> None:
    notebook, grades = graded(learner, scale_shift=how)
    grades["check-scale-shift"] = Grade(points, 3, manual=True)
    shown = page(notebook, grades, notes=["exercise scale-shift: stopped"] if how == "time" else [])
    assert shown.rows[1].endswith(f"{word}{points} of 3")


def test_questions(learner: Any) -> None:
    notebook, grades = graded(learner)
    answers = {"output-padding": "one\n  <two>", "seen": "three", "again": "four", "stub": "…"}
    notebook.cells += [question(text, name) for name, text in answers.items()]
    grades |= {
        "output-padding": Grade(0, 2, waiting=True),
        "seen": Grade(1.5, 2, manual=True, comment="Almost."),
        "again": Grade(1, 2, waiting=True, manual=True),
        "stub": Grade(0, 2),
    }
    shown = page(notebook, grades)
    text = {title: " ".join(s.text.split()) for title, s in shown.sections.items()}
    assert "Waits to be graded by a person; it carries 2 points." in text["The way back"]
    assert "one\n  <two>" in shown.sections["The way back"].text
    assert "Partly right: 1.5 of 2 points, given by a person." in text["seen"]
    assert "Almost." in text["seen"]
    assert "Waits to be graded by a person again: 1 of 2 points so far." in text["again"]
    assert "Not attempted: 0 of 2 points." in text["stub"]
    assert "6.5 of 12 points so far" in shown.all.text
    assert "2 answers wait to be graded by a person." in shown.all.text
    assert shown.rows[2:4] == ["…The way backwaiting– of 2", "~seenpartly right1.5 of 2"]


def test_the_answer_reads_as_it_was_written(learner: Any) -> None:
    source = 'def f(a):\n\n    """Words,\n    <more>."""\n    return a & "ü" # 1\n'
    cell_of(learner, "add-constant").source = source
    place = learner.cells.index(cell_of(learner, "add-constant"))
    shown = page(*graded(learner, {place: "SyntaxError: of \x1b[31mthe\x1b[0m learner's"}))
    assert shown.pre[0] == source.rstrip("\n")
    assert "SyntaxError: of the learner's" in shown.sections[ADD].text


def test_own_cells_are_shown_with_an_error_only(learner: Any) -> None:
    learner.cells += [new_code_cell(source) for source in ("fine()", "broken()", "slow()", "own()")]
    first = len(learner.cells) - 4
    outputs = {first: "all well", first + 1: "NameError: no such name, at line 1 of your cell"}
    outputs |= {first + 2: "stopped after 20 s: is there a loop without end?"}
    outputs |= {first + 3: "Oops: mine, at line 1 of your cell: own()"}
    shown = page(*graded(learner, outputs))
    text = shown.sections["Errors in other cells of yours"].text
    for said in ("broken()", "no such name", "slow()", "loop without end", "own()", "Oops"):
        assert said in text
    assert "fine()" not in shown.all.text and "all well" not in shown.all.text


def test_what_was_stopped_repaired_and_taken_off(learner: Any) -> None:
    notes = ["exercise scale-shift: the process ended itself", "exercise gone: why", "cell 3: so"]
    shown = page(
        *graded(learner), status="lost", notes=notes, repairs=["tags dropped: x"], penalty=1.5
    )
    text = " ".join(shown.all.text.split())
    assert "Part of your notebook ended the process that ran it." in text
    assert f"{SCALE}: the process ended itself" in text and "gone: why cell 3: so" in text
    assert "It was put right before grading: tags dropped: x" in text
    assert "2.5 of 4 points" in text and "1.5 points were taken off" in text
    plain = page(*graded(learner)).all.text
    assert "put right" not in plain and "taken off" not in plain and "Part of your" not in plain
    assert page(*graded(learner), penalty=9).all.text.count("0 of 4 points") == 1


@pytest.mark.parametrize("status", ["unreadable", "failed"])
def test_no_notebook(status: str) -> None:
    shown = page(None, {}, status=status, notes=[f"{CHAPTER}.ipynb is not a notebook"])
    text = " ".join(shown.all.text.split())
    assert f"{CHAPTER}.ipynb is not a notebook" in text
    assert "What to do:" in text and f"hand in that file, {CHAPTER}.ipynb" in text
    assert ("could not be read" in text) == (status == "unreadable")
    assert "points" not in text and not shown.sections
    zero = page(None, {"check-add-constant": Grade(0, 1)}, status=status)
    assert "0 of 1 point" in zero.all.text


def test_what_is_hostile_is_text(learner: Any) -> None:
    names = ("add-constant", "scale-shift")
    for name in names:
        cell_of(learner, name).source = EVIL
    places = {learner.cells.index(cell_of(learner, name)): EVIL for name in names}
    learner.cells += [question(EVIL, EVIL), new_code_cell(EVIL)]
    notebook, grades = graded(learner, places | {len(learner.cells) - 1: f"Error: {EVIL}"})
    unknown = cell_of(notebook, "check-scale-shift").metadata.nbgrader
    unknown["grade_id"] = f"check-{EVIL}"
    grades |= {EVIL: Grade(0, 2, comment=EVIL), f"check-{EVIL}": Grade(0, 1, comment=EVIL)}
    html = feedback_page(
        notebook, grades, student=EVIL, chapter=EVIL, status="graded", notes=[EVIL], repairs=[EVIL]
    )
    html.encode()
    shown = Page(html)
    assert {"script", "img"}.isdisjoint(tag for tag, _ in shown.all.tags)
    assert not [a for _, attributes in shown.all.tags for a in attributes if a.startswith("on")]
    # in the head and the page: chapter and student; note, repair; four cells, two outputs;
    # the question's title and comment, the unknown exercise's, both in the table of contents
    assert shown.all.text.count("<script>alert(1)</script>") >= 12
    assert shown.pre[0] == SEEN and shown.pre[1] == SEEN
    assert shown.all.text.count(SEEN) >= 8


def test_nothing_is_loaded(learner: Any) -> None:
    notebook, grades = graded(learner, add_constant="wrong")
    html = feedback_page(
        notebook, grades, student="a", chapter=CHAPTER, status="graded", notes=(), repairs=()
    )
    shown = Page(html)
    links = [a[k] for _, a in shown.all.tags for k in ("src", "href", "action") if k in a]
    ids = {attributes["id"] for _, attributes in shown.all.tags if "id" in attributes}
    assert links and all(link.startswith("#") and link[1:] in ids for link in links)
    assert {"script", "link", "iframe", "img"}.isdisjoint(tag for tag, _ in shown.all.tags)
    assert not [word for word in ("http:", "https:", "url(", "@import", "//") if word in html]
    policy = [a["content"] for tag, a in shown.all.tags if tag == "meta" and "http-equiv" in a]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


@pytest.mark.parametrize("text", ['"', "a.", "\N{GRINNING FACE}", "1 +\n", "<", "\n", "é 1 "])
def test_a_page_stays_under_a_megabyte(learner: Any, text: str) -> None:
    huge = text * (100_000 // len(text))
    for name in ("add-constant", "scale-shift"):
        cell_of(learner, name).source = "pass\n" + huge
    learner.cells += [new_code_cell(huge) for _ in range(40)]
    outputs = dict.fromkeys(range(len(learner.cells)), f"Error: {huge}")
    notebook, grades = graded(learner, outputs, add_constant="wrong")
    for number in range(300):
        notebook.cells.append(question("x" + huge, f"q{number}"))
        grades[f"q{number}"] = Grade(0, 2)
    table = cell_of(notebook, "check-add-constant").outputs[0].data
    table["text/html"], table["text/plain"] = f"<div>{'x' * 10**6}</div>", "a table: " + huge
    notes = [f"cell 1: {huge}"] * 1000
    html = feedback_page(
        notebook,
        grades,
        student=huge,
        chapter=CHAPTER,
        status="time",
        notes=notes,
        repairs=notes,
    )
    assert len(html.encode()) < 1_000_000
    shown = Page(html)
    assert "which this page leaves out" in shown.sections[ADD].text
    assert shown.pre[0].startswith("pass") and "a table: " in shown.sections[ADD].text
    assert f"… and {len(notes) - 20} more" in shown.all.text
