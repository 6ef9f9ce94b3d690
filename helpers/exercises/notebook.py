"""`check`, `hint` and `solution`: what a learner calls in a notebook."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Mapping
from html import escape
from typing import Any

from .attempt import Outcome, attempt, find_answer, told
from .definition import Case, Exercise, exercise, exercises
from .display import as_html, as_text
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


def _namespace() -> Mapping[str, Any]:
    """The learner's names."""
    shell = _shell()
    if shell is not None:
        return shell.user_ns
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("helpers."):
        frame = frame.f_back
    return frame.f_globals


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
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        verdict = check_in(asked, _namespace(), _broken(asked.statement.answer))
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


def _broken(name: str) -> str:
    """Why the learner's last definition of ``name`` did not come about, if so."""
    kept = getattr(_shell(), "_layerwise_watch", None)
    return kept.broken.get(name, "") if kept is not None else ""


def check_in(asked: Exercise, namespace: Mapping[str, Any], broken: str = "") -> Verdict:
    """Judge the answer in ``namespace`` with the public seed. Does not raise.

    Parameters
    ----------
    broken
        Why the last definition of the answer did not come about; empty if it did.
    """
    if broken:
        return Verdict(asked, (), broken)
    answer = find_answer(namespace, asked.statement)

    def run(case: Case) -> Outcome:
        if isinstance(answer, Outcome):
            return answer
        return attempt(asked, answer, case.inputs, namespace)

    try:
        verdict = judge(asked, run)
        as_text(verdict), as_html(verdict)
    except KeyboardInterrupt:
        return Verdict(asked, (), "Interrupted while your code ran: is there a loop without end?")
    except Exception as error:  # an answer that cannot even be compared or shown
        return Verdict(asked, (), f"Your answer could not be compared. {told(error, namespace)}")
    return verdict


class _Watch:
    """Remembers which cells ended before they defined the answer that they meant to define.

    A kernel knows the cells that were run, not those on the screen: after a SyntaxError an older
    definition, or none, is what `check` would find.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.broken: dict[str, str] = {}
        self._before: dict[str, Any] = {}
        self._answers = {e.statement.answer for e in exercises()}
        shell.events.register("pre_run_cell", self._start)
        shell.events.register("post_run_cell", self._end)

    def _start(self, _info: Any) -> None:
        self._before = {name: self.shell.user_ns.get(name) for name in self._answers}

    def _end(self, result: Any) -> None:
        source = str(getattr(result.info, "raw_cell", ""))
        meant = set(re.findall(r"^(?:async +def|def|class) +(\w+)", source, re.MULTILINE))
        for name in self._answers:
            if self.shell.user_ns.get(name) is not self._before.get(name) or result.success:
                self.broken.pop(name, None)
            elif name in meant:
                error = result.error_before_exec or result.error_in_exec
                self.broken[name] = _stopped(name, error, self.shell.user_ns)


def _stopped(name: str, error: BaseException, namespace: Mapping[str, Any]) -> str:
    if isinstance(error, SyntaxError):
        line = (error.text or "").strip()
        where = f" at line {error.lineno}" if error.lineno else ""
        said = f"{type(error).__name__}{where}: {error.msg}" + (f" in `{line}`" if line else "")
        return f"Python could not read the cell that defines {name}. {said}"
    older = f", so {name} is an older one" if name in namespace else ""
    return (
        f"The last cell that defines {name} stopped before it got there{older}. "
        f"{told(error, namespace)}"
    )


def watch() -> None:
    """Begin to watch the cells that are run, once a shell."""
    shell = _shell()
    if shell is not None and getattr(shell, "_layerwise_watch", None) is None:
        shell._layerwise_watch = _Watch(shell)


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
