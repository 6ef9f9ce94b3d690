"""`check` in a notebook: what a learner is told, in every state that a notebook can be in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from helpers.exercises import check, exercise, exercises, hint, notebook, solution
from helpers.exercises.definition import Forbid
from helpers.exercises.display import as_html
from tests.conftest import SETUP, SOLUTIONS

RIGHT = SOLUTIONS["scale-shift"]


class Notebook:
    """A kernel's shell, as far as `check` sees one: names, history, compiled cells."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.shell = InteractiveShell.instance()
        self.shell.reset()
        self.capsys = capsys
        self.run("from helpers.exercises import check")
        self.run(SETUP)

    def run(self, source: str) -> Any:
        return self.shell.run_cell(source, store_history=True).result

    def check(self, name: str = "scale-shift") -> tuple[float, str]:
        """The points, and all that was shown."""
        self.capsys.readouterr()
        points = self.run(f'check("{name}")')
        shown = self.capsys.readouterr()
        assert "Traceback" not in shown.out + shown.err
        assert isinstance(points, float)
        return points, shown.out


@pytest.fixture
def book(capsys: pytest.CaptureFixture[str]) -> Iterator[Notebook]:
    yield Notebook(capsys)
    InteractiveShell.clear_instance()


def test_a_right_answer_earns_its_points(book: Notebook) -> None:
    book.run(RIGHT)
    points, shown = book.check()
    assert points == 3.0 and "All right: 3 of 3 points." in shown and "✗" not in shown


def test_a_stub_is_not_attempted(book: Notebook) -> None:
    book.run("class ScaleShift(nn.Module):\n    def __init__(self, n):\n"
             "        raise NotImplementedError('your code here')")  # fmt: skip
    points, shown = book.check()
    assert points == 0.0 and "Not attempted yet: line 3 of your cell still says" in shown
    assert "hint('scale-shift')" in shown


def test_another_notimplementederror_is_an_error(book: Notebook) -> None:
    """Torch raises one for a module without forward: that is work, and wrong."""
    book.run(RIGHT.replace("def forward", "def foward"))
    points, shown = book.check()
    assert points == 0.0 and "Not attempted" not in shown and "NotImplementedError" in shown


def test_what_an_answer_prints_does_not_bury_the_table(book: Notebook) -> None:
    book.run(RIGHT.replace("return input", "print('here'); return input"))
    points, shown = book.check()
    assert points == 3.0 and shown.count("here\n") == 5 and "more lines that your code" in shown


def test_a_cell_not_run_is_said(book: Notebook) -> None:
    points, shown = book.check()
    assert points == 0.0 and "ScaleShift is not defined: run the exercise's cell" in shown


def test_a_syntax_error_is_said_with_its_line(book: Notebook) -> None:
    book.run("class ScaleShift(nn.Module):\n    def forward(self, input)\n        return input")
    points, shown = book.check()
    assert (
        points == 0.0 and "SyntaxError at line 2" in shown and "def forward(self, input)" in shown
    )


def test_a_stale_definition_is_said(book: Notebook) -> None:
    book.run(RIGHT)
    assert book.check()[0] == 3.0
    book.run("oops\n" + RIGHT)  # stops before it defines anything
    points, shown = book.check()
    assert points == 0.0 and "NameError" in shown
    assert "stopped before it got there, so ScaleShift is an older one" in shown
    book.run(RIGHT)
    assert book.check()[0] == 3.0


def test_a_stale_definition_behind_a_syntax_error_is_said(book: Notebook) -> None:
    book.run(RIGHT)
    book.run(RIGHT + "\n)")
    points, shown = book.check()
    assert points == 0.0 and "SyntaxError" in shown


def test_a_cell_that_stopped_before_its_first_definition_is_said(book: Notebook) -> None:
    book.run("oops\n" + RIGHT)
    assert "stopped before it got there. NameError" in book.check()[1]


