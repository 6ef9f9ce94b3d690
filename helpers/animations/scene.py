"""A scene of two grids, animated step by step: one SVG that moves by CSS alone."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain, product
from pathlib import Path

Pair = tuple[int, int]

#: No grid is drawn with more cells a side than this.
LARGEST = 12

BLUE, ORANGE, _GRAY = "#0077BB", "#D55E00", "#808080"
_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif"
#: A cell's height and least width; the room between two grids, above them and around all.
_CELL, _GAP, _LABEL, _EDGE = 34, 48, 26, 4
#: Seconds a step takes, and all of them at most; how many steps the last one stays for.
_STEP, _LONGEST, _REST = 1.1, 30.0, 2
_STANDALONE = (
    "<style>svg{color:#1a1a1a;background:#fff}"
    "@media (prefers-color-scheme: dark){svg{color:#e8e8e8;background:#14181e}}</style>"
)


@dataclass(frozen=True, repr=False)
class Animation:
    """An animation that a notebook shows: an ``<svg>`` in the page's colors, and it in words."""

    svg: str
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> Path:
        """Write an ``.svg`` file that stands on its own, light or dark as its reader's system is.

        Raises
        ------
        ValueError
            If the file's name does not end in ``.svg``.
        """
        path = Path(path)
        if path.suffix != ".svg":
            raise ValueError(f"path is {str(path)!r}; allowed: a name that ends in .svg")
        start = self.svg.index(">") + 1
        head = f"{self.svg[:start]}<title>{escape(self.alt)}</title>{_STANDALONE}"
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_text(f"{head}{self.svg[start:]}\n", encoding="utf-8")
        return beside.replace(path)


@dataclass
class Board:
    """A grid of cells, dashed but for a core; the scene says where its upper left corner is."""

    label: str
    shape: Pair
    start: Pair
    core: Pair
    x: int = 0
    y: int = 0

    def has(self, cell: Pair) -> bool:
        """Whether a cell lies in the core."""
        return all(each(lambda i, s, n: s <= i < s + n, cell, self.start, self.core))


