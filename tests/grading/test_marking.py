"""A notebook judged in a process apart."""

from __future__ import annotations

import atexit
import functools
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell

from helpers.exercises import exercises
from helpers.grading.assignment import Budget
from helpers.grading.marking import Judged, judge_notebook
from helpers.grading.repair import realign
from helpers.grading.sample import sample_class
from helpers.grading.session import Nursery
from helpers.grading.submission import Unreadable, read_notebook
from helpers.paths import course_root
from helpers.publishing.learner import learner_notebook, solved_notebook
from helpers.publishing.publish import Places, editions
from tests.conftest import SANDBOX

pytestmark = pytest.mark.slow


@functools.cache
def shared_nursery() -> Nursery:
    """One warm process for all tests here, in a sandbox where one can be had."""
    nursery = Nursery(sandbox=SANDBOX)
    atexit.register(nursery.close)
    return nursery


def grade(submission: Any, release: Any, **budget: float) -> Judged:
    return judge_notebook(
        realign(submission, release).notebook,
        release,
        seed="secret",
        nursery=shared_nursery(),
        budget=Budget(**{"cell": 20, "exercise": 20, "notebook": 60, **budget}),
    )


def cell_of(notebook: Any, grade_id: str) -> Any:
    return next(
        c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )


def points(judged: Judged) -> dict[str, float]:
    return {name: verdict.points for name, verdict in judged.verdicts.items()}


def test_solutions_earn_all_and_stubs_nothing(solved: Any, learner: Any) -> None:
    full = grade(solved, learner)
    assert full.points == full.max_points == 4.0 and full.status == "graded"
    empty = grade(learner, learner)
    assert empty.points == 0.0 and empty.max_points == 4.0
    assert {v.status for v in empty.verdicts.values()} == {"not attempted"}


def test_an_endless_answer_costs_its_exercise_only(solved: Any, learner: Any) -> None:
    cell_of(solved, "add-constant").source = (
        "class AddConstant(nn.Module):\n"
        "    def __init__(self, constant):\n        super().__init__()\n"
        "    def forward(self, input):\n        while True: pass"
    )
    judged = grade(solved, learner, exercise=4)
    assert points(judged) == {"add-constant": 0.0, "scale-shift": 3.0}
    assert judged.status == "time" and "add-constant" in judged.notes[0]


def test_an_endless_cell_costs_itself_only(solved: Any, learner: Any) -> None:
    solved.cells.insert(2, new_code_cell("while True:\n    pass"))
    judged = grade(solved, learner, cell=1.5)
    assert judged.points == 4.0 and judged.status == "time"
    assert "loop without end" in judged.outputs[2]


def test_the_notebooks_budget_ends_it(solved: Any, learner: Any) -> None:
    for _ in range(3):
        solved.cells.insert(2, new_code_cell("while True:\n    pass"))
    judged = grade(solved, learner, cell=30, notebook=8)
    assert judged.status == "time" and judged.points == 0.0
    assert set(judged.verdicts) == {"add-constant", "scale-shift"}


def test_a_process_that_ends_itself_costs_that_exercise(solved: Any, learner: Any) -> None:
    cell = cell_of(solved, "scale-shift")
    cell.source = cell.source.replace("return input", "import os; os._exit(0); return input")
    judged = grade(solved, learner)
    assert points(judged) == {"add-constant": 1.0, "scale-shift": 0.0}
    assert judged.status == "lost"


def test_the_expected_answers_and_the_judge_are_absent(solved: Any, learner: Any) -> None:
    """Importing them raises, in words; what the cell prints is what the learner could see."""
    modules = [
        "helpers.exercises.nn_module.answers",
        "helpers.exercises.solutions",
        "helpers.publishing.source",
        "helpers.grading.seed",
    ]
    attempts = "\n".join(
        f"try:\n    import {m}\n    print('got {m}')\nexcept ImportError as e:\n    print(e)"
        for m in modules
    )
    solved.cells.append(new_code_cell(attempts))
    judged = grade(solved, learner)
    printed = judged.outputs[len(solved.cells) - 1]
    assert "got" not in printed and printed.count("is not there while") == len(modules)