@pytest.mark.parametrize(
    "cells",
    [
        [RIGHT.replace("ScaleShift", "Mine"), "ScaleShift = Mine"],
        [RIGHT, "def init(self, n):\n    nn.Module.__init__(self)\n"
         "    self.scale = nn.Parameter(torch.ones(n))\n"
         "    self.shift = nn.Parameter(torch.zeros(n))\nScaleShift.__init__ = init"],
        [RIGHT + "\n)", RIGHT],
        [RIGHT + "\n)", "%%time\n" + RIGHT],
        [RIGHT, "class Other:\n    def ScaleShift(self): pass\n    oops"],
        [RIGHT, "In = torch.zeros(3)"],
    ],
)  # fmt: skip
def test_right_work_is_not_called_stale(book: Notebook, cells: list[str]) -> None:
    for cell in cells:
        book.run(cell)
    points, shown = book.check()
    assert points == 3.0, shown


@pytest.mark.parametrize(
    "cell", ["torch.set_default_dtype(torch.float64)", "torch.set_default_device('meta')",
             "torch.set_grad_enabled(False)"]
)  # fmt: skip
def test_the_state_that_a_cell_left_torch_in_does_not_matter(book: Notebook, cell: str) -> None:
    book.run(RIGHT)
    before = torch.get_default_dtype()
    try:
        book.run(cell)
        points, shown = book.check()
        assert points == 3.0, shown
    finally:
        torch.set_default_dtype(before)
        torch.set_default_device(None)
        torch.set_grad_enabled(True)


@pytest.mark.parametrize("value", ["10**5000", "torch.zeros(2).to_sparse()", "1j", "{1: 2}",
                                   "torch.nested.nested_tensor([torch.ones(2)])"])  # fmt: skip
def test_an_answer_that_cannot_be_compared_is_said(book: Notebook, value: str) -> None:
    book.run(RIGHT.replace("return input * self.scale + self.shift", f"return {value}"))
    points, shown = book.check()
    assert points == 0.0 and ("✗" in shown or "could not be compared" in shown)


def test_the_table_in_a_browser(book: Notebook) -> None:
    """Right and wrong by signs and words, yours beside the expected, wrong cells struck through."""
    book.run(RIGHT.replace("nn.Parameter(torch.zeros(num_features))", "torch.zeros(num_features)"))
    verdict = notebook.check_in(exercise("scale-shift"), book.shell.user_ns)
    html = as_html(verdict)
    assert 'aria-label="right"' in html and 'aria-label="wrong"' in html
    assert "<em>yours</em>" in html and "<em>expected</em>" in html
    mine, expected = html.split("<em>expected</em>")
    assert "<s>" in mine and "<s>" not in expected
    book.run(RIGHT.replace('"""Scales', '"""<b>Scales'))
    assert "<s>" not in as_html(notebook.check_in(exercise("scale-shift"), book.shell.user_ns))


def test_an_exception_is_shown_with_the_learners_line(book: Notebook) -> None:
    book.run(RIGHT.replace("return input * self.scale", "return input * self.scales"))
    points, shown = book.check()
    assert points == 0.0 and "AttributeError" in shown and "no attribute 'scales'" in shown
    assert "of your cell: return input * self.scales + self.shift" in shown


@pytest.mark.parametrize("raised", ["SystemExit(3)", "BaseException('x')", "RecursionError()"])
def test_nothing_that_is_raised_reaches_the_learner(book: Notebook, raised: str) -> None:
    book.run(f"class ScaleShift(nn.Module):\n    def __init__(self, n): raise {raised}")
    points, shown = book.check()
    assert points == 0.0 and raised.split("(")[0] in shown


def test_an_interrupt_is_said(book: Notebook) -> None:
    book.run("class ScaleShift(nn.Module):\n    def __init__(self, n): raise KeyboardInterrupt")
    points, shown = book.check()
    assert points == 0.0 and "a loop without end?" in shown


