"""Grading by a cluster that somebody else started: two workers, one of which is killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from helpers.grading.assignment import Budget
from helpers.grading.classroom import grade_class
from helpers.grading.results import Result
from helpers.grading.sample import write_sample_class
from helpers.paths import course_root, write_text
from helpers.publishing.learner import learner_notebook, notebook_text, solved_notebook
from tests.conftest import SANDBOX

pytestmark = pytest.mark.slow
CHAPTER = "01_nn_module"
BUDGET = Budget(cell=3, exercise=3, notebook=30)


def small_class(course: Path, source: Any, copies: int = 1) -> Path:
    """The sample class of the small chapter, several times over."""
    learner, solved = learner_notebook(source), solved_notebook(source)
    write_sample_class(CHAPTER, learner, solved, course)
    for file in list((course / "submitted").glob(f"*/{CHAPTER}/{CHAPTER}.ipynb")):
        for number in range(1, copies):
            name = f"{file.parents[1].name}-{number}"
            copy = course / "submitted" / name / CHAPTER / file.name
            write_text(copy, file.read_text(encoding="utf-8"))
    write_text(course / "source" / CHAPTER / f"{CHAPTER}.ipynb", notebook_text(source))
    return course


@contextmanager
def two_workers(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """A Dask scheduler and two workers, each a process started by its own command."""
    environment = {**os.environ, "PYTHONPATH": str(course_root()), "OMP_NUM_THREADS": "1"}
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
                env=environment,
                stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
                cwd=folder,
            )
        )
        return started[-1]

    try:
        local = ["--host", "127.0.0.1", "--no-dashboard"]
        said = start("dask_scheduler", *local, "--port", "0").stderr
        address = ""
        while not address:
            line = said.readline()  # type: ignore[union-attr]
            assert line, "the scheduler ended"
            if found := re.search(r"tcp://127\.0\.0\.1:\d+", line):
                address = found.group()
        workers = [
            start("dask_worker", address, *local, "--nthreads", "1", "--no-nanny") for _ in range(2)
        ]
        yield address, workers
    finally:
        for process in started:
            process.kill()
            process.wait()
            process.stderr.close()  # type: ignore[union-attr]


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    with two_workers(tmp_path) as started:
        yield started


def test_a_worker_is_killed_and_the_run_ends_complete(
    scheduler: tuple[str, list[subprocess.Popen[str]]], tmp_path: Path, source: Any
) -> None:
    address, workers = scheduler
    course = small_class(tmp_path / "course", source, copies=4)
    alone = small_class(tmp_path / "alone", source)
    write_text(course / "seed", "a seed\n")
    write_text(alone / "seed", "a seed\n")
    seen: list[Result] = []

    def kill_one(result: Result) -> None:
        seen.append(result)
        if len(seen) == 5:
            os.kill(workers[0].pid, signal.SIGKILL)

    results = grade_class(
        CHAPTER, course, scheduler=address, budget=BUDGET, sandbox=SANDBOX, on_result=kill_one
    )
    assert workers[0].wait() == -signal.SIGKILL and workers[1].poll() is None
    assert len(results) == len(seen) == len({r.student for r in seen}) == 32
    expected = {
        result.student: (result.score, result.status)
        for result in grade_class(CHAPTER, alone, workers=1, budget=BUDGET, sandbox=SANDBOX)
    }
    for result in results:
        first = re.sub(r"-\d$", "", result.student)
        assert (result.score, result.status) == expected[first], result.student


def test_workers_with_other_definitions_are_refused(
    scheduler: tuple[str, list[subprocess.Popen[str]]],
    tmp_path: Path,
    source: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from helpers.grading import cluster

    address, _ = scheduler
    course = small_class(tmp_path / "course", source)
    monkeypatch.setattr(cluster, "definitions", lambda: "of another version")
    deadline = time.monotonic() + 60
    with pytest.raises(RuntimeError, match="another version of layerwise"):
        while time.monotonic() < deadline:  # until a worker has come
            grade_class(CHAPTER, course, scheduler=address, budget=BUDGET, sandbox=SANDBOX)
    assert not (course / "scores.csv").exists()
