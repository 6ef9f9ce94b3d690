"""The course's seed: what makes the random cases of the marks. Its owner's alone."""

from __future__ import annotations

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
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        seed = file.read_text(encoding="ascii").strip()
        if not seed:
            raise ValueError(f"{file} is empty: remove it, and a new one is made") from None
        return seed
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        seed = secrets.token_hex(16)
        opened.write(seed + "\n")
    return seed