def test_a_wrong_shape_and_what_is_no_data_are_said(book: Notebook) -> None:
    book.run(RIGHT.replace("return input * self.scale + self.shift", "return input[0]"))
    assert "your output is of length 2, the right one is 2×2" in book.check()[1]
    book.run(RIGHT.replace("return input * self.scale + self.shift", "return self"))
    points, shown = book.check()
    assert points == 0.0 and "ScaleShift" in shown
    book.run("ScaleShift = 3")
    assert "a function or a class is asked for" in book.check()[1]


def test_the_courses_own_name_is_not_the_learners(book: Notebook) -> None:
    book.run("from helpers.exercises import hint as ScaleShift")
    assert "is now the course's own" in book.check()[1]


def test_an_unknown_name_is_answered_with_the_nearest(book: Notebook) -> None:
    points, shown = book.check("scale-shfit")
    assert points == 0.0 and "did you mean 'scale-shift'" in shown


def test_hints_come_one_by_one_and_the_solution_last(
    book: Notebook, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "_hints_given", {})
    monkeypatch.setattr(notebook, "_solved", set())
    solution("scale-shift")
    assert "Earn full marks first" in capsys.readouterr().out
    for given in (1, 2, 3, 3):
        hint("scale-shift")
        assert f"Hint {given} of 3" in capsys.readouterr().out
    book.run(RIGHT)
    book.check()
    solution("scale-shift")
    shown = capsys.readouterr().out
    assert "class ScaleShift" in shown and "BEGIN SOLUTION" not in shown


def test_without_ipython_the_callers_names_are_looked_at(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "_shell", lambda: None)
    monkeypatch.setitem(globals(), "ScaleShift", _ScaleShift)
    assert check("scale-shift") == 3.0
    assert "All right" in capsys.readouterr().out


class _ScaleShift(torch.nn.Module):
    def __init__(self, n: int) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(n))
        self.shift = torch.nn.Parameter(torch.zeros(n))

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return input * self.scale + self.shift


def test_a_forbidden_reference_is_named(book: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    statement = exercise("scale-shift").statement
    book.run("from helpers import paths")
    book.run(RIGHT.replace("return input *", "paths.course_root(); return input *"))
    monkeypatch.setitem(vars(statement), "forbid", Forbid(modules=("helpers.paths",)))
    points, shown = book.check()
    assert points == 0.0 and "to be solved without helpers.paths" in shown


def test_a_forbidden_operator_is_named_even_if_the_answer_hides_it(
    book: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = exercise("scale-shift").statement
    monkeypatch.setitem(vars(statement), "forbid", Forbid(operators=("sigmoid*",)))
    hidden = "try:\n            torch.sigmoid(input)\n        except BaseException: pass\n"
    book.run(RIGHT.replace("        return input", f"        {hidden}        return input"))
    points, shown = book.check()
    assert points == 0.0 and "without torch's operator 'sigmoid'" in shown


def test_a_check_takes_under_100_ms_also_the_first(tmp_path: Path) -> None:
    """A bound on work, not a benchmark: cold, in a process of its own, with thrice the time.

    All solutions are defined, then each is checked once; the sum is what is bounded.
    """
    code = (
        "import contextlib, io, time\n"
        "from helpers.exercises import exercises, check\n"
        "from helpers.paths import course_folder\n"
        "from helpers.publishing.source import read_chapter, without_marks\n"
        "points, seconds = [], 0.0\n"
        "for file in sorted(course_folder('solutions').glob('[0-9]*.md')):\n"
        "    for cell in read_chapter(file).cells:\n"
        "        if cell.kind in ('setup', 'exercise'):\n"
        "            exec(without_marks(cell.source), globals())\n"
        "    start = time.perf_counter()\n"
        "    with contextlib.redirect_stdout(io.StringIO()):\n"
        "        points += [check(e.name) for e in exercises(file.stem)]\n"
        "    seconds += time.perf_counter() - start\n"
        "print(sum(points), seconds / len(points))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    points, seconds = map(float, done.stdout.split())
    assert points == sum(e.statement.points for e in exercises())
    assert seconds < 0.3