def test_the_environment_and_the_seed_stay_outside(
    solved: Any, learner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "xyzzy")
    solved.cells.append(new_code_cell("import os, sys; print(dict(os.environ), sys.argv)"))
    judged = grade(solved, learner)
    printed = judged.outputs[len(solved.cells) - 1]
    assert "xyzzy" not in printed and "secret" not in printed and "HOME" in printed


def test_an_error_is_told_with_the_learners_line(solved: Any, learner: Any) -> None:
    solved.cells.append(new_code_cell("x = 1\nx / 0"))
    judged = grade(solved, learner)
    assert judged.outputs[len(solved.cells) - 1] == (
        "ZeroDivisionError: division by zero, at line 2 of your cell: x / 0"
    )
    assert judged.points == 4.0


def test_demonstrations_are_not_run_but_a_learners_own_cells_are(solved: Any, learner: Any) -> None:
    solved.cells.insert(3, new_code_cell("print('my own')"))
    judged = grade(solved, learner)
    assert "my own\n" in judged.outputs.values()
    assert not any("a demonstration" in text for text in judged.outputs.values())


def test_a_check_above_its_exercise_is_judged_at_the_end(solved: Any, learner: Any) -> None:
    check = cell_of(solved, "check-add-constant")
    solved.cells.remove(check)
    solved.cells.insert(1, check)
    assert grade(solved, learner).points == 4.0


def test_everyday_cells_do_not_fail_only_under_grading(solved: Any, learner: Any) -> None:
    cells = [
        "%matplotlib inline\nimport math",
        "from helpers.exercises import check, hint\ncheck('add-constant')\nhint('add-constant')",
        "import sys\nsys.stdout.writelines(['a'])\nsys.stdout.fileno()",
        "import faulthandler\nfaulthandler.enable()",
        "from sklearn.datasets import load_digits\nfrom scipy import stats",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
        "torch.set_default_dtype(torch.float64)",
        "from IPython.display import display, HTML\ndisplay(HTML('<b>x</b>'))",
    ]
    first = len(solved.cells)
    solved.cells[3:3] = [new_code_cell(cell) for cell in cells]
    judged = grade(solved, learner)
    own = [judged.outputs.get(place, "") for place in range(3, 3 + len(cells))]
    assert first and not [text for text in own if "Error" in text]
    assert judged.points == 4.0


@pytest.mark.parametrize("value", ["torch.ones(2, dtype=torch.complex128)", "1j", "object()"])
def test_an_odd_answer_costs_itself_only(solved: Any, learner: Any, value: str) -> None:
    cell = cell_of(solved, "add-constant")
    cell.source = cell.source.replace("return input + self.constant", f"return {value}")
    judged = grade(solved, learner)
    assert points(judged) == {"add-constant": 0.0, "scale-shift": 3.0}
    assert judged.status == "graded"


def test_output_is_cut_at_the_source(solved: Any, learner: Any) -> None:
    solved.cells.append(new_code_cell("print('x' * 10_000_000)"))
    judged = grade(solved, learner)
    printed = judged.outputs[len(solved.cells) - 1]
    assert len(printed) < 30_000 and "more characters" in printed


@pytest.mark.parametrize("chapter", sorted({e.chapter for e in exercises()}))
def test_every_chapters_sample_class_gets_its_marks(chapter: str, tmp_path: Path) -> None:
    """Chapter by chapter, the submissions that can be read, without nbgrader around."""
    root = course_root()
    assert root is not None
    [(_, source, _)] = editions(Places(root), [chapter])
    learner, solved = learner_notebook(source), solved_notebook(source)
    for student, (text, deserved) in sample_class(learner, solved).items():
        file = tmp_path / f"{student}.ipynb"
        file.write_text(text, encoding="utf-8")
        try:
            submission = read_notebook(file)
        except Unreadable:
            assert student == "gus-malformed" and deserved == 0
            continue
        assert grade(submission, learner, exercise=3).points == deserved, student
