"""The exercises and questions: what each asks, and the learner's side of judging exercises.

>>> from helpers.exercises import check, hint
>>> check("conv-output-size")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .definition import exercise, exercises, question, questions

if TYPE_CHECKING:
    from .notebook import check, hint, solution

__all__ = ["check", "exercise", "exercises", "hint", "question", "questions", "solution"]


def __getattr__(name: str) -> Any:
    """`check`, `hint` and `solution` bring torch with them, so they are imported when asked for."""
    if name in ("check", "hint", "solution"):
        from . import notebook

        notebook.watch()
        return getattr(notebook, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
