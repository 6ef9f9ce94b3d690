"""Hostile and broken notebooks, made by code from a published chapter.

Each `Attack` says what it tries, how its file is made and what must become of it. Most cheats are
laid over wrong answers (bodies that return None), so that a mark gained would show.
"""

from __future__ import annotations

from . import (
    broken_files,
    edited_notebooks,
    ending_processes,
    escaping,
    exhausting,
    forged_replies,
    guessed_answers,
    harmless,
    not_defended,
    patched_ipython,
    patched_libraries,
    reading_answers,
    rigged_objects,
)
from .attack import Attack

#: Honest work first, to see that all works; then by the means of the attack.
ATTACKS: list[Attack] = [
    *harmless.ATTACKS,
    *rigged_objects.ATTACKS,
    *patched_libraries.ATTACKS,
    *patched_ipython.ATTACKS,
    *edited_notebooks.ATTACKS,
    *reading_answers.ATTACKS,
    *guessed_answers.ATTACKS,
    *forged_replies.ATTACKS,
    *ending_processes.ATTACKS,
    *exhausting.ATTACKS,
    *escaping.ATTACKS,
    *broken_files.ATTACKS,
    *not_defended.ATTACKS,
]
