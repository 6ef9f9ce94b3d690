"""Reading what was handed in, which may be anything."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import nbformat

from ..exercises import exercise, exercises

#: A notebook without outputs is some tens of kilobytes; one with pictures a few megabytes.
MAX_BYTES = 50 * 2**20
#: A chapter has about a hundred cells.
MAX_CELLS = 5000


class Unreadable(ValueError):
    """What was handed in is not a notebook. The message says why, in a learner's words."""


def read_notebook(file: Path) -> Any:
    """A notebook in format 4, whatever version it was written in.

    Raises
    ------
    Unreadable
        If there is no such file, or it is too large, not UTF-8, not JSON, or not a notebook.
    """
    try:
        state = file.stat()
        if not stat.S_ISREG(state.st_mode):
            raise Unreadable(f"{file.name} is not a file")
        if state.st_size > MAX_BYTES:
            raise Unreadable(f"{file.name} has {state.st_size:,} bytes; {MAX_BYTES:,} are allowed")
        text = file.read_text(encoding="utf-8-sig")
        content = json.loads(text)
        cells = content.get("cells", ()) if isinstance(content, dict) else ()
        if isinstance(cells, list) and len(cells) > MAX_CELLS:
            raise Unreadable(f"{file.name} has {len(cells):,} cells; {MAX_CELLS:,} are allowed")
        notebook = nbformat.reads(text, as_version=4)
        for cell in notebook.cells:
            if not isinstance(cell.source, str) or not isinstance(cell.metadata, dict):
                raise Unreadable(f"{file.name} has a cell without text or metadata")
    except FileNotFoundError:
        raise Unreadable(f"there is no {file.name}") from None
    except UnicodeDecodeError:
        raise Unreadable(f"{file.name} is not text in UTF-8") from None
    except Unreadable:
        raise
    except Exception as error:  # nbformat raises whatever the content makes it stumble over
        said = " ".join(str(error).split())[:120]
        raise Unreadable(f"{file.name} is not a notebook ({said})") from None
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
