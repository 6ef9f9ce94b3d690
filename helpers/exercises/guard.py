"""What an answer may not lean on: operators, watched while it runs; modules, by their names."""

from __future__ import annotations

import dis
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
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
    return f"this exercise is to be solved without torch's operator {name!r}"


def forbidden_reference(answer: Any, namespace: Mapping[str, Any], forbid: Forbid) -> str | None:
    """The name under which an answer's code reaches a forbidden module, if it does.

    Only what the code names is looked at: enough for an honest learner, who is told at once.
    While marks are given the module is absent.
    """
    for name in sorted(_names(answer)):
        home = _home(namespace[name]) if name in namespace else name
        if any(home == module or home.startswith(module + ".") for module in forbid.modules):
            return name
    return None


def _home(value: Any) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    return str(getattr(value, "__module__", ""))


def _names(answer: Any) -> set[str]:
    """The global names and imported modules that the code of a function or a class loads."""
    found: set[str] = set()
    for code in _codes(answer):
        module = ""
        for step in dis.get_instructions(code):
            if step.opname == "IMPORT_NAME":
                module = step.argval
                found.add(module)
            elif step.opname == "IMPORT_FROM":
                found.add(f"{module}.{step.argval}")
            elif step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                found.add(step.argval)
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
