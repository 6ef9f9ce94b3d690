"""A verdict as a table: HTML for a notebook, text for everything else."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import torch

from .compare import compare, shape_text
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
    said = {line.public if public else line.message for line in verdict.lines}
    if len(said) == 1 and said != {""}:
        return [Row(False, "every case", said.pop())]
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
        return f"Not attempted yet: {verdict.lines[0].message}. {_help(verdict)}"
    said = {"right": "All right", "partly right": "Partly right", "wrong": "Not right yet"}
    text = f"{said[verdict.status]}: {score}."
    return text if verdict.status == "right" else f"{text} {_help(verdict)}"


def _help(verdict: Verdict) -> str:
    return f"Stuck? hint({verdict.exercise.name!r})"


def as_text(verdict: Verdict, *, public: bool = False) -> str:
    """The whole table as text."""
    title = f"{verdict.exercise.statement.title} ({verdict.exercise.name})"
    parts = [f"{title}: {headline(verdict)}", *(f"  {row}" for row in rows(verdict, public=public))]
    if pair := pictured(verdict):
        for label, value in zip(("yours", "expected"), pair, strict=True):
            parts += [f"  {label}:", *(f"    {x}" for x in str(_slice(value)).splitlines())]
    return "\n".join(parts)


def as_html(verdict: Verdict, *, public: bool = False) -> str:
    """The whole table as HTML that follows the page's colors."""
    title = escape(verdict.exercise.statement.title)
    body = "".join(
        f'<tr><td style="padding:.1em .6em;font-weight:bold" aria-label="'
        f'{"right" if row.right else "wrong"}">{_RIGHT if row.right else _WRONG}</td>'
        f'<td style="padding:.1em .6em;text-align:left">{escape(row.what)}</td>'
        f'<td style="padding:.1em .6em;text-align:left">{escape(row.message)}</td></tr>'
        for row in rows(verdict, public=public)
    )
    table = f'<table style="border-collapse:collapse">{body}</table>' if body else ""
    picture = _picture(*pair) if (pair := pictured(verdict)) else ""
    return (
        f'<div class="layerwise-check"><p><strong>{title}</strong>: '
        f"{escape(headline(verdict))}</p>{table}{picture}</div>"
    )


def pictured(verdict: Verdict) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Yours and the expected of the first fixed case that went wrong, if they are small tensors.

    Of an answer with several parts, the first that differs.
    """
    for line in verdict.lines:
        if line.case.fixed and not line.right and not line.failure:
            for one, other in _parts(line):
                tensors = isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor)
                if tensors and compare(one, other) is not None:
                    return (one, other) if _small(one) and _small(other) else None
    return None


def _parts(line: Line) -> list[tuple[Any, Any]]:
    one, other = line.actual, line.expected
    if isinstance(one, dict) and isinstance(other, dict):
        return [(one.get(key), value) for key, value in other.items()]
    return [(one, other)]


def _small(value: torch.Tensor) -> bool:
    return value.ndim > 0 and value.numel() > 0 and max(value.shape[-2:]) <= _DRAWN


def _slice(value: torch.Tensor) -> torch.Tensor:
    """The last two dimensions, of the first image and channel."""
    while value.ndim > 2:
        value = value[0]
    return value


def _picture(actual: torch.Tensor, expected: torch.Tensor) -> str:
    mine, right = _slice(actual), _slice(expected)
    same = mine.shape == right.shape
    cells = "display:inline-block;vertical-align:top;margin:.4em 1.5em .4em 0"
    return (
        f'<div><div style="{cells}"><em>yours</em>, {shape_text(actual.shape)}'
        f"{_grid(mine, right if same else None)}</div>"
        f'<div style="{cells}"><em>expected</em>, {shape_text(expected.shape)}'
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
            wrong = against is not None and compare(two[i, j], against[i, j], exact_dtype=False)
            frame = "2px solid" if wrong else "1px solid rgba(128,128,128,.4)"
            text = f"<s>{text}</s>" if wrong else text
            body += f'<td style="border:{frame};padding:.15em .5em;text-align:right">{text}</td>'
        body += "</tr>"
    return f'<table style="border-collapse:collapse">{body}</table>'
