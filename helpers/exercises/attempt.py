"""One attempt: an answer used on one case, and what came out. The same in every process."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import torch

from .definition import STUB, UNWRITTEN, Exercise, Statement
from .guard import Forbidden, OperatorGuard, forbidden_reference, operator_message
from .plain import NotPlain, to_plain

#: What can go wrong, other than a wrong value.
FAILURES = (
    "not attempted",  # the stub's NotImplementedError
    "undefined",  # no such name, or not a function or class
    "error",  # the answer raised
    "forbidden",  # the answer used what the exercise forbids
    "type",  # the answer returned what is not data
    "time",  # the budget was spent
    "lost",  # the process ended
)


@dataclass(frozen=True)
class Outcome:
    """What one attempt gave: plain data, or a failure (one of `FAILURES`) in words."""

    value: Any = None
    failure: str | None = None
    message: str = ""


def attempt(
    exercise: Exercise, answer: Any, inputs: Mapping[str, Any], namespace: Mapping[str, Any]
) -> Outcome:
    """Use ``answer`` on one case through the exercise's probe. Raises only KeyboardInterrupt."""
    guard = OperatorGuard(exercise.statement.forbid.operators)
    probe, given = exercise.probe(), copied(inputs)
    try:
        with known_state(), guard:
            returned = probe(answer, **given)
        value = to_plain(returned)
    except KeyboardInterrupt:
        raise
    except (Forbidden, NotPlain) as error:
        kind = "forbidden" if isinstance(error, Forbidden) else "type"
        lead = "" if kind == "forbidden" else "your answer is "
        return Outcome(failure=kind, message=f"{lead}{error}")
    except BaseException as error:  # whatever a learner's code raises, SystemExit too
        if type(error) is NotImplementedError and error.args == (UNWRITTEN,):
            place = _their_line(error.__traceback__, namespace).split(":")[0] or "at a line"
            said = f"{place.removeprefix('at ')} still says {STUB}"
            return Outcome(failure="not attempted", message=said)
        return Outcome(failure="error", message=told(error, namespace))
    if guard.seen:  # raised, and swallowed by the answer
        return Outcome(failure="forbidden", message=operator_message(guard.seen))
    return Outcome(value=value)


@contextmanager
def known_state() -> Iterator[None]:
    """Torch as it is when it has just been imported: a cell may have changed the default dtype,
    device or mode, and neither cases nor expected values may depend on that. Undone at the end."""
    dtype, random = torch.get_default_dtype(), torch.random.get_rng_state()
    try:
        torch.set_default_dtype(torch.float32)
        torch.default_generator.manual_seed(0)
        with torch.device("cpu"), torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.random.set_rng_state(random)


def copied(value: Any) -> Any:
    """Plain data with its own tensors, so that an answer that writes into its input harms none."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, (list, tuple)):
        return type(value)(copied(item) for item in value)
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    return value


def told(error: BaseException, namespace: Mapping[str, Any]) -> str:
    """An exception in one or two lines: what it says, and the learner's line that it came from."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # an exception of the learner's own may not even print
        text = ""
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    said = said if len(said) <= 300 else said[:299] + "…"
    place = _their_line(error.__traceback__, namespace)
    return f"{said}, {place}" if place else said


def _their_line(trace: TracebackType | None, namespace: Mapping[str, Any]) -> str:
    found = ""
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_globals is namespace:
            line = linecache.getline(frame.f_code.co_filename, trace.tb_lineno).strip()
            found = f"at line {trace.tb_lineno} of your cell" + (f": {line}" if line else "")
        trace = trace.tb_next
    return found


def find_answer(namespace: Mapping[str, Any], statement: Statement) -> Callable[..., Any] | Outcome:
    """The object that the learner defined for an exercise, or why there is none."""
    name = statement.answer
    if name not in namespace:
        message = f"{name} is not defined: run the exercise's cell (Shift+Enter), then this one"
        return Outcome(failure="undefined", message=message)
    answer = namespace[name]
    home = getattr(answer, "__module__", None)
    if isinstance(home, str) and home.startswith("helpers."):
        message = f"{name} is now the course's own, from {home}: run your cell again, then this one"
        return Outcome(failure="undefined", message=message)
    if not callable(answer):
        message = f"{name} is {type(answer).__name__} here; a function or a class is asked for"
        return Outcome(failure="undefined", message=message)
    if named := forbidden_reference(answer, namespace, statement.forbid):
        message = f"this exercise is to be solved without {named}"
        return Outcome(failure="forbidden", message=message)
    return answer
