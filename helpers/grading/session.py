"""A learner's process, seen from the judge: started, asked, ended when its time is up."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..exercises.attempt import FAILURES, Outcome
from ..exercises.definition import CHAPTER_PACKAGES, Exercise
from . import wire
from .cgroup import Groups
from .sandbox import NoSandbox, environment, wrapped

_PACKAGE = __package__.split(".", maxsplit=1)[0]
#: All of grading that a learner's process needs to be started and spoken to.
_INSIDE = ("__init__", "child", "confine", "wire")
#: Never importable beside a learner's code: expected answers, solutions, the judge's side.
_ALWAYS_ABSENT = (
    *(f"{_PACKAGE}.exercises.{chapter}.answers" for chapter in CHAPTER_PACKAGES),
    f"{_PACKAGE}.exercises.solutions",
    f"{_PACKAGE}.publishing",
    f"{_PACKAGE}.cli",
    *(
        f"{__package__}.{file.stem}"
        for file in sorted(Path(__file__).parent.glob("*.py"))
        if file.stem not in _INSIDE
    ),
)
_START_TIMEOUT, _ANSWER_TIMEOUT = 120.0, 10.0
#: What the warm process and a notebook's tree may use together.
_TREE = {"pids": 96, "memory": 4 * 2**30}


class Ended(RuntimeError):
    """The learner's process is no more: its time was up, or it ended itself. ``reason`` says."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind, self.reason = kind, reason


class Nursery:
    """A warm process, in a sandbox of its own, that forks for one notebook after another.

    Parameters
    ----------
    absent
        Modules that are not there: the references of the exercises that are graded.
    sandbox
        False runs without a sandbox, which is an explicit choice.

    Raises
    ------
    NoSandbox
        If a sandbox is asked for and cannot be had; the message says how to get one.
    """

    def __init__(self, absent: Sequence[str] = (), *, sandbox: bool = True) -> None:
        self.absent, self.sandbox = tuple(absent), sandbox
        self._start()

    def _start(self) -> None:
        hidden = [*_ALWAYS_ABSENT, *self.absent]
        self._control, theirs = socket.socketpair()
        mode = "confined" if self.sandbox else "open"
        arguments = ["-P", "-m", f"{__package__}.child", str(theirs.fileno()), mode, *hidden]
        self._groups = Groups(_TREE if self.sandbox else {})
        self._process = subprocess.Popen(
            self._groups.joined(
                wrapped(arguments, hidden) if self.sandbox else [sys.executable, *arguments]
            ),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=None if self.sandbox else _open_environment(),
            start_new_session=True,
        )
        theirs.close()
        self._control.settimeout(_START_TIMEOUT)
        if self._answer() != "ready":
            said = self._process.stderr.read().decode(errors="replace").strip()  # type: ignore[union-attr]
            self.close()
            raise NoSandbox(f"the process for learners' code did not start: {said[-500:]}")
        self._control.settimeout(_ANSWER_TIMEOUT)

    def _answer(self) -> str:
        try:
            return self._control.recv(4096).decode(errors="replace")
        except OSError:
            return ""

    def fork(self, folder: Path | None, inward: int, outward: int) -> None:
        """Start a notebook's process, which reads and writes the two pipes given."""
        for _ in range(2):
            with contextlib.suppress(OSError):
                socket.send_fds(self._control, [str(folder or "-").encode()], [inward, outward])
            said = self._answer()
            if said == "started":
                return
            self.close()  # ended, perhaps by what was run in it: once more, from the start
            self._start()
        raise NoSandbox(f"a learner's process could not be started: {said}")

    def end(self) -> None:
        """End the notebook's process, and with it all that it started."""
        with contextlib.suppress(OSError):
            self._control.send(b"end")
        self._answer()

    def close(self) -> None:
        """End everything."""
        self._control.close()
        self._process.kill()
        self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()
        self._groups.close()

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open_environment() -> dict[str, str]:
    programs = str(Path(sys.executable).parent)
    return environment(tempfile.gettempdir(), str(Path(__file__).parents[2]), programs)


class Session:
    """A process of its own for one notebook, in an empty folder of its own, gone at the end."""

    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        # in a sandbox it is a file system of the process's own, gone with it
        self._folder = None if nursery.sandbox else Path(tempfile.mkdtemp(prefix="layerwise-"))
        inward, self._send = os.pipe()
        self._receive, outward = os.pipe()
        try:
            nursery.fork(self._folder, inward, outward)
        finally:
            os.close(inward)
            os.close(outward)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, source: str, timeout: float) -> Mapping[str, Any]:
        """Run a cell. Returns its ``error`` in words (empty if none) and its ``output``."""
        reply = self._ask({"source": source}, timeout)
        return {key: str(reply.get(key, "")) for key in ("error", "output")}

    def probe(self, asked: Exercise, inputs: Mapping[str, Any], timeout: float) -> Outcome:
        """Use the learner's answer on one case; what came back is data, not to be trusted."""
        reply = self._ask({"exercise": asked.name, "inputs": dict(inputs)}, timeout)
        failure = reply.get("failure")
        if failure is not None and failure not in FAILURES:
            failure = "error"
        return Outcome(reply.get("value"), failure, str(reply.get("message", ""))[:1000])

    def _ask(self, request: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
        start = time.monotonic()
        try:
            wire.send(self._send, request, timeout)
            reply = wire.receive(self._receive, max(0.0, timeout))
        except wire.TimeIsUp:
            self.close()
            spent = time.monotonic() - start
            reason = f"stopped after {spent:.0f} s: is there a loop without end?"
            raise Ended("time", reason) from None
        except wire.Closed:
            self.close()
            raise Ended("lost", "the process running this notebook ended itself") from None
        except wire.WireError as error:
            self.close()
            raise Ended("lost", f"what came back could not be read ({error})") from None
        if not isinstance(reply, dict):
            self.close()
            raise Ended("lost", "what came back was not a reply")
        return reply

    def close(self) -> None:
        """End the process and all that it started; remove its folder."""
        if self._send < 0:
            return
        self._nursery.end()
        os.close(self._send)
        os.close(self._receive)
        self._send = self._receive = -1
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
