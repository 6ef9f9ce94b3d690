"""The corpus of hostile notebooks, judged: no mark gained, nothing left behind, all in its time."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from helpers.grading import session
from helpers.grading.assignment import Budget
from helpers.grading.marking import Judged, forbidden_modules, judge_notebook
from helpers.grading.repair import realign
from helpers.grading.session import Nursery
from helpers.grading.submission import Unreadable, read_notebook
from tests.grading.test_classroom import notebooks

from .corpus import ATTACKS
from .corpus.attack import FULL, MARKER, Attack
from .corpus.edits import CHAPTER

pytestmark = [
    pytest.mark.filterwarnings("ignore:Non-unique cell id"),
    pytest.mark.filterwarnings("ignore:Cell is missing an id"),
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]

BUDGET = Budget(cell=4, exercise=4, notebook=20)
#: Seconds that reading, starting, and ending may take beyond the budget.
GRACE = 5.0
SEED = "attack-seed"

#: What happened, for the table: (name, what it tries, points, outcome, seconds, defended).
TABLE: list[tuple[str, str, float, str, float, bool]] = []


@pytest.fixture(scope="module")
def made() -> tuple[Any, Any]:
    return notebooks()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where this module's sessions make their folders."""
    before, tempfile.tempdir = tempfile.tempdir, str(tmp_path_factory.mktemp("scratch"))
    yield Path(tempfile.tempdir)
    tempfile.tempdir = before


@pytest.fixture(scope="module")
def nursery(scratch: Path) -> Iterator[Nursery]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LW_ATTACK_SECRET", "LW_ATTACK")
        # a warm process that does not answer is waited for: not for minutes here
        patch.setattr(session, "_START_TIMEOUT", 26.0)
        with Nursery(forbidden_modules(CHAPTER)) as made:
            yield made


@pytest.fixture(scope="module")
def small(source: Any) -> tuple[Any, Any]:
    """A small honest notebook: as handed out, and solved."""
    from helpers.publishing.learner import learner_notebook, solved_notebook

    return learner_notebook(source), solved_notebook(source)


def grade(file: Path, release: Any, nursery: Nursery) -> tuple[str, Judged | None]:
    """How it ended, and what came out, as for a row of the class."""
    try:
        notebook = realign(read_notebook(file), release).notebook
    except Unreadable as error:
        assert str(error)
        return "unreadable", None
    judged = judge_notebook(notebook, release, seed=SEED, nursery=nursery, budget=BUDGET)
    return judged.status, judged


def left_behind() -> list[str]:
    """Processes by the marker's name, anywhere on this machine, and files of it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "comm").read_text().strip() == MARKER:
                found.append(str(process))
    places = (Path("/tmp"), Path("/dev/shm"), Path.cwd(), Path.home())
    return found + [str(p / MARKER) for p in places if (p / MARKER).exists()]


def marked(attack: Attack) -> Any:
    return pytest.param(attack, id=attack.name)


def test_the_corpus_is_large_and_its_names_are_its_own() -> None:
    assert len(ATTACKS) >= 45
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("attack", [marked(attack) for attack in ATTACKS])
def test_an_attack_gains_and_leaves_nothing(
    attack: Attack,
    made: tuple[Any, Any],
    nursery: Nursery,
    small: tuple[Any, Any],
    scratch: Path,
    tmp_path: Path,
) -> None:
    file = tmp_path / "submitted.ipynb"
    file.write_bytes(attack.make(*made))
    judge_one(attack, file, made[0], nursery, small, scratch)


def judge_one(
    attack: Attack,
    file: Path,
    release: Any,
    nursery: Nursery,
    small: tuple[Any, Any],
    scratch: Path,
) -> None:
    """The asserts of one attack, and of the honest notebook after it."""
    start = time.monotonic()
    outcome, judged = grade(file, release, nursery)
    seconds = time.monotonic() - start
    points = judged.points if judged else 0.0
    TABLE.append((attack.name, attack.what, points, outcome, seconds, attack.defended))
    assert seconds < BUDGET.notebook + GRACE
    assert outcome in ("graded", "unreadable", "time", "lost")
    if attack.defended:
        assert outcome in attack.expect.outcome.split(), judged and judged.notes
        assert points <= attack.expect.points, judged and right_ones(judged)
        if attack.expect.exactly:
            assert points == attack.expect.points, judged and wrong_ones(judged)
    if judged:
        assert judged.max_points == FULL
        assert judged.status == "graded" or judged.notes
        told = [*judged.notes, *judged.outputs.values()]
        assert not [text for text in told if "lw-leak:" in text.replace("'lw-leak:", "")]
        lines = [line for verdict in judged.verdicts.values() for line in verdict.lines]
        assert max(len(text) for line in lines for text in (line.message, line.public)) < 5000
        kept = sum(x.nbytes for line in lines if isinstance(x := line.actual, torch.Tensor))
        assert kept < 64 * 2**20, "the judge keeps what was answered"
    assert not left_behind() and not list(scratch.iterdir())
    if attack.nasty:
        release, honest = small
        following = judge_notebook(
            realign(honest, release).notebook, release, seed=SEED, nursery=nursery, budget=BUDGET
        )
        assert (following.status, following.points) == ("graded", 4.0)


def right_ones(judged: Judged) -> list[str]:
    return [name for name, verdict in judged.verdicts.items() if verdict.points]


def wrong_ones(judged: Judged) -> list[tuple[str, str]]:
    return [
        (name, next(line.message for line in verdict.lines if not line.right))
        for name, verdict in judged.verdicts.items()
        if verdict.points < verdict.max_points
    ]


NO_FILES: dict[str, Callable[[Path], None]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "socket": lambda file: os.mknod(file, stat.S_IFSOCK | 0o600),
    "link-to-endless": lambda file: file.symlink_to("/dev/zero"),
    "link-to-terminal": lambda file: file.symlink_to("/dev/tty"),
    "link-to-nothing": lambda file: file.symlink_to("nothing"),
    "link-to-itself": lambda file: file.symlink_to(file.name),
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_unreadable_at_once(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "submitted.ipynb"
    NO_FILES[kind](file)
    with not_waiting(), pytest.raises(Unreadable, match=r"submitted\.ipynb"):
        read_notebook(file)


@contextlib.contextmanager
def not_waiting(seconds: float = 2.0) -> Iterator[None]:
    """Fail if it takes longer, though nobody ever writes into a pipe."""

    def fail(*_: Any) -> None:
        pytest.fail(f"still waiting after {seconds} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_the_table() -> None:
    """With ``-s``: what each tried, and what came of it."""
    for name, what, points, outcome, seconds, defended in TABLE:
        note = "" if defended else " (not defended)"
        print(f"{name:26} {points:4.0f}/{FULL:.0f} {outcome:10} {seconds:5.1f} s  {what}{note}")
    assert len({row[0] for row in TABLE}) == len(TABLE), "an attack was judged twice"
