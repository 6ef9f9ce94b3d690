"""Submissions graded in parallel by Dask: on this machine's cores, or on a cluster's.

A worker holds a warm process for each of its threads (`Nursery`) and the assignment; a task is one
submission. Only a few are on their way at a time, so that memory does not grow with the class.
"""

from __future__ import annotations

import logging
import os
import queue
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

import dask
from distributed import Client, LocalCluster, Worker, as_completed, get_worker
from distributed.comm.core import CommClosedError
from distributed.diagnostics.plugin import WorkerPlugin
from distributed.scheduler import KilledWorker

from .assignment import Assignment, Graded, Submission, definitions
from .results import Result
from .sandbox import NoSandbox

if TYPE_CHECKING:
    from .session import Nursery

_PLUGIN = "layerwise-grading"
#: Submissions on their way for each thread: one is graded, the others wait at its side.
_AHEAD = 3
_SETTINGS = {
    "distributed.scheduler.allowed-failures": 3,
    "distributed.comm.timeouts.connect": "30s",
    "distributed.admin.large-graph-warning-threshold": "1GB",
    # each entry keeps a notebook alive
    "distributed.admin.low-level-log-length": 50,
}


class Grading(WorkerPlugin):
    """What each worker sets up once: the assignment, and a warm process a thread."""

    name = _PLUGIN

    def __init__(self, assignment: Assignment) -> None:
        self.assignment, self.definitions = assignment, definitions()

    def setup(self, worker: Worker) -> None:
        if definitions() != self.definitions:
            raise RuntimeError(
                f"worker {worker.address} has another version of layerwise or torch than this "
                "process: install the same on both"
            )
        from .marking import forbidden_modules
        from .session import Nursery

        absent = forbidden_modules(self.assignment.chapter)
        self.free: queue.Queue[Nursery] = queue.Queue()
        for _ in range(worker.state.nthreads):
            self.free.put(Nursery(absent, sandbox=self.assignment.sandbox))

    def teardown(self, worker: Worker) -> None:
        while not self.free.empty():
            self.free.get().close()

    def grade(self, submission: Submission) -> Graded:
        """Grade a submission in a process that nobody else uses meanwhile."""
        from .task import grade_submission

        nursery = self.free.get()
        try:
            return grade_submission(self.assignment, submission, nursery)
        finally:
            self.free.put(nursery)


def _grade(submission: Submission) -> Graded:
    return get_worker().plugins[_PLUGIN].grade(submission)  # type: ignore[attr-defined]


def cores() -> int:
    """How many cores this process may use."""
    known = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(known(0)) if known else os.cpu_count() or 1


@contextmanager
def cluster(workers: int = 1, scheduler: str | None = None) -> Iterator[Client]:
    """A client of the scheduler at this address, or of a cluster of our own on this machine.

    Parameters
    ----------
    workers
        Processes of a cluster of our own; one is a thread of this process.
    scheduler
        ``tcp://host:8786``, of a Dask cluster whose workers have the same layerwise.
    """
    with dask.config.set(_SETTINGS):
        if scheduler:
            with Client(scheduler, timeout=30) as client:
                yield client
            return
        with (
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=workers > 1,
                # on a machine with other users, nobody else may send tasks
                security=workers > 1 or None,
                dashboard_address=None,
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            ) as local,
            Client(local) as client,
        ):
            yield client


def grade_all(
    client: Client, assignment: Assignment, submissions: Iterable[Submission]
) -> Iterator[list[Graded]]:
    """Grade submissions as workers are free; yields what is ready, in batches, in no order.

    Raises
    ------
    NoSandbox
        If a worker cannot run learners' code.
    """
    _register(client, Grading(assignment))
    try:
        yield from _stream(client, assignment, iter(submissions))
    finally:
        client.unregister_worker_plugin(_PLUGIN)


def _register(client: Client, plugin: Grading) -> None:
    for left in reversed(range(3)):
        try:
            client.register_plugin(plugin)
            return
        except CommClosedError:  # a worker died meanwhile: the others are asked again
            if not left:
                raise


def _stream(
    client: Client, assignment: Assignment, submissions: Iterator[Submission]
) -> Iterator[list[Graded]]:
    students: dict[Any, str] = {}
    ready = as_completed()

    def add(submission: Submission) -> None:
        future = client.submit(_grade, submission, pure=False)
        students[future.key] = submission.student
        ready.add(future)

    ahead = _AHEAD * max(1, sum(client.nthreads().values()))
    for submission in islice(submissions, ahead):
        add(submission)
    for batch in ready.batches() if students else ():
        graded = [_result(future, students.pop(future.key), assignment) for future in batch]
        for submission in islice(submissions, len(graded)):
            add(submission)
        yield graded


def _result(future: Any, student: str, assignment: Assignment) -> Graded:
    try:
        return future.result()
    except NoSandbox:
        raise
    except KilledWorker:
        note = "the processes that graded it ended again and again: is the machine out of memory?"
    except Exception as error:
        note = f"{type(error).__name__}: {error}"[:300]
    failed = Result(student, assignment.chapter, status="failed", notes=(note,))
    return Graded(failed)
