"""A question: nbgrader leaves it to a person, and formgrader's mark stays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import IdentityProvider, User
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.server_extensions.formgrader.apihandlers import default_handlers
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from traitlets.config import Config

from helpers.exercises import definition, exercises, question, questions
from helpers.exercises.convolution_arithmetic import statements
from helpers.grading.config import configure
from helpers.paths import course_root
from helpers.publishing.learner import learner_notebook, notebook_text, solved_notebook
from helpers.publishing.publish import Places, editions, write_course
from tests.conftest import SANDBOX

ROOT = course_root()
assert ROOT is not None
CHAPTER = "02_convolution_arithmetic"
NAME = "output-padding"
ANSWER = "What is left over on the right is not read, so 7, 8 and 9 give 3. *It says which.*"
AUTOMATIC = sum(e.statement.points for e in exercises(CHAPTER))


def test_questions_are_found_by_chapter_and_name() -> None:
    assert NAME in [q.name for q in questions()]
    assert list(questions("01_nn_module")) == []
    assert question(NAME) in questions(CHAPTER)
    with pytest.raises(ValueError, match="no question is called 'output-pading'; did you mean"):
        question("output-pading")


def test_an_exercise_and_a_question_have_different_names(monkeypatch: pytest.MonkeyPatch) -> None:
    double = definition.Question("same-padding", "A double", 1, 5, ("something",))
    monkeypatch.setattr(statements, "QUESTIONS", (double,))
    with pytest.raises(ValueError, match="two exercises or questions are called 'same-padding'"):
        definition._catalogue.__wrapped__()


@pytest.mark.parametrize("wrong", [{"points": 0}, {"minutes": 0}, {"criteria": ()}])
def test_a_question_is_worth_something_and_says_for_what(wrong: dict[str, Any]) -> None:
    right = {"name": "n", "title": "N", "points": 1, "minutes": 5, "criteria": ("something",)}
    definition.Question(**right)
    with pytest.raises(ValueError, match="n needs positive points and minutes, and criteria"):
        definition.Question(**right | wrong)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> NbGraderAPI:
    """A course where ada answered everything and ben nothing, graded by nbgrader."""
    course = tmp_path_factory.mktemp("course")
    [(_, source, _)] = editions(Places(ROOT), [CHAPTER])
    answered = solved_notebook(source)
    [cell] = [c for c in answered.cells if c["id"] == NAME]
    cell.source = ANSWER
    for student, notebook in {"ada": answered, "ben": learner_notebook(source)}.items():
        file = course / "submitted" / student / CHAPTER / f"{CHAPTER}.ipynb"
        file.parent.mkdir(parents=True)
        file.write_text(notebook_text(notebook), encoding="utf-8")
    write_course(Places(ROOT), course, [CHAPTER])
    config = configure(Config(), course)
    config.Judge.sandbox = SANDBOX
    api = NbGraderAPI(config=config)
    succeeded(api.generate_assignment(CHAPTER))
    for student in ("ada", "ben"):
        succeeded(api.autograde(CHAPTER, student))
    return api


def succeeded(done: dict[str, Any]) -> None:
    assert done["success"], done


@contextmanager
def gradebook(api: NbGraderAPI) -> Iterator[Gradebook]:
    with Gradebook(api.coursedir.db_url, api.coursedir.course_id) as opened:
        yield opened


@pytest.mark.slow
def test_an_answer_waits_for_a_person(api: NbGraderAPI) -> None:
    with gradebook(api) as book:
        grade = book.find_grade(NAME, CHAPTER, CHAPTER, "ada")
        assert (grade.auto_score, grade.needs_manual_grade) == (None, True)
        assert grade.max_score == question(NAME).points
        submission = book.find_submission(CHAPTER, "ada")
        assert submission.needs_manual_grade
        assert submission.score == AUTOMATIC
        assert submission.max_score == AUTOMATIC + question(NAME).points


@pytest.mark.slow
def test_an_untouched_stub_earns_nothing_and_waits_for_nobody(api: NbGraderAPI) -> None:
    with gradebook(api) as book:
        grade = book.find_grade(NAME, CHAPTER, CHAPTER, "ben")
        assert (grade.auto_score, grade.needs_manual_grade) == (0, False)
        comment = book.find_comment(NAME, CHAPTER, CHAPTER, "ben")
        assert comment.auto_comment == "No response."
        submission = book.find_submission(CHAPTER, "ben")
        assert (submission.score, submission.needs_manual_grade) == (0, False)


@pytest.mark.slow
def test_formgraders_mark_stays_when_graded_again_and_is_in_the_feedback(
    api: NbGraderAPI,
) -> None:
    with gradebook(api) as book:
        grade = book.find_grade(NAME, CHAPTER, CHAPTER, "ada").id
        comment = book.find_comment(NAME, CHAPTER, CHAPTER, "ada").id
        told = formgrader(book, f"grade/{grade}", {"manual_score": 1.5, "extra_credit": None})
        assert (told["manual_score"], told["needs_manual_grade"]) == (1.5, False)
        formgrader(book, f"comment/{comment}", {"manual_comment": "And why not 3?"})
        assert book.find_submission(CHAPTER, "ada").score == AUTOMATIC + 1.5
    succeeded(api.autograde(CHAPTER, "ada"))
    with gradebook(api) as book:
        assert book.find_grade(NAME, CHAPTER, CHAPTER, "ada").manual_score == 1.5
        assert book.find_submission(CHAPTER, "ada").score == AUTOMATIC + 1.5
    succeeded(api.generate_feedback(CHAPTER, "ada"))
    folder = Path(api.coursedir.root) / "feedback" / "ada" / CHAPTER
    feedback = (folder / f"{CHAPTER}.html").read_text(encoding="utf-8")
    assert "And why not 3?" in feedback and "<em>It says which.</em>" in feedback


class Instructor(IdentityProvider):
    """Lets everybody in: the server is this test's own."""

    def get_user(self, handler: Any) -> User:
        return User("instructor")


def formgrader(book: Gradebook, path: str, body: dict[str, Any]) -> Any:
    """What formgrader's page sends when a person has graded, put to its own handlers."""
    application = Application(
        default_handlers,
        base_url="/",
        disable_check_xsrf=True,
        identity_provider=Instructor(),
        nbgrader_bad_setup=False,
        nbgrader_gradebook=book,
    )

    async def put() -> bytes:
        socket, port = bind_unused_port()
        server = HTTPServer(application)
        server.add_socket(socket)
        url = f"http://127.0.0.1:{port}/formgrader/api/{path}"
        try:
            answer = await AsyncHTTPClient().fetch(url, method="PUT", body=json.dumps(body))
        finally:
            server.stop()
        return answer.body

    return json.loads(asyncio.run(put()))
