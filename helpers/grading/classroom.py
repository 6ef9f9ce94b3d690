"""A class graded: every submission ends in one result, and nbgrader keeps the record."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .assignment import Assignment, Budget, Submission
from .config import class_config
from .results import Result, write_scores
from .sandbox import bubblewrap
from .seed import course_seed
from .submission import MAX_NAME, Unreadable, is_name, read_bytes

if TYPE_CHECKING:
    from nbgrader.apps.api import NbGraderAPI

    from .record import Recorder


class GradingError(RuntimeError):
    """A class cannot be graded. The message says what to do."""


def submissions(chapter: str, course: Path) -> list[str]:
    """The students who handed in a chapter: the folders ``submitted/STUDENT/CHAPTER``."""
    return sorted(p.parent.name for p in (course / "submitted").glob(f"*/{chapter}") if p.is_dir())


def grade_class(
    chapter: str,
    course: Path,
    *,
    budget: Budget | None = None,
    sandbox: bool = True,
    students: Sequence[str] | None = None,
    force: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    on_result: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Grade what a class handed in for a chapter, and write ``scores.csv``.

    Expects nbgrader's source notebook in ``course/source/CHAPTER``; makes the assignment, grades
    each of ``course/submitted/STUDENT/CHAPTER/CHAPTER.ipynb``, writes feedback. A submission that
    was graded before, by the same definitions, is not graded again: so a run that was killed is
    gone on with.

    Parameters
    ----------
    budget
        Seconds for a cell, an exercise, a notebook.
    sandbox
        Whether learners' code runs in a sandbox. False is for work of people you trust.
    students
        Only these; all who handed in, by default.
    force
        Grade again what was graded before.
    workers
        Processes that grade at a time; this machine's cores, by default.
    scheduler
        The address of a Dask cluster that grades instead.
    on_result
        Called with each result as soon as it is kept, also with those of an earlier run.

    Returns
    -------
    list of Result
        One for each student, in their order; ``scores.csv`` has the same.

    Raises
    ------
    GradingError
        If nobody handed in the chapter, or nbgrader cannot make the assignment.
    NoSandbox
        If there is none and one is asked for; the message says how to get one.
    """
    from .cluster import cluster, cores, grade_all
    from .record import Recorder

    asked = _students(chapter, course, students)
    if sandbox and scheduler is None:
        bubblewrap()  # a class is not failed for want of a sandbox: refuse now
    config = class_config(course)
    with _quiet():
        api = _with_assignment(chapter, course, config)
        assignment = _assignment(chapter, course, budget or Budget(), sandbox)
        with Recorder(course, chapter, api.coursedir.db_url, config) as recorder:
            todo = _todo(assignment, course, asked, recorder, force, on_result)
            if first := next(todo, None):
                least = min(len(asked), workers or cores())
                with cluster(least, scheduler) as client:
                    for batch in grade_all(client, assignment, _chain(first, todo)):
                        for result in recorder.record(batch):
                            on_result(result)
    results = {result.student: result for result in write_results(course)[chapter]}
    return [results[student] for student in asked]


def write_results(course: Path) -> dict[str, list[Result]]:
    """Write ``scores.csv`` and ``report.html``: every chapter as its gradebook has it now.

    Returns
    -------
    dict
        By chapter, the results with the marks that were given by hand since.
    """
    from .report import write_report

    results = {}
    for recorder in recorders(course):
        results[recorder.chapter] = recorder.finish()
        write_scores(course / "scores.csv", recorder.chapter, results[recorder.chapter])
    write_report(course, results)
    return results


def recorders(course: Path) -> Iterator[Recorder]:
    """The writer of each chapter that was graded, one after another."""
    from nbgrader.apps.api import NbGraderAPI

    from .record import Recorder

    config = class_config(course)
    db_url = NbGraderAPI(config=config).coursedir.db_url
    for file in sorted((course / "results").glob("[!.]*.jsonl")):
        with Recorder(course, file.stem, db_url, config) as recorder:
            yield recorder


