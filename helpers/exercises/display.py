"""A verdict as a table: HTML for a notebook, text for everything else."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import torch

from .compare import shape_text
from .judge import Line, Verdict

_RIGHT, _WRONG = "✓", "✗"
#: Wrong random cases of a group that are told one by one.
_TOLD = 3
#: A tensor is drawn if its last two dimensions are no larger than this.
_DRAWN = 8


@dataclass(frozen=True)
class Row:
    """A line of the table: a mark, what was tried, what is wrong with it."""

    right: bool
    what: str
    message: str = ""

    def __str__(self) -> str:
        lead = f"{_RIGHT if self.right else _WRONG} {self.what}"
        return f"{lead}: {self.message}" if self.message else lead


def rows(verdict: Verdict, *, public: bool = False) -> list[Row]:
    """One row a fixed case, then for each group one row, or one for each of its wrong cases.

    With ``public`` nothing is told that came from the instructor's seed: of a random case only
    its group, and the difference without the right value.
    """
    if not verdict.attempted or verdict.problem:
        return []
    failures = {line.message for line in verdict.lines if line.failure}
    if len(failures) == 1 and all(line.failure for line in verdict.lines):
        return [Row(False, "every case", failures.pop())]
    made = [
        Row(line.right, line.case.text, line.message) for line in verdict.lines if line.case.fixed
    ]
    for group in verdict.exercise.statement.groups:
        lines = [x for x in verdict.lines if x.case.group == group and not x.case.fixed]
        wrong = [line for line in lines if not line.right]
        count = f"{len(lines)} random case{'s' if len(lines) != 1 else ''}"
        if not wrong:
            made.append(Row(True, f"{group}: {count}"))
        elif public:
            share = f"{group}: {len(wrong)} of {count} wrong"
            made.append(Row(False, share, wrong[0].public))
        else:
            made += [Row(False, f"{group}, {x.case.text}", x.message) for x in wrong[:_TOLD]]
            if len(wrong) > _TOLD:
                made.append(Row(False, f"{group}: {len(wrong) - _TOLD} more of {count} wrong"))
    return made


def headline(verdict: Verdict) -> str:
    """The outcome in a sentence."""
    score = f"{verdict.points:g} of {verdict.max_points:g} points"
    if verdict.problem:
        return f"{verdict.problem} ({score})"
    if not verdict.attempted:
        failures = {line.failure: line.message for line in verdict.lines}
        if "undefined" in failures:
            return f"Not attempted yet: {failures['undefined']}."
        return f"Not attempted yet. Stuck? hint({verdict.exercise.name!r})"
    said = {"right": "All right", "partly right": "Partly right", "wrong": "Not right yet"}
    text = f"{said[verdict.status]}: {score}."
    return text if verdict.status == "right" else f"{text} Stuck? hint({verdict.exercise.name!r})"


def as_text(verdict: Verdict, *, public: bool = False) -> str:
    """The whole table as text."""
    title = f"{verdict.exercise.statement.title} ({verdict.exercise.name})"
    parts = [f"{title}: {headline(verdict)}", *(f"  {row}" for row in rows(verdict, public=public))]
    if line := pictured(verdict):
        for label, value in (("yours", line.actual), ("expected", line.expected)):
            parts += [f"  {label}:", *(f"    {x}" for x in str(_slice(value)).splitlines())]
    return "\n".join(parts)


def as_html(verdict: Verdict, *, public: bool = False) -> str:
    """The whole table as HTML that follows the page's colours."""
    title = escape(verdict.exercise.statement.title)
    body = "".join(
        f'<tr><td style="padding:.1em .6em;font-weight:bold" aria-label="'
        f'{"right" if row.right else "wrong"}">{_RIGHT if row.right else _WRONG}</td>'
        f'<td style="padding:.1em .6em;text-align:left">{escape(row.what)}</td>'
        f'<td style="padding:.1em .6em;text-align:left">{escape(row.message)}</td></tr>'
        for row in rows(verdict, public=public)
    )
    table = f'<table style="border-collapse:collapse">{body}</table>' if body else ""
    picture = _picture(line) if (line := pictured(verdict)) else ""
    return (
        f'<div class="layerwise-check"><p><strong>{title}</strong>: '
        f"{escape(headline(verdict))}</p>{table}{picture}</div>"
    )


def pictured(verdict: Verdict) -> Line | None:
    """The first fixed case that went wrong in a way worth a picture: small tensors, in values."""
    for line in verdict.lines:
        tensors = isinstance(line.actual, torch.Tensor) and isinstance(line.expected, torch.Tensor)
        if line.case.fixed and not line.right and tensors and _small(line.expected):
            return line if _small(line.actual) else None
    return None


def _small(value: torch.Tensor) -> bool:
    return value.ndim > 0 and value.numel() > 0 and max(value.shape[-2:]) <= _DRAWN


def _slice(value: torch.Tensor) -> torch.Tensor:
    """The last two dimensions, of the first image and channel."""
    while value.ndim > 2:
        value = value[0]
    return value


def _picture(line: Line) -> str:
    mine, right = _slice(line.actual), _slice(line.expected)
    same = mine.shape == right.shape
    cells = "display:inline-block;vertical-align:top;margin:.4em 1.5em .4em 0"
    return (
        f'<div><div style="{cells}"><em>yours</em>, {shape_text(line.actual.shape)}'
        f"{_grid(mine, right if same else None)}</div>"
        f'<div style="{cells}"><em>expected</em>, {shape_text(line.expected.shape)}'
        f"{_grid(right, None)}</div></div>"
    )


def _grid(value: torch.Tensor, other: torch.Tensor | None) -> str:
    """Numbers in a grid; those that differ from ``other`` are framed and struck through."""
    two = value.reshape(1, -1) if value.ndim == 1 else value
    against: Any = None if other is None else other.reshape(two.shape)
    body = ""
    for i, row in enumerate(two.tolist()):
        body += "<tr>"
        for j, number in enumerate(row):
            text = f"{number:.4g}" if isinstance(number, float) else str(number)
            wrong = against is not None and not torch.isclose(
                two[i, j], against[i, j].to(two.dtype)
            )
            frame = "2px solid" if wrong else "1px solid rgba(128,128,128,.4)"
            text = f"<s>{text}</s>" if wrong else text
            body += f'<td style="border:{frame};padding:.15em .5em;text-align:right">{text}</td>'
        body += "</tr>"
    return f'<table style="border-collapse:collapse">{body}</table>'
