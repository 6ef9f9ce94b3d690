"""Reading what was handed in, which may be anything."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import nbformat

from ..exercises import exercise, exercises

#: A notebook without outputs is some tens of kilobytes; one with pictures a few megabytes.
MAX_BYTES = 50 * 2**20
#: A chapter has about a hundred cells.
MAX_CELLS = 5000
#: nbgrader's tables hold a student's name of this length.
MAX_NAME = 128


class Unreadable(ValueError):
    """What was handed in is not a notebook. The message says why, in a learner's words."""


def is_name(student: str) -> bool:
    """Whether a folder's name can be a student's in nbgrader's tables."""
    try:
        return 0 < len(student.encode().decode()) <= MAX_NAME
    except UnicodeEncodeError:
        return False


def read_notebook(file: Path) -> Any:
    """A notebook in format 4, whatever version it was written in.

    Raises
    ------
    Unreadable
        If there is no such file, or it is too large, not UTF-8, not JSON, or not a notebook.
    """
    return parse_notebook(read_bytes(file), file.name)


def read_bytes(file: Path) -> bytes:
    """The bytes of a file that may be anything.

    Raises
    ------
    Unreadable
        If there is none, it is too large, or not a plain file.
    """
    try:
        with open(file, "rb", opener=_at_once) as opened:
            state = os.fstat(opened.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise Unreadable(f"{file.name} is not a file")
            if state.st_size > MAX_BYTES:
                raise Unreadable(f"{file.name} has {state.st_size:,} bytes; {MAX_BYTES:,} allowed")
            return opened.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise Unreadable(f"there is no {file.name}") from None
    except OSError as error:
        raise Unreadable(f"{file.name} cannot be read ({error.strerror})") from None


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for what is not a file: a pipe, say."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def parse_notebook(content: bytes, name: str) -> Any:
    """The notebook that a file of this name holds.

    Raises
    ------
    Unreadable
        If it is not UTF-8, not JSON, or not a notebook.
    """
    try:
        text = content.decode("utf-8-sig")
        found = json.loads(text)
        cells = found.get("cells", ()) if isinstance(found, dict) else ()
        if isinstance(cells, list) and len(cells) > MAX_CELLS:
            raise Unreadable(f"{name} has {len(cells):,} cells; {MAX_CELLS:,} are allowed")
        notebook = nbformat.reads(text, as_version=4)
        for cell in notebook.cells:
            if not isinstance(cell.source, str) or not isinstance(cell.metadata, dict):
                raise Unreadable(f"{name} has a cell without text or metadata")
    except UnicodeDecodeError:
        raise Unreadable(f"{name} is not text in UTF-8") from None
    except Unreadable:
        raise
    except Exception as error:  # nbformat raises whatever the content makes it stumble over
        said = " ".join(str(error).split())[:120]
        raise Unreadable(f"{name} is not a notebook ({said})") from None
    return notebook


def is_check(cell: Any) -> str:
    """The name of the exercise that a cell checks, or nothing."""
    fields = cell.metadata.get("nbgrader") or {}
    name = str(fields.get("grade_id", ""))
    if fields.get("grade") and not fields.get("solution") and name.startswith("check-"):
        return exercise(name.removeprefix("check-")).name
    return ""


def chapter_of(notebook: Any) -> str:
    """The chapter that a notebook is of, by its metadata or else by its checks; may be nothing."""
    kept = notebook.metadata.get("layerwise")
    name = kept.get("chapter") if isinstance(kept, dict) else None
    known = {e.chapter for e in exercises()}
    if name in known:
        return str(name)
    text = "\n".join(cell.source for cell in notebook.cells)
    counts = {c: sum(f'"{e.name}"' in text for e in exercises(c)) for c in known}
    best = max(sorted(counts), key=lambda chapter: counts[chapter])
    return best if counts[best] else ""
