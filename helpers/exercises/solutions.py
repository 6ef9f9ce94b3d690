"""The text of a solution, read from the chapter's source."""

from __future__ import annotations

import re

from ..paths import course_folder
from .definition import BEGIN, END, Exercise

_CELL = r"```\{code-cell\}[^\n]*\n:exercise: {name}\n(?:[:][^\n]*\n)*\n?(.*?)\n```"


def solution_text(asked: Exercise) -> str:
    """The solution cell of an exercise, without the marks around the solution."""
    source = course_folder("solutions") / f"{asked.chapter}.md"
    pattern = _CELL.replace("{name}", re.escape(asked.name))
    found = re.search(pattern, source.read_text(encoding="utf-8"), re.DOTALL)
    if found is None:
        return f"The solution is in {source.name}, in the course's folder solutions/."
    lines = found.group(1).splitlines()
    return "\n".join(line for line in lines if BEGIN not in line and END not in line)
