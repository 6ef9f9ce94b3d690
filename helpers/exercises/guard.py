"""What an answer may not lean on: operators, watched while it runs; modules, by their names."""

from __future__ import annotations

import dis
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import partial
from types import CodeType, ModuleType
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from .definition import Forbid


class Forbidden(Exception):
    """An answer used what its exercise forbids."""


class OperatorGuard(TorchDispatchMode):
    """Raises `Forbidden` at the first forbidden aten operator, and remembers it.

    Being a dispatch mode it sees an operator whichever way it was called: `torch.nn`,
    `torch.nn.functional`, `torch.ops`, a scripted function.
    """

    def __init__(self, operators: tuple[str, ...]) -> None:
        super().__init__()
        self.operators = operators
        self.seen: str | None = None

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keeps torch from importing its compiler, a second's work, for code that is run once."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:  # the signature is torch's
        name = func._schema.name.removeprefix("aten::")
        if any(fnmatchcase(name, pattern) for pattern in self.operators):
            self.seen = self.seen or name
            raise Forbidden(operator_message(name))
        return func(*args, **(kwargs or {}))


def operator_message(name: str) -> str:
    family = next((f for f in ("eig", "svd") if f in name and "linalg" in name), "")
    named = f"torch.linalg.{family}…" if family else f"torch's operator {name!r}"
    return f"this exercise is to be solved without {named}"


def forbidden_reference(answer: Any, namespace: Mapping[str, Any], forbid: Forbid) -> str | None:
    """The module that an answer's code reaches though its exercise forbids it, if it does.

    Looked at are the names in the answer's code and in the functions of the learner's own that it
    calls: enough for an honest learner. While marks are given the reference is absent as well.
    """
    seen: set[int] = set()
    waiting = [answer]
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if home := _forbidden(_home(part), forbid):
            return home
        for name in _names(part):
            value = _resolved(name, namespace)
            if home := _forbidden(name if value is None else _home(value), forbid):
                return home
            if getattr(value, "__globals__", None) is namespace or isinstance(value, partial):
                waiting.append(value)
        waiting += [
            x for x in (getattr(part, "func", None), getattr(part, "__wrapped__", None)) if x
        ]
    return None


def _forbidden(home: str, forbid: Forbid) -> str | None:
    return next((m for m in forbid.modules if home == m or home.startswith(m + ".")), None)


def _home(value: Any) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    return str(getattr(value, "__module__", ""))


def _resolved(name: str, namespace: Mapping[str, Any]) -> Any:
    """What a dotted name stands for, as far as modules lead; None if its first part is unknown."""
    first, *rest = name.split(".")
    value = namespace.get(first)
    for attribute in rest:
        if not isinstance(value, ModuleType):
            break
        value = getattr(value, attribute, None)
    return value


def _names(answer: Any) -> set[str]:
    """The global names, dotted as far as they go, and the imported modules in an answer's code."""
    found: set[str] = set()
    for code in _codes(answer):
        module = dotted = ""
        for step in dis.get_instructions(code):
            if step.opname == "IMPORT_NAME":
                module = step.argval
                found.add(module)
            elif step.opname == "IMPORT_FROM":
                found.add(f"{module}.{step.argval}")
            elif step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                dotted = step.argval
                found.add(dotted)
            elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and dotted:
                dotted += f".{step.argval}"
                found.add(dotted)
            else:
                dotted = ""
    return found


def _codes(answer: Any) -> Iterator[CodeType]:
    parts = vars(answer).values() if isinstance(answer, type) else [answer]
    for part in parts:
        part = getattr(part, "__func__", part)
        if isinstance(code := getattr(part, "__code__", None), CodeType):
            yield from _nested(code)


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)
