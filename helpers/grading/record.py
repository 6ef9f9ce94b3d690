"""The one writer of a class's marks: nbgrader's gradebook, graded notebooks, feedback.

It does for graded notebooks what nbgrader's ``SaveAutoGrades`` and ``AssignLatePenalties`` do, with
one open gradebook.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from nbgrader import api, utils
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import Index, Integer, func, inspect, select
from sqlalchemy.exc import OperationalError

from ..paths import write_text
from .assignment import Graded
from .feedback import Grade, feedback_page
from .results import Ledger, Result
from .submission import is_name

#: What nbgrader's tables are searched by and its schema has no index for: without one, the time
#: for a student grows with the class.
_SEARCHED = (("grade", "notebook_id"), ("comment", "notebook_id"),
             ("submitted_notebook", "assignment_id"))  # fmt: skip


class Recorder:
    """Writes what was graded into a course's folder and its gradebook.

    Parameters
    ----------
    db_url
        Of nbgrader's gradebook, which has the assignment.
    config
        nbgrader's traitlets config, as `helpers.grading.config.configure` makes it.
    """

    def __init__(self, course: Path, chapter: str, db_url: str, config: Any) -> None:
        self.course, self.chapter = course, chapter
        self.ledger = Ledger(course, chapter)
        self.gradebook = api.Gradebook(db_url, config.CourseDirectory.course_id)
        _add_indexes(self.gradebook)
        [notebook] = self.gradebook.find_assignment(chapter).notebooks
        self._grade_ids = {cell.id: cell.name for cell in notebook.grade_cells}
        self._solution_ids = {cell.id: cell.name for cell in notebook.solution_cells}
        self._max = {cell.name: float(cell.max_score) for cell in notebook.grade_cells}
        self._late = AssignLatePenalties(config=config)
        self._late.init_plugin()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.gradebook.close()

    def record(self, batch: Sequence[Graded]) -> list[Result]:
        """Write a batch: notebooks and feedback, then the gradebook, then the ledger's lines.

        Each can be written again: a run that is killed between them is gone on with by grading
        the batch once more.
        """
        results = [self._recorded(graded) for graded in batch]
        self.ledger.append(results)
        return results

    def _recorded(self, graded: Graded) -> Result:
        """Write one; an error costs this one only, unless the database itself is out of reach."""
        db = self.gradebook.db
        try:
            result = self._record(graded)
            db.commit()
        except OperationalError:
            raise
        except Exception as error:
            db.rollback()
            said = f"it was graded but could not be kept: {type(error).__name__}: {error}"
            # without a key, the next run tries again
            return replace(graded.result, status="failed", score=0.0, notes=(said[:300],), key="")
        return result

    def _record(self, graded: Graded) -> Result:
        result, student = graded.result, graded.result.student
        if not is_name(student):  # no database takes it; the result says so
            return result
        self.gradebook.update_or_create_student(student)
        late = {"timestamp": graded.timestamp} if graded.timestamp else {}
        submission = self.gradebook.update_or_create_submission(self.chapter, student, **late)
        [entry] = submission.notebooks
        notebook = graded.notebook and nbformat.v4.reads(graded.notebook)
        self._save_scores(student, entry, notebook)
        self._save_penalty(submission, entry)
        self._write_notebook(student, graded)
        return self._with_feedback(result, entry, notebook)

    def _save_scores(self, student: str, entry: Any, notebook: Any) -> None:
        """Set automatic scores and comments; those given by hand stay."""
        cells = _cells(notebook)
        for comment in self._rows(api.Comment, entry):
            cell = cells.get(self._solution_ids[comment.cell_id])
            comment.auto_comment = "No response." if cell and _unchanged(cell) else None
        for grade in self._rows(api.Grade, entry):
            name = self._grade_ids[grade.cell_id]
            cell, before = cells.get(name), grade.needs_manual_grade
            # what an earlier submission earned by itself is not this one's
            grade.auto_score = utils.determine_grade(cell)[0] if cell else 0
            grade.needs_manual_grade = cell is not None and grade.auto_score is None
            if cell and grade.manual_score is not None:  # to be looked at again, if it is new
                same = _answer(cells, name) == self._answer_before(student, name)
                grade.needs_manual_grade = before if same else True

    def _answer_before(self, student: str, name: str) -> str | None:
        """What the notebook that was graded before has for a graded cell."""
        file = self._autograded(student) / f"{self.chapter}.ipynb"
        if not file.is_file():
            return None
        return _answer(_cells(nbformat.v4.reads(file.read_text(encoding="utf-8"))), name)

    def _rows(self, table: Any, entry: Any) -> list[Any]:
        return list(self.gradebook.db.query(table).filter(table.notebook_id == entry.id))

    def _with_feedback(self, result: Result, entry: Any, notebook: Any) -> Result:
        """Write a student's feedback; returns the result with the gradebook's score."""
        grades = self._grades(entry)
        penalty = entry.late_submission_penalty or 0.0
        page = feedback_page(
            notebook,
            grades,
            student=result.student,
            chapter=self.chapter,
            status=result.status,
            notes=result.notes,
            repairs=result.repairs,
            penalty=penalty,
        )
        folder = self.course / "feedback" / result.student / self.chapter
        write_text(folder / f"{self.chapter}.html", page, errors="replace")
        return replace(
            result,
            score=max(0.0, sum(grade.score for grade in grades.values()) - penalty),
            max_score=sum(self._max.values()),
            waiting=any(grade.waiting for grade in grades.values()),
        )

    def _grades(self, entry: Any) -> dict[str, Grade]:
        """By cell: the score that counts, and what a person wrote."""
        comments = {
            self._solution_ids[comment.cell_id]: comment.manual_comment or ""
            for comment in self._rows(api.Comment, entry)
        }
        grades = {
            name: Grade(0.0, 0.0, comment=text)
            for name, text in comments.items()
            if text and name not in self._max
        }
        for grade in self._rows(api.Grade, entry):
            name, manual = self._grade_ids[grade.cell_id], grade.manual_score is not None
            grades[name] = Grade(
                score=(grade.manual_score if manual else grade.auto_score or 0.0)
                + (grade.extra_credit or 0.0),
                max_score=self._max[name],
                waiting=grade.needs_manual_grade,
                manual=manual,
                comment=comments.get(name, ""),
            )
        return grades

    def _save_penalty(self, submission: Any, entry: Any) -> None:
        entry.late_submission_penalty = None
        late = submission.total_seconds_late
        if late <= 0:
            return
        self.gradebook.db.flush()
        self.gradebook.db.refresh(entry, ["score"])
        plugin = self._late.plugin_inst
        penalty = plugin.late_submission_penalty(submission.student_id, entry.score, late)
        if penalty is not None:
            entry.late_submission_penalty = self._late._check_late_penalty(entry, penalty)

    def _write_notebook(self, student: str, graded: Graded) -> None:
        folder = self._autograded(student)
        if graded.notebook is None:
            shutil.rmtree(folder, ignore_errors=True)
            return
        write_text(folder / f"{self.chapter}.ipynb", graded.notebook)
        if graded.timestamp:
            write_text(folder / "timestamp.txt", graded.timestamp)

    def _autograded(self, student: str) -> Path:
        return self.course / "autograded" / student / self.chapter

    def feedback(self) -> Iterator[Result]:
        """Write every student's feedback anew, with the marks and comments given by hand."""
        for result in self.ledger.read().values():
            file = self._autograded(result.student) / f"{self.chapter}.ipynb"
            notebook = nbformat.read(file, as_version=4) if file.is_file() else None
            [entry] = self.gradebook.find_submission(self.chapter, result.student).notebooks
            yield self._with_feedback(result, entry, notebook)

    def students(self) -> set[str]:
        """Those whose submission of the chapter the gradebook has."""
        return set(self._scores())

    def finish(self) -> list[Result]:
        """The chapter's results, with the scores that the gradebook has now."""
        return self.ledger.compact(self._scores())

    def _scores(self) -> dict[str, tuple[float, bool]]:
        """By student: the score less any penalty, and whether an answer waits for a person."""
        submission, entry, grade = api.SubmittedAssignment, api.SubmittedNotebook, api.Grade
        query = (
            select(
                submission.student_id,
                func.sum(grade.score),
                func.min(func.coalesce(entry.late_submission_penalty, 0.0)),
                func.max(grade.needs_manual_grade.cast(Integer)),
            )
            .join(api.Assignment, api.Assignment.id == submission.assignment_id)
            .join(entry, entry.assignment_id == submission.id)
            .join(grade, grade.notebook_id == entry.id)
            .where(api.Assignment.name == self.chapter)
            .group_by(submission.student_id)
        )
        rows = self.gradebook.db.execute(query)
        return {who: (max(0.0, score - late), bool(wait)) for who, score, late, wait in rows}


def _cells(notebook: Any) -> dict[str, Any]:
    """The cells of the release, by their ids."""
    cells = [cell for cell in (notebook.cells if notebook else ()) if "nbgrader" in cell.metadata]
    return {cell.metadata.nbgrader["grade_id"]: cell for cell in cells}


def _answer(cells: dict[str, Any], name: str) -> str | None:
    """What a graded cell is about: the exercise's cell of a check, a question's own."""
    cell = cells.get(name.removeprefix("check-"))
    return str(cell.source) if cell else None


def _unchanged(cell: Any) -> bool:
    return bool(cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell))


def _add_indexes(gradebook: Any) -> None:
    found = inspect(gradebook.engine)
    for table, column in _SEARCHED:
        if not any(i["column_names"][:1] == [column] for i in found.get_indexes(table)):
            index = Index(f"layerwise_{table}_{column}", api.Base.metadata.tables[table].c[column])
            index.create(gradebook.engine, checkfirst=True)
            # it is not part of nbgrader's own schema
            api.Base.metadata.tables[table].indexes.discard(index)
