"""Every other chapter attacked too: by what can be laid over any chapter's notebook."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from helpers.exercises import exercises
from helpers.grading.assignment import Budget
from helpers.grading.marking import forbidden_modules, judge_notebook
from helpers.grading.repair import realign
from helpers.grading.session import Nursery
from helpers.grading.submission import Unreadable, parse_notebook
from helpers.grading.task import repair
from helpers.paths import course_root
from helpers.publishing.learner import learner_notebook, solved_notebook
from helpers.publishing.publish import Places, editions

from .corpus import edited_notebooks, edits, harmless, patched_libraries, rigged_objects
from .corpus.attack import FULL, Attack

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]
CHAPTERS = sorted({e.chapter for e in exercises()} - {edits.CHAPTER})
#: Only in chapter 2 is nothing of a setup cell needed before an answer is called.
NOT_EVERYWHERE = ("reversed",)
KINDS = (rigged_objects, patched_libraries, edited_notebooks, harmless)
BUDGET = Budget(cell=20, exercise=20, notebook=60)


def chosen() -> list[Attack]:
    """Attacks whose outcome is nothing or everything, of the kinds that fit any chapter."""
    found = [attack for kind in KINDS for attack in kind.ATTACKS]
    fit = [a for a in found if a.defended and a.name not in NOT_EVERYWHERE]
    return [a for a in fit if a.expect.points in (0.0, FULL)]


def made(attack: Attack, learner: Any, solved: Any) -> bytes | None:
    """The attack on this chapter, or nothing if it is on something that only chapter 2 has."""
    try:
        return attack.make(learner, solved)
    except (StopIteration, KeyError, IndexError, ValueError):
        return None


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.filterwarnings("ignore:Non-unique cell id", "ignore:Cell is missing an id")
def test_no_chapter_is_exempt(chapter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = course_root()
    assert root is not None
    [(_, source, _)] = editions(Places(root), [chapter])
    learner, solved = learner_notebook(source), solved_notebook(source)
    points = {e.name: float(e.statement.points) for e in exercises(chapter)}
    monkeypatch.setattr(edits, "POINTS", points)
    tried = 0
    with Nursery(forbidden_modules(chapter)) as nursery:
        for attack in chosen():
            content = made(attack, learner, solved)
            if content is None:
                continue
            tried += 1
            try:
                notebook = repair(parse_notebook(content, "submitted.ipynb"), learner)
            except Unreadable:
                assert attack.expect.points == 0, attack.name
                continue
            judged = judge_notebook(notebook, learner, seed="s", nursery=nursery, budget=BUDGET)
            gained = {n: v.points for n, v in judged.verdicts.items() if v.points}
            if attack.expect.points == 0:
                assert not gained, attack.name
            else:
                assert gained == points, (attack.name, judged.notes)
    assert tried >= 40 and realign(solved, learner).notes == []
    print(f"{chapter}: {tried} attacks, none gained a mark")
