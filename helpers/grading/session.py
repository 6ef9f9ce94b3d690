"""A learner's process, seen from the judge: started, asked, stopped when its time is up."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..exercises.attempt import FAILURES, Outcome
from ..exercises.definition import CHAPTER_PACKAGES, Exercise
from . import wire

_PACKAGE = __package__.split(".", maxsplit=1)[0]
#: Never importable beside a learner's code: expected answers, solutions, the judge's side.
_ALWAYS_ABSENT = (
    *(f"{_PACKAGE}.exercises.{chapter}.answers" for chapter in CHAPTER_PACKAGES),
    f"{_PACKAGE}.exercises.solutions",
    f"{_PACKAGE}.grading",
    f"{_PACKAGE}.publishing",
)
_START_TIMEOUT = 120.0
#: All of the environment that a learner's process gets.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")


@dataclass(frozen=True)
class Budget:
    """Seconds of wall-clock time: for a cell, for all cases of an exercise, for a notebook."""

    cell: float = 20.0
    exercise: float = 20.0
    notebook: float = 240.0


class Ended(RuntimeError):
    """The learner's process is no more: its time was up, or it ended itself. ``reason`` says."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind, self.reason = kind, reason


class Session:
    """A process of its own for one notebook, in an empty folder of its own.

    The place where a sandbox goes: whatever starts the process, what is asked of it and what
    comes back stay the same.
    """

    def __init__(self, absent: Sequence[str] = ()) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="layerwise-"))
        inward, self._send = os.pipe()
        self._receive, outward = os.pipe()
        environment = {k: os.environ[k] for k in _ENVIRONMENT if k in os.environ}
        environment |= {
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "IPYTHONDIR": str(self.folder / ".ipython"),
            "MPLBACKEND": "agg",
            "MPLCONFIGDIR": str(self.folder / ".matplotlib"),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        names = [str(inward), str(outward), *_ALWAYS_ABSENT, *absent]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"{__package__}.child", *names],
            pass_fds=(inward, outward),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            env=environment,
            start_new_session=True,
        )
        os.close(inward)
        os.close(outward)
        self._ask(None, _START_TIMEOUT)

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

    def _ask(self, request: Mapping[str, Any] | None, timeout: float) -> Mapping[str, Any]:
        start = time.monotonic()
        try:
            if request is not None:
                wire.send(self._send, request)
            reply = wire.receive(self._receive, max(0.0, timeout))
        except wire.TimeIsUp:
            self.close()
            spent = time.monotonic() - start
            raise Ended(
                "time", f"stopped after {spent:.0f} s: is there a loop without end?"
            ) from None
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
        """End the process and all that it started in its group; remove its folder."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for descriptor in (self._send, self._receive):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._send = self._receive = -1
        shutil.rmtree(self.folder, ignore_errors=True)
