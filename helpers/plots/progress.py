"""A progress bar that is at home in a notebook, in a terminal and on a printed page.

In a notebook it is one output, drawn anew in its place; what is left at the end is a full bar. In
a terminal it is Rich's.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from . import COLORS, Picture

#: Seconds between two drawings of the bar.
_PAUSE = 0.1


@contextmanager
def progress(total: int, label: str) -> Iterator[Callable[[str], None]]:
    """A bar that is full after ``total`` steps.

    Parameters
    ----------
    total
        The number of steps, at least 1.
    label
        What is going on, in a word or two.

    Yields
    ------
    Callable[[str], None]
        To be called after each step, with a note to show behind the bar.

    Raises
    ------
    ValueError
        If ``total`` is not positive.

    Examples
    --------
    >>> with progress(3, "counting") as step:
    ...     for number in range(3):
    ...         step(f"at {number}")
    """
    if total < 1:
        raise ValueError(f"total is {total}; allowed: 1 or more")
    ipython = sys.modules.get("IPython")
    in_notebook = ipython is not None and ipython.get_ipython() is not None
    with (_in_notebook if in_notebook else _in_terminal)(total, label) as step:
        yield step


@contextmanager
def _in_notebook(total: int, label: str) -> Iterator[Callable[[str], None]]:
    from IPython.display import display

    show: Any = display
    done, drawn, last = 0, time.monotonic(), ""
    handle = show(_bar(0, total, label, ""), display_id=True)

    def step(note: str = "") -> None:
        nonlocal done, drawn, last
        done, last = done + 1, note
        if time.monotonic() - drawn >= _PAUSE:
            handle.update(_bar(done, total, label, note))
            drawn = time.monotonic()

    try:
        yield step
    finally:
        handle.update(_bar(done, total, label, last))


@contextmanager
def _in_terminal(total: int, label: str) -> Iterator[Callable[[str], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    note_column = TextColumn("{task.fields[note]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), note_column)
    with Progress(*columns) as bars:
        task = bars.add_task(label, total=total, note="")

        def step(note: str = "") -> None:
            bars.update(task, advance=1, note=note)

        yield step


def _bar(done: int, total: int, label: str, note: str) -> Picture:
    share = min(done / total, 1)
    said = f"{label}: {done} of {total}" + (f", {note}" if note else "")
    frame = "flex:none;width:12em;height:.8em;border:1px solid currentColor;border-radius:.2em"
    fill = f"width:{share:.1%};height:100%;background:{COLORS[0]}"
    row = "display:flex;flex-wrap:wrap;gap:.2em .9em;align-items:center;font-size:.9em"
    return Picture(
        f'<div style="{row}"><span style="min-width:8em">{escape(label)}</span>'
        f'<div style="{frame}" aria-hidden="true"><div style="{fill}"></div></div>'
        f"<span>{done} of {total}</span><span>{escape(note)}</span></div>",
        said,
    )
