"""The course's seed: what makes the random cases of the marks. Its owner's alone."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def course_seed(course: Path) -> str:
    """The seed in ``course/seed``, made at first use, readable by its owner alone.

    Raises
    ------
    ValueError
        If the file is there and empty.
    """
    file = course / "seed"
    if not file.exists():
        _make(file)
    seed = file.read_text(encoding="ascii").strip()
    if not seed:
        raise ValueError(f"{file} is empty: remove it, and a new one is made")
    return seed


def _make(file: Path) -> None:
    """Write a new seed beside, then link it: it is there whole or not at all, and only once."""
    beside = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(secrets.token_hex(16) + "\n")
    with contextlib.suppress(FileExistsError):
        os.link(beside, file)
    beside.unlink()
