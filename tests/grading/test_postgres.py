"""The gradebook in PostgreSQL: nbgrader's own API on a real server gives SQLite's marks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook, get_alembic_version
from nbgrader.dbutil import upgrade
from sqlalchemy import create_engine, text

from helpers.grading.classroom import grade_class
from helpers.grading.config import configure
from helpers.grading.sample import sample_class, write_sample_class
from helpers.publishing.publish import Places, write_course
from tests.conftest import SANDBOX
from tests.grading import postgres
from tests.grading.test_classroom import BUDGET, CHAPTER, ROOT, notebooks

STUDENTS = ["cleo-half-right", "eve-wrong"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as running:
        yield running


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course's folder with the sample class, nothing graded."""
    write_sample_class(CHAPTER, *notebooks(), tmp_path)
    write_course(Places(ROOT), tmp_path, [CHAPTER])
    return tmp_path


def in_database(url: str) -> dict[str, float]:
    """By student, the points that a database holds, asked without nbgrader."""
    engine = create_engine(url)
    query = text(
        "SELECT student_id, SUM(auto_score) FROM grade"
        " JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id"
        " JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id"
        " GROUP BY student_id"
    )
    with engine.connect() as connection:
        found = {student: float(points) for student, points in connection.execute(query)}
    engine.dispose()
    return found


def nbgraders_own(course: Path, url: str) -> Any:
    """nbgrader's API on a database, with our judge."""
    from nbgrader.apps.api import NbGraderAPI
    from traitlets.config import Config

    config = configure(Config(), course)
    config.CourseDirectory.db_url = url
    config.Judge.sandbox = SANDBOX
    config.Judge.cell_timeout = config.Judge.exercise_timeout = BUDGET.cell
    return NbGraderAPI(config=config)


def deserved() -> dict[str, float]:
    points = {student: points for student, (_, points) in sample_class(*notebooks()).items()}
    assert 0 == points[STUDENTS[1]] < points[STUDENTS[0]]
    return {student: points[student] for student in STUDENTS}


def test_nbgraders_api_gives_the_same_marks_as_on_sqlite(
    server: postgres.Server, course: Path
) -> None:
    """So is all that formgrader lists, also after one submission is graded again."""
    listed = []
    urls = [f"sqlite:///{course / 'here.db'}", server.database("api")]
    for url in urls:
        api = nbgraders_own(course, url)
        made = api.generate_assignment(CHAPTER, force=True)
        assert made["success"], made["log"]
        for student in [*STUDENTS, STUDENTS[0]]:
            done = api.autograde(CHAPTER, student, force=True)
            assert done["success"], done["log"]
        assert api.generate_feedback(CHAPTER, STUDENTS[0], force=True)["success"]
        assert in_database(url) == deserved()
        listed.append(without_ids([api.get_submissions(CHAPTER), api.get_students()]))
    assert listed[0] == listed[1]
    graded = {s["student"]: s["score"] for s in listed[1][0] if s["autograded"]}
    assert graded == deserved()
    assert not (course / "gradebook.db").exists()


def without_ids(lists: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """What the API lists, in one order, without the ids that each database makes up."""
    plain = [[{k: v for k, v in row.items() if k != "id"} for row in rows] for rows in lists]
    return [sorted(rows, key=str) for rows in plain]


def test_a_class_is_graded_into_the_database_of_the_courses_own_file(
    server: postgres.Server, course: Path
) -> None:
    url = server.database("classroom")
    (course / "nbgrader_config.py").write_text(
        f'c = get_config()\nc.CourseDirectory.db_url = "{url}"\n', encoding="utf-8"
    )
    rows = grade_class(CHAPTER, course, students=STUDENTS, budget=BUDGET, sandbox=SANDBOX)
    assert {row.student: row.score for row in rows} == deserved()
    assert {row.status for row in rows} == {"graded"}
    assert in_database(url) == deserved()
    assert not (course / "gradebook.db").exists()


def test_a_new_database_has_nothing_to_upgrade(server: postgres.Server) -> None:
    """nbgrader makes its tables at the first opening; ``nbgrader db upgrade`` then runs through."""
    url = server.database("upgrade")
    with Gradebook(url, "layerwise") as gradebook:
        gradebook.add_student("ada")
    upgrade(url)
    with Gradebook(url, "layerwise") as gradebook:
        assert [student.id for student in gradebook.students] == ["ada"]
        versions = gradebook.db.execute(text("SELECT version_num FROM alembic_version")).all()
        assert versions == [(get_alembic_version(),)]
