"""Where the course's own folders are, in a checkout or a package, and files written whole."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).parent


def course_root() -> Path | None:
    """The checkout that this package is imported from, or None if it is installed elsewhere."""
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "solutions").is_dir() else None


def course_folder(name: str) -> Path:
    """The folder ``chapters`` or ``solutions`` of the checkout, or the wheel's copy of it.

    Raises
    ------
    FileNotFoundError
        If there is neither.
    """
    for place in (course_root(), _PACKAGE / "_course"):
        if place is not None and (place / name).is_dir():
            return place / name
    raise FileNotFoundError(
        f"the folder {name!r} was found neither beside helpers nor in it: install layerwise anew, "
        "or work in a checkout of the course"
    )


def write_text(file: Path, text: str, errors: str = "strict") -> None:
    """Write a file beside its place, then rename it, so that it is never half-written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8", errors=errors)
    beside.replace(file)
