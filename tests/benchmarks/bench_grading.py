"""What grading a class costs: beside stock nbgrader, as the class grows, among endless notebooks.

Ratios in one run: `make bench`. Each table is printed and kept in ``results/``. The largest class
is of 1,000; ``LAYERWISE_BENCH_CLASS=10000`` asks for another size.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from helpers.grading.sample import sample_class
from helpers.paths import course_root, write_text
from helpers.publishing.publish import Places, write_course
from tests.grading.test_classroom import CHAPTER, notebooks

ROOT = course_root()
assert ROOT is not None
RESULTS = Path(__file__).parent / "results"
SIZES = [10, 100, int(os.environ.get("LAYERWISE_BENCH_CLASS", "1000"))]
#: Kinds of the sample class that come to an end; the others are measured apart.
HONEST = ("ada-all-right", "ben-differently-right", "cleo-half-right", "dan-untouched", "eve-wrong")
ENDLESS = "fay-endless-loop"
CELL_TIMEOUT = 4

_GRADE = """
import json, resource, sys, time
from pathlib import Path
def peak():
    "This process's own, in MiB: getrusage would count what its parent had when it forked."
    found = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return int(found[0].split()[1]) / 1024

if __name__ == "__main__":
    start = time.perf_counter()
    from helpers.grading.classroom import grade_class
    from helpers.grading.assignment import Budget
    budget = Budget(cell=float(sys.argv[3]), exercise=float(sys.argv[3]), notebook=60)
    results = grade_class(sys.argv[1], Path(sys.argv[2]), budget=budget,
                          scheduler=sys.argv[4] if len(sys.argv) > 4 else None)
    told = {"seconds": time.perf_counter() - start,
            "marks": [r.score for r in results],
            "notebook": sum(r.seconds for r in results) / len(results),
            "self": peak(),
            "child": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}
    print("TOLD" + json.dumps(told))
"""


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """By student of the sample class: the text of what was handed in."""
    return {student: text for student, (text, _) in sample_class(*notebooks()).items()}


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[list[str]]:
    """The lines of the table; kept in a file when all is done."""
    lines: list[str] = []
    yield lines
    command = "make bench" + (f" LAYERWISE_BENCH_CLASS={SIZES[-1]}" if SIZES[-1] != 1000 else "")
    head = [
        "# Grading, measured",
        "",
        f"`{command}` on {os.cpu_count()} cores ({_processor()}), Python "
        f"{platform.python_version()}, torch {torch.__version__}, {time.strftime('%Y-%m-%d')}. "
        "Seconds are this machine's; read the ratios.",
        "",
        "| What | Measured | Ratio |",
        "|---|---|---|",
    ]
    write_text(RESULTS / "grading.md", "\n".join([*head, *lines]) + "\n")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def say(lines: list[str], what: str, measured: str, ratio: str) -> None:
    lines.append(f"| {what} | {measured} | {ratio} |")
    print("\n" + lines[-1])


def make_class(course: Path, made: dict[str, str], size: int, endless: int = 0) -> Path:
    """A class of this size, its submissions different in bytes, some of them endless."""
    for number in range(size):
        kind = ENDLESS if number < endless else HONEST[number % len(HONEST)]
        notebook = json.loads(made[kind])
        notebook["metadata"]["number"] = number
        file = course / "submitted" / f"s{number:05}" / CHAPTER / f"{CHAPTER}.ipynb"
        write_text(file, json.dumps(notebook))
    assert ROOT is not None
    write_course(Places(ROOT), course, [CHAPTER])
    return course


def grade(course: Path, *more: str, cell_timeout: float = 20) -> dict[str, Any]:
    """Grade in a process of its own: its whole time, marks and peak memory."""
    script = course.parent / "grade.py"
    write_text(script, _GRADE)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script), CHAPTER, str(course), str(cell_timeout), *more]
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.rsplit("TOLD", 1)[1])
    return {**told, "seconds": seconds}


def test_against_stock_nbgrader(made: dict[str, str], tmp_path: Path, table: list[str]) -> None:
    """The same 40 notebooks by ``nbgrader autograde`` as it comes, with ``check`` in the kernel."""
    size = 40
    ours = make_class(tmp_path / "ours" / "course", made, size)
    stock = tmp_path / "stock"
    shutil.copytree(ours, stock / "course")
    write_text(
        stock / "nbgrader_config.py",
        "c = get_config()\nc.CourseDirectory.root = 'course'\n",
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    for step in ("generate_assignment", "autograde"):
        start = time.perf_counter()
        command = [sys.executable, "-m", "nbgrader", step, CHAPTER, "--force"]
        done = subprocess.run(command, cwd=stock, env=environment, capture_output=True, text=True)
        theirs = time.perf_counter() - start
        assert done.returncode == 0, done.stderr[:3000]
    graded = grade(ours)
    assert len(graded["marks"]) == size and max(graded["marks"]) == 18
    say(
        table,
        f"{size} submissions of chapter 2, whole process",
        f"`nbgrader autograde` {theirs:.0f} s, `layerwise grade` {graded['seconds']:.1f} s",
        f"{theirs / graded['seconds']:.1f} times faster",
    )


def test_one_more_notebook(made: dict[str, str], table: list[str]) -> None:
    """Of the time for a notebook, what is not spent in the learner's process."""
    from helpers.grading import session
    from helpers.grading.assignment import Assignment, Budget, Submission
    from helpers.grading.marking import forbidden_modules
    from helpers.grading.session import Nursery
    from helpers.grading.task import grade_submission

    release = json.dumps(notebooks()[0])
    assignment = Assignment(CHAPTER, release, (), "seed", Budget())
    asked, waited = session.Session._ask, [0.0]

    def timed(*arguments: Any) -> Any:
        start = time.perf_counter()
        try:
            return asked(*arguments)
        finally:
            waited[0] += time.perf_counter() - start

    with pytest.MonkeyPatch.context() as patch, Nursery(forbidden_modules(CHAPTER)) as nursery:
        patch.setattr(session.Session, "_ask", timed)
        submission = Submission("ada", made["ada-all-right"].encode())
        grade_submission(assignment, submission, nursery)
        waited[0], start, number = 0.0, time.perf_counter(), 30
        for _ in range(number):
            assert grade_submission(assignment, submission, nursery).result.score == 18
        whole = (time.perf_counter() - start) / number
    ours = whole - waited[0] / number
    say(
        table,
        "one more notebook, all right, one process",
        f"{whole:.3f} s, of which {ours:.3f} s outside the learner's process",
        f"{ours / whole:.2f} of the time",
    )