def _students(chapter: str, course: Path, students: Sequence[str] | None) -> list[str]:
    found = submissions(chapter, course)
    missing = sorted(set(students or ()) - set(found))
    if missing or not found:
        who = f"from {', '.join(missing)}" if missing else "at all"
        raise GradingError(
            f"no submission {who}: expected {course}/submitted/STUDENT/{chapter}/{chapter}.ipynb"
        )
    return sorted(set(students)) if students else found


def _with_assignment(chapter: str, course: Path, config: Any) -> NbGraderAPI:
    """nbgrader's API, with the assignment in its gradebook and its release in the course."""
    from nbgrader.apps.api import NbGraderAPI

    api = NbGraderAPI(config=config)
    _make_database(api.coursedir.db_url)
    made = api.generate_assignment(chapter)
    if not made["success"]:
        said = made.get("error") or made.get("log") or ""
        raise GradingError(f"nbgrader could not make {chapter}:\n{said}")
    return api


def _make_database(db_url: str) -> None:
    """Make nbgrader's SQLite file whole or not at all: a run may be killed meanwhile."""
    from nbgrader.api import Gradebook

    file = Path(db_url.removeprefix("sqlite:///"))
    if not db_url.startswith("sqlite:///") or file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.new")
    beside.unlink(missing_ok=True)
    Gradebook(f"sqlite:///{beside}", "layerwise").close()
    beside.replace(file)


def _assignment(chapter: str, course: Path, budget: Budget, sandbox: bool) -> Assignment:
    earlier = sorted((course / "releases" / chapter).glob("*.ipynb"))
    return Assignment(
        chapter=chapter,
        release=(course / "release" / chapter / f"{chapter}.ipynb").read_text(encoding="utf-8"),
        earlier=tuple(file.read_text(encoding="utf-8") for file in earlier),
        seed=course_seed(course),
        budget=budget,
        sandbox=sandbox,
    )


def _todo(
    assignment: Assignment,
    course: Path,
    students: Sequence[str],
    recorder: Recorder,
    force: bool,
    on_result: Callable[[Result], None],
) -> Iterator[Submission]:
    """What is not graded yet, or was graded from something else; of the rest, the results."""
    done, kept = recorder.ledger.read(), recorder.students()
    for student in students:
        submission = read_submission(course, assignment.chapter, student)
        before = done.pop(student, None)
        same = before is not None and student in kept and before.key == assignment.key(submission)
        if before and same and not force:
            on_result(before)
        else:
            yield submission


def read_submission(course: Path, chapter: str, student: str) -> Submission:
    """What a student handed in. Only the notebook and nbgrader's time stamp are looked at."""
    if not is_name(student):
        problem = f"its folder's name is not text of at most {MAX_NAME} characters: rename it"
        return Submission(student, problem=problem)
    folder = course / "submitted" / student / chapter
    file = folder / f"{chapter}.ipynb"
    if any(place.is_symlink() for place in (file, folder, folder.parent)):
        return Submission(
            student, problem="a symbolic link was handed in: it may lead to somebody else's work"
        )
    try:
        content = read_bytes(file)
    except Unreadable as error:
        return Submission(student, problem=str(error))
    return Submission(student, content, timestamp=_timestamp(folder / "timestamp.txt"))


def _timestamp(file: Path) -> str:
    from nbgrader.utils import parse_utc

    try:
        text = read_bytes(file)[:100].decode().strip()
        parse_utc(text)
    except ValueError:  # there is none, or it says nothing
        return ""
    return text


def _chain(first: Submission, rest: Iterator[Submission]) -> Iterator[Submission]:
    yield first
    yield from rest


@contextmanager
def _quiet() -> Any:
    """nbgrader's own log lines go to its results; an instructor sees rows instead."""
    from nbformat.warnings import DuplicateCellId, MissingIDFieldWarning
    from sqlalchemy.exc import SAWarning

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            # of nbgrader's own queries; of cells that repair gives ids
            for kind in (SAWarning, DuplicateCellId, MissingIDFieldWarning):
                warnings.simplefilter("ignore", kind)
            yield
    finally:
        root.setLevel(level)
