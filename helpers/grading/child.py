"""The processes that run learners' code. They compute; they know no answer, seed or mark.

`helpers.grading.session` starts one as ``python -m helpers.grading.child SOCKET MODE MODULE…``, in
a sandbox or not. It imports torch once and then forks for each notebook, which costs milliseconds
where an import costs seconds. A fork first leaves everything (`confine`), then serves requests.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_PACKAGE = __package__.split(".", maxsplit=1)[0]
#: Characters of output kept a cell.
_MAX_OUTPUT = 20_000
_MB = 2**20
#: What one notebook may use: address space beyond what is mapped, bytes of scratch and of a file,
#: processes and threads, open files, seconds of processor time.
_LIMITS = {"memory": 3072 * _MB, "scratch": 64 * _MB, "processes": 64, "files": 256, "cpu": 600}


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

            def _tee(self, channel: str) -> Any:
                """IPython would keep all that is printed, until memory is full."""
                return contextlib.nullcontext()

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


def _serve(worker: _Worker, incoming: int, outgoing: int) -> None:
    """Answer requests until the judge closes the pipe."""
    from . import wire

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


def _fork(worker: _Worker, confined: bool, folder: str, pipes: list[int]) -> tuple[int, int]:
    """Start a notebook's process: (its keeper's id, its own), both as seen from here.

    The keeper enters the new namespaces and stays behind at their door, for only a child of a
    process that unshared its pid namespace is in the new one.
    """
    from . import confine

    report, told = os.pipe()
    if keeper := os.fork():
        os.close(told)
        with os.fdopen(report, "rb") as opened:
            said = opened.read().decode()
        if not said.isdigit():
            os.waitpid(keeper, 0)
            raise OSError(said or "the process could not be started")
        return keeper, int(said)
    try:
        inner = confine.isolate(_LIMITS["scratch"]) if confined else os.fork()
        if inner:
            os.write(told, str(inner).encode())
            os.close(told)
            os.waitpid(inner, 0)
            os._exit(0)
    except BaseException as error:
        os.write(told, f"no sandbox: {error}".encode())
        os._exit(1)
    status = 1
    try:
        _settle(confined, folder, pipes)
        _serve(worker, *pipes)
        status = 0
    finally:
        os._exit(status)


def _settle(confined: bool, folder: str, pipes: list[int]) -> None:
    """Give up what a notebook's process must not have, before it reads a byte of the notebook."""
    from . import confine

    os.setsid()  # a signal to its process group reaches nobody else
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for descriptor in (0, 1, 2):  # what a cell writes past Python's streams goes nowhere
        os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
    low, high = sorted(pipes)
    for first, last in ((3, low), (low + 1, high), (high + 1, 1024)):
        os.closerange(first, last)
    limits = {"FSIZE": _LIMITS["scratch"], "NOFILE": _LIMITS["files"], "CORE": 0}
    if confined:
        limits |= {"AS": confine.virtual_memory() + _LIMITS["memory"], "CPU": _LIMITS["cpu"]}
        confine.limit(limits | {"NPROC": _LIMITS["processes"]})
        confine.give_up_privileges()
    else:
        os.chdir(folder)
        os.environ.update(HOME=folder, TMPDIR=folder)
        confine.limit(limits)


def main(arguments: Sequence[str]) -> None:
    """Warm up, then fork for one notebook after another, until the judge closes the socket."""
    control = socket.socket(fileno=int(arguments[0]))
    confined = arguments[1] == "confined"
    worker = _warm()
    sys.meta_path.insert(0, _Absent(arguments[2:]))
    control.send(b"ready")
    running: tuple[int, int] | None = None
    while True:
        message, pipes, _, _ = socket.recv_fds(control, 4096, 2)
        if running:
            _end(*running)
            running = None
        if not message:
            return
        answer = b"ended"
        if message != b"end":
            try:
                running = _fork(worker, confined, message.decode(), pipes)
                answer = b"started"
            except OSError as error:
                answer = str(error).encode()[:1000]
            for descriptor in pipes:
                os.close(descriptor)
        control.send(answer)


def _warm() -> _Worker:
    """Import what notebooks need; no thread may be running at a fork."""
    import torch

    from ..exercises import attempt as _  # noqa: F401

    torch.set_num_threads(1)
    parameter = torch.nn.Parameter(torch.zeros(1))
    torch.optim.SGD([parameter], lr=1.0)  # the first one makes torch import its compiler
    return _Worker()


def _end(keeper: int, inner: int) -> None:
    """Kill a notebook's process, and with it all that it started."""
    for kill in (os.kill, os.killpg):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(inner, signal.SIGKILL)
    os.waitpid(keeper, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
