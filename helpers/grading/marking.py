"""One notebook judged: its cells run in a process apart, its answers are compared here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..exercises import exercise, exercises
from ..exercises.attempt import Outcome
from ..exercises.definition import Case, Exercise
from ..exercises.judge import Verdict, judge
from .assignment import Budget
from .session import Ended, Nursery, Session
from .submission import is_check


@dataclass
class Judged:
    """The result of a notebook.

    Attributes
    ----------
    verdicts
        By exercise.
    outputs
        By a cell's place: what it printed, or its error.
    notes
        What an instructor should know: cells stopped, a process that ended.
    status
        ``graded``, or ``time`` if some of it was stopped because its time was up, or ``lost`` if
        the process ended itself.
    """

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    outputs: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    status: str = "graded"

    @property
    def points(self) -> float:
        return sum(verdict.points for verdict in self.verdicts.values())

    @property
    def max_points(self) -> float:
        return sum(verdict.max_points for verdict in self.verdicts.values())


def judge_notebook(
    notebook: Any,
    release: Any,
    *,
    seed: int | str,
    nursery: Nursery,
    earlier: Sequence[Any] = (),
    budget: Budget | None = None,
    on_verdict: Callable[[Verdict], None] = lambda verdict: None,
) -> Judged:
    """Run a realigned notebook and judge its exercises.

    Setup cells, exercise cells and the learner's own run in their order; the demonstrations of
    the release do not; a check cell is where its exercise is judged. A cell or an exercise that
    spends its time is left out of a new process that runs the rest.

    Parameters
    ----------
    notebook, release
        The submission, realigned, and the notebook that was handed out.
    earlier
        Releases before it, whose demonstrations are not run either.
    seed
        Makes the random cases.
    nursery
        Where the learner's process comes from; see `forbidden_modules`.
    """
    budget = budget or Budget()
    grading = _Grading(notebook, [release, *earlier], seed, nursery, budget, on_verdict)
    grading.run()
    return grading.judged


def forbidden_modules(chapter: str) -> list[str]:
    """The references that a chapter's exercises forbid: absent while its notebooks run."""
    return sorted({m for e in exercises(chapter) for m in e.statement.forbid.modules})


class _Grading:
    """The state of one notebook's grading: what was judged, what must not be run again."""

    def __init__(
        self,
        notebook: Any,
        releases: Sequence[Any],
        seed: int | str,
        nursery: Nursery,
        budget: Budget,
        on_verdict: Callable[[Verdict], None],
    ) -> None:
        self.cells = list(notebook.cells)
        self.demonstrations = {
            cell.source.strip()
            for release in releases
            for cell in release.cells
            if cell.cell_type == "code" and "nbgrader" not in cell.metadata
        }
        self.nursery = nursery
        self.seed, self.budget, self.on_verdict = seed, budget, on_verdict
        self.deadline = time.monotonic() + budget.notebook
        self.skipped: set[int] = set()
        self.judged = Judged()

    def run(self) -> None:
        while self._pass():
            """Once more, without the cell that ended the process."""
        for cell in self.cells:  # those that were never reached
            if (name := is_check(cell)) and name not in self.judged.verdicts:
                self._keep(_failed(exercise(name), "time", "the notebook's time was up"))

    def _pass(self) -> bool:
        """Run all cells in one process; whether another pass is needed."""
        if time.monotonic() >= self.deadline:
            self._note("time", "the notebook's time was up")
            return False
        with Session(self.nursery) as session:
            for place in self._places():
                try:
                    self._do(session, place)
                except Ended as ended:
                    self._ended(place, ended)
                    return True
            return self._again(session)

    def _again(self, session: Session) -> bool:
        """Judge once more what was not there yet at its check: cells may have changed places."""
        for place, cell in enumerate(self.cells):
            name = is_check(cell)
            if name and place not in self.skipped and not self.judged.verdicts[name].attempted:
                try:
                    verdict = self._judge(session, exercise(name))
                except Ended as ended:
                    self._ended(place, ended)
                    return True
                if verdict.attempted:
                    self._keep(verdict)
        return False

    def _places(self) -> Iterator[int]:
        for place, cell in enumerate(self.cells):
            published = cell.source.strip() in self.demonstrations
            if cell.cell_type == "code" and not published and place not in self.skipped:
                yield place

    def _left(self, seconds: float) -> float:
        return min(seconds, self.deadline - time.monotonic())

    def _do(self, session: Session, place: int) -> None:
        cell = self.cells[place]
        if name := is_check(cell):
            if name not in self.judged.verdicts:
                self._keep(self._judge(session, exercise(name)))
            return
        reply = session.run(cell.source, self._left(self.budget.cell))
        self.judged.outputs[place] = reply["error"] or reply["output"]

    def _judge(self, session: Session, asked: Exercise) -> Verdict:
        left = self.budget.exercise  # of the learner's process: the judge's own time is not theirs
        ended: list[Ended] = []

        def run(case: Case) -> Outcome:
            nonlocal left
            start = time.monotonic()
            try:
                return session.probe(asked, case.inputs, self._left(left))
            except Ended as error:
                ended.append(error)
                return Outcome(failure=error.kind, message=error.reason)
            finally:
                left -= time.monotonic() - start

        verdict = judge(asked, run, self.seed)
        if ended:
            self._keep(verdict)
            raise ended[0]
        return verdict

    def _keep(self, verdict: Verdict) -> None:
        self.judged.verdicts[verdict.exercise.name] = verdict
        self.on_verdict(verdict)

    def _ended(self, place: int, ended: Ended) -> None:
        self.skipped.add(place)
        name = is_check(self.cells[place])
        what = f"exercise {name}" if name else f"cell {place + 1}"
        self._note(ended.kind, f"{what}: {ended.reason}")
        if not name:
            self.judged.outputs[place] = ended.reason

    def _note(self, status: str, note: str) -> None:
        self.judged.status = status
        self.judged.notes.append(note)


def _failed(asked: Exercise, failure: str, message: str) -> Verdict:
    return judge(asked, lambda case: Outcome(failure=failure, message=message))
