"""The process that runs a learner's code. It computes; it knows no answer, seed or mark.

Started by `helpers.grading.session` as ``python -m helpers.grading.child IN OUT MODULE…``: two
pipes, and the modules that are absent here.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_PACKAGE = __package__.split(".", maxsplit=1)[0]
#: Characters of output kept a cell.
_MAX_OUTPUT = 20_000
#: Bytes a learner's code may write to one file.
_MAX_FILE = 64 * 2**20


class _Absent(MetaPathFinder):
    """Modules that cannot be imported here: references, expected answers, the judge."""

    def __init__(self, modules: Sequence[str]) -> None:
        self.modules = tuple(modules)

    def find_spec(
        self, fullname: str, path: Any = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        named = any(fullname == name or fullname.startswith(name + ".") for name in self.modules)
        if named and (fullname.startswith(_PACKAGE) or _importer() == "__main__"):
            raise ImportError(
                f"{fullname} is not there while your work is graded: the exercise is to write "
                "it yourself"
            )
        return None


def _importer() -> str:
    """The name of the module in which the import stands. A library may import another's parts."""
    frame = sys._getframe()
    while (
        frame.f_back
        and "importlib" in str(frame.f_globals.get("__name__")) + frame.f_code.co_filename
    ):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__"))


class _Capture(io.TextIOBase):
    """A text stream that keeps the first characters and counts the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.size = 0

    def write(self, text: str) -> int:
        room = max(0, _MAX_OUTPUT - self.size)
        if room:
            self.parts.append(str(text)[:room])
        self.size += len(text)
        return len(text)

    def fileno(self) -> int:
        """For what insists on a descriptor: what is written there goes nowhere."""
        return 1

    def text(self) -> str:
        more = self.size - _MAX_OUTPUT
        return "".join(self.parts) + (f"\n… {more:,} more characters" if more > 0 else "")


class _Worker:
    """Runs cells and probes in one namespace."""

    def __init__(self) -> None:
        from IPython.core.interactiveshell import InteractiveShell

        from ..exercises import notebook

        class Shell(InteractiveShell):
            def enable_gui(self, gui: str | None = None) -> None:
                """There is no screen; ``%matplotlib`` asks for one all the same."""

        self.shell = Shell.instance()
        # in a cell of the learner's own they do nothing: the judge is elsewhere
        notebook.check = lambda name: 0.0
        notebook.solution = lambda name: None

    def run(self, source: str) -> dict[str, Any]:
        """Run a cell; its error, if any, in a learner's words."""
        from ..exercises.attempt import told

        out = _Capture()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                result = self.shell.run_cell(source, store_history=False)
                error = result.error_before_exec or result.error_in_exec
            except BaseException as raised:  # a cell that breaks the shell itself
                error = raised
        message = "" if error is None else told(error, self.shell.user_ns)
        return {"error": message, "output": "" if message else out.text()}

    def probe(self, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """Use the learner's answer on one case."""
        from ..exercises.attempt import Outcome, attempt, find_answer
        from ..exercises.definition import exercise

        asked = exercise(name)
        answer = find_answer(self.shell.user_ns, asked.statement)
        sink = _Capture()
        if isinstance(answer, Outcome):
            outcome = answer
        else:
            with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
                try:
                    outcome = attempt(asked, answer, inputs, self.shell.user_ns)
                except KeyboardInterrupt:
                    outcome = Outcome(failure="error", message="KeyboardInterrupt")
        return {"value": outcome.value, "failure": outcome.failure, "message": outcome.message}


def main(arguments: Sequence[str]) -> None:
    """Serve requests until the judge closes the pipe."""
    incoming, outgoing = int(arguments[0]), int(arguments[1])
    from ..exercises import attempt as _  # noqa: F401  imports torch, once
    from . import wire

    worker = _Worker()
    sys.meta_path.insert(0, _Absent(arguments[2:]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_FILE, _MAX_FILE))
    for descriptor in (0, 1, 2):  # what a cell writes past Python's streams goes nowhere
        os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
    wire.send(outgoing, {"ready": True})
    while True:
        try:
            request = wire.receive(incoming)
        except wire.Closed:
            return
        if "source" in request:
            reply = worker.run(request["source"])
        else:
            reply = worker.probe(request["exercise"], request["inputs"])
        try:
            wire.send(outgoing, reply)
        except wire.WireError as error:
            wire.send(outgoing, {"value": None, "failure": "type", "message": str(error)})


if __name__ == "__main__":
    main(sys.argv[1:])
