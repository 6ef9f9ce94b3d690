"""`check`, `hint` and `solution`: what a learner calls in a notebook."""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import re
import sys
from collections.abc import Mapping, Sequence
from html import escape
from types import FunctionType
from typing import Any

from .attempt import Outcome, attempt, find_answer
from .definition import Case, Exercise, exercise
from .display import as_html, as_text
from .guard import forbidden_reference
from .judge import Verdict, judge

#: Lines shown of what an answer prints while it is checked.
_PRINTED = 5

_hints_given: dict[str, int] = {}
_solved: set[str] = set()


class Shown:
    """A text with an HTML form, for whichever the front end shows."""

    def __init__(self, text: str, html: str) -> None:
        self.text, self.html = text, html

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def _show(text: str, html: str) -> None:
    shell = _shell()
    if shell is None:
        print(text)
        return
    from IPython.display import display

    display(Shown(text, html))


def _say(text: str) -> None:
    _show(text, f"<p>{escape(text)}</p>")


def _shell() -> Any:
    """The running IPython shell, or None; IPython is not imported only to find it absent."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    return get_ipython()


def _namespace() -> tuple[Mapping[str, Any], Sequence[str]]:
    """The learner's names, and the cells they have run (empty outside IPython)."""
    shell = _shell()
    if shell is not None:
        return shell.user_ns, shell.user_ns.get("In", [])
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("helpers."):
        frame = frame.f_back
    return frame.f_globals, []


def check(name: str) -> float:
    """Check your answer to an exercise; prints what is right and wrong, case by case.

    Parameters
    ----------
    name
        The exercise's name, as in ``check("conv-output-size")``.

    Returns
    -------
    float
        The points that the answer earns.
    """
    try:
        asked = exercise(name)
    except ValueError as error:
        _say(str(error))
        return 0.0
    namespace, history = _namespace()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        verdict = check_in(asked, namespace, history)
    _print_some(printed.getvalue())
    _show(as_text(verdict), as_html(verdict))
    if verdict.status == "right":
        _solved.add(name)
    return verdict.points


def _print_some(printed: str) -> None:
    """What the learner's code printed, cut: it ran once a case, and the table is below."""
    lines = printed.splitlines()
    for line in lines[:_PRINTED]:
        print(line[:200])
    if len(lines) > _PRINTED:
        print(f"… and {len(lines) - _PRINTED} more lines that your code printed")


def check_in(asked: Exercise, namespace: Mapping[str, Any], history: Sequence[str] = ()) -> Verdict:
    """Judge the answer in ``namespace`` with the public seed. Does not raise."""
    if problem := _broken_cell(asked.statement.answer, namespace, history):
        return Verdict(asked, (), problem)
    answer = find_answer(namespace, asked.statement)
    if isinstance(answer, Outcome):
        missing = answer
        return judge(asked, lambda case: missing)
    if named := forbidden_reference(answer, namespace, asked.statement.forbid):
        return Verdict(asked, (), f"This exercise is to be solved without the course's own {named}")

    def run(case: Case) -> Outcome:
        return attempt(asked, answer, case.inputs, namespace)

    try:
        return judge(asked, run)
    except KeyboardInterrupt:
        return Verdict(asked, (), "Interrupted while your code ran: is there a loop without end?")


def _broken_cell(name: str, namespace: Mapping[str, Any], history: Sequence[str]) -> str:
    """Why the learner's last definition of ``name`` is not the one in the namespace, if so."""
    pattern = re.compile(rf"^\s*(?:def|class)\s+{name}\b|^{name}\s*=", re.MULTILINE)
    source = next((cell for cell in reversed(history) if pattern.search(cell)), None)
    if source is None:
        return ""
    try:
        ast.parse(source)
    except SyntaxError as error:
        line = (error.text or "").strip()
        return (
            f"Python could not read your cell. {type(error).__name__} at line {error.lineno}: "
            f"{error.msg}" + (f" in `{line}`" if line else "")
        )
    except ValueError:
        return ""  # a magic or a null byte: IPython's business
    written = _source(namespace.get(name))
    if written is not None and written.strip() != source.strip():
        return (
            f"{name} is an older one than in the last cell that defines it: that cell stopped "
            "before it got there. Mend it, run it again, then this one"
        )
    return ""


def _source(answer: Any) -> str | None:
    """The text of the cell that an answer's code was compiled from, if it is known."""
    parts = list(vars(answer).values()) if isinstance(answer, type) else [answer]
    for part in parts:
        part = getattr(part, "__func__", part)
        if isinstance(part, FunctionType):
            return "".join(linecache.getlines(part.__code__.co_filename)) or None
    return None


def hint(name: str) -> None:
    """Show the next hint to an exercise: three in all, from a nudge to nearly the solution."""
    try:
        statement = exercise(name).statement
    except ValueError as error:
        _say(str(error))
        return
    given = min(_hints_given.get(name, 0) + 1, len(statement.hints))
    _hints_given[name] = given
    text = f"Hint {given} of {len(statement.hints)}: {statement.hints[given - 1]}"
    if given == len(statement.hints):
        text += "\n(That is the last one.)"
    _say(text)


def solution(name: str) -> None:
    """Show the course's own solution, once `check` has given you full marks in this session."""
    try:
        asked = exercise(name)
    except ValueError as error:
        _say(str(error))
        return
    if name not in _solved:
        _say(f"Earn full marks first: check({name!r}). Until then there is hint({name!r}).")
        return
    from .solutions import solution_text

    text = solution_text(asked)
    _show(text, f"<pre>{escape(text)}</pre>")


__all__ = ["check", "check_in", "hint", "solution"]