class Scene:
    """Two boards and what happens on them: drawn is the last step, animations lead up to it."""

    def __init__(
        self, left: Board, right: Board, alt: str, steps: int, *numbers: list[list[str]]
    ) -> None:
        if max(left.shape + right.shape) > LARGEST:
            grids = f"{by(left.shape)} and {by(right.shape)}"
            raise ValueError(
                f"input_size gives grids of {grids}; allowed: at most {LARGEST} a side"
            )
        self.name = "lw" + hashlib.sha256(repr((alt, numbers)).encode()).hexdigest()[:8]
        self.alt, self.steps, self.keyframes = alt, steps, dict[str, str]()
        texts = chain.from_iterable(chain.from_iterable(numbers))
        self.wide = max(_CELL, 9 * max(map(len, texts), default=0) + 12)
        left.x, right.x = _EDGE, _EDGE + left.shape[1] * self.wide + _GAP
        high = max(left.shape[0], right.shape[0]) * _CELL
        width = right.x + max(right.shape[1] * self.wide, 90) + _EDGE  # room for the label
        self.size = (width, high + _LABEL + 2 * _EDGE)
        arrow = f"M{right.x - _GAP // 2 - 12} {_EDGE + _LABEL + high // 2}h22m-7-6l7 6l-7 6"
        self.parts = [f'<path d="{arrow}" fill="none" stroke="currentColor" stroke-width="1.5"/>']
        for board in (left, right):
            board.y = _EDGE + _LABEL + (high - board.shape[0] * _CELL) // 2
            self._draw(board)

    def _draw(self, board: Board) -> None:
        rows, columns = board.shape
        lines = {True: "", False: ""}  # within the core or at its edge, and elsewhere
        for i, j in cells((rows + 1, columns + 1)):
            corner = self._place(board, (i, j))
            if j < columns:
                lines[board.has((i, j)) or board.has((i - 1, j))] += f"M{corner}h{self.wide}"
            if i < rows:
                lines[board.has((i, j)) or board.has((i, j - 1))] += f"M{corner}v{_CELL}"
        across, high = board.core[1] * self.wide, board.core[0] * _CELL
        outline = f"M{self._place(board, board.start)}h{across}v{high}h{-across}z"
        self.parts.append(
            f'<g fill="none" stroke="{_GRAY}"><path d="{lines[True]}"/>'
            f'<path d="{lines[False]}" stroke-dasharray="4 3"/>'
            f'<path d="{outline}" stroke="currentColor"/></g>'
            f'<text x="{board.x}" y="{board.y - 9}" font-size="14">{board.label}</text>'
        )

    def _place(self, board: Board, cell: Pair) -> str:
        """A cell's upper left corner."""
        return f"{board.x + cell[1] * self.wide} {board.y + cell[0] * _CELL}"

    def write(
        self, board: Board, cell: Pair, text: str, start: int = 0, end: int | None = None
    ) -> None:
        """A number in a cell, from step ``start`` until ``end`` (or for good)."""
        x, y = board.x + (cell[1] + 0.5) * self.wide, board.y + cell[0] * _CELL + 21
        fill = ' fill-opacity=".6"' if not board.has(cell) else ""
        seen = self._seen(start, end)
        self.parts.append(f'<text x="{x:g}" y="{y}" class="{self.name}"{fill}{seen}>{text}</text>')

    def fill(self, board: Board, cells: list[Pair], step: int, color: str) -> None:
        """Cells tinted from a step on; tints add up."""
        path = "".join(f"M{self._place(board, cell)}{self._box()}" for cell in cells)
        tint = f'fill="{color}" fill-opacity=".2"'
        self.parts.append(f'<path d="{path}" {tint}{self._seen(step, None)}/>')

    def _box(self) -> str:
        return f"h{self.wide}v{_CELL}h-{self.wide}z"

    def _seen(self, start: int, end: int | None) -> str:
        """Attributes of what is seen from a step on only, or only between two."""
        if start == 0 and end is None:
            return ""
        frames = ("0%{opacity:0}" if start else "") + f"{self._time(start)}{{opacity:1}}"
        frames += "" if end is None else f"{self._time(end)}{{opacity:0}}"
        hidden = "" if end is None else ' opacity="0"'
        name = f"{self.name}-{start}" if end is None else f"{self.name}-{start}-{end}"
        return hidden + self._animated(name, frames, "step-end")

    def _animated(self, name: str, frames: str, timing: str) -> str:
        self.keyframes[name] = frames
        seconds = min(_STEP, _LONGEST / self.steps) * (self.steps + _REST)
        return f' style="animation:{name} {seconds:.1f}s {timing} infinite"'

    def _time(self, step: float) -> str:
        return f"{100 * step / (self.steps + _REST):.2f}".rstrip("0").rstrip(".") + "%"

    def move(
        self,
        board: Board,
        cells: list[Pair],
        color: str,
        taps: Sequence[Pair] = ((0, 0),),
        factors: Sequence[Sequence[str]] = (),
    ) -> None:
        """A framed window whose upper left corner visits cells, one a step."""
        frames, place = "", ""
        for step, cell in enumerate(cells):
            place = self._place(board, cell)
            leave = "100%" if cell == cells[-1] else self._time(step + 0.7)
            moved = place.replace(" ", "px,") + "px"
            frames += f"{self._time(step)},{leave}{{transform:translate({moved})}}"
        corners = [(j * self.wide, i * _CELL) for i, j in taps]
        boxes = "".join(f"M{x} {y}{self._box()}" for x, y in corners)
        body = f'<path d="{boxes}" fill="{color}" fill-opacity=".2"/>'
        if len(taps) < math.prod(each(lambda last: last + 1, taps[-1])):  # there are holes
            # hatched by dashed lines as thick as a cell
            middles = "".join(f"M{x + 5} {y + _CELL // 2}h{self.wide - 6}" for x, y in corners)
            dashes = f'stroke-width="{_CELL}" stroke-dasharray="1 5" stroke-opacity=".7"'
            body += f'<path d="{middles}" stroke="{color}" {dashes}/>'
        for (x, y), factor in zip(corners, chain.from_iterable(factors), strict=False):
            body += f'<text x="{x + self.wide - 4}" y="{y + 31}">×{factor}</text>'
        size = f'width="{corners[-1][0] + self.wide}" height="{corners[-1][1] + _CELL}"'
        self.parts.append(
            f'<g transform="translate({place})" font-size="10" text-anchor="end"'
            f"{self._animated(f'{self.name}-m{board.x}', frames, 'ease-in-out')}>"
            f'{body}<rect {size} fill="none" stroke="{color}" stroke-width="4"/></g>'
        )

    def finished(self) -> Animation:
        """The scene as one SVG element."""
        width, height = self.size
        css = "".join(f"@keyframes {name}{{{frames}}}" for name, frames in self.keyframes.items())
        css += (
            f"text.{self.name}{{font-size:15px;text-anchor:middle}}"
            f"svg.{self.name}:hover *{{animation-play-state:paused!important}}"
            "@media (prefers-reduced-motion: reduce),print"
            f"{{svg.{self.name} *{{animation:none!important}}}}"
        )
        return Animation(
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{self.name}" role="img" '
            f'aria-label="{escape(self.alt)}" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" fill="currentColor" font-family="{_FONT}" '
            f'style="max-width:100%;height:auto"><style>{css}</style>{"".join(self.parts)}</svg>',
            self.alt,
        )


def each(rule: Callable[..., int], *pairs: Pair) -> Pair:
    """A rule for one side applied to both: rows, then columns."""
    rows, columns = zip(*pairs, strict=True)
    return rule(*rows), rule(*columns)


def cells(shape: Pair) -> list[Pair]:
    return list(product(range(shape[0]), range(shape[1])))


def by(pair: Pair) -> str:
    return f"{pair[0]}×{pair[1]}"