def test_growth(made: dict[str, str], tmp_path: Path, table: list[str]) -> None:
    """Time is linear in the size of the class, memory flat."""
    found = {}
    for size in SIZES:
        course = make_class(tmp_path / str(size) / "course", made, size)
        found[size] = grade(course)
        assert len(found[size]["marks"]) == size
        shutil.rmtree(course)
    least, most = SIZES[0], SIZES[-1]
    for size, one in found.items():
        peak = f"peak {one['self']:.0f} MB, largest child {one['child']:.0f} MB"
        per = (one["seconds"] - found[least]["seconds"]) / max(1, size - least)
        memory = one["self"] / found[least]["self"]
        say(
            table,
            f"a class of {size:,}",
            f"{one['seconds']:.1f} s; {peak}",
            f"{per:.3f} s a further notebook; memory {memory:.2f} of the class of {least}"
            if size > least
            else "1",
        )
    assert most > least


def test_endless_notebooks(made: dict[str, str], tmp_path: Path, table: list[str]) -> None:
    """A class of 100, five of them endless: what they cost beyond their own time."""
    size, endless = 100, 5
    calm = grade(make_class(tmp_path / "calm" / "course", made, size), cell_timeout=CELL_TIMEOUT)
    course = make_class(tmp_path / "wild" / "course", made, size, endless)
    wild = grade(course, cell_timeout=CELL_TIMEOUT)
    assert len(calm["marks"]) == len(wild["marks"]) == size
    more, own = wild["seconds"] - calm["seconds"], endless * CELL_TIMEOUT / (os.cpu_count() or 1)
    say(
        table,
        f"{size} submissions, {endless} of them with an endless loop, {CELL_TIMEOUT} s a cell",
        f"{calm['seconds']:.1f} s without, {wild['seconds']:.1f} s with them",
        f"{more / own:.2f} of their own budgets, shared by the cores",
    )


def test_a_killed_worker(made: dict[str, str], tmp_path: Path, table: list[str]) -> None:
    """Two workers started by hand; then one of them killed after two thirds of the time."""
    from tests.grading.test_cluster import two_workers

    seconds = {}
    for name in ("both", "killed"):
        course = make_class(tmp_path / name / "course", made, 60)
        with two_workers(tmp_path / name) as (address, workers):
            if name == "killed":
                wait = seconds["both"] * 2 / 3
                subprocess.Popen(["sh", "-c", f"sleep {wait}; kill -9 {workers[0].pid}"])
            graded = grade(course, address)
            seconds[name] = graded["seconds"]
            assert len(graded["marks"]) == 60
            assert (workers[0].poll() is not None) == (name == "killed")
    say(
        table,
        "60 submissions, two workers started by hand, one killed at two thirds",
        f"{seconds['both']:.1f} s with both, {seconds['killed']:.1f} s; all 60 graded in each",
        f"{seconds['killed'] / seconds['both']:.2f} of the time",
    )
