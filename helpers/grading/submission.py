"""Reading what was handed in, which may be anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat

#: A notebook without outputs is some tens of kilobytes; one with pictures a few megabytes.
MAX_BYTES = 50 * 2**20


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
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise Unreadable(f"{file.name} has {size:,} bytes; {MAX_BYTES:,} are allowed")
        text = file.read_text(encoding="utf-8-sig")
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
