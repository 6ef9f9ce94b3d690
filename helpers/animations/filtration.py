"""A Vietoris–Rips filtration as an animation: a complex that grows with its scale."""

from __future__ import annotations

import hashlib
import math
from html import escape

import torch
from torch import Tensor

from ..topology.reduction import Simplex, diagram_by_reduction, rips_simplices
from .scene import BLUE, ORANGE, Animation

_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif"
#: The drawing's side; the barcode's left edge, its width, a bar's height; room around; in pixels.
_SIDE, _LEFT, _WIDE, _ROW, _EDGE = 300, 380, 250, 11, 24
#: Seconds for the scale to rise, the steps it rises in, and the share of the time at the end.
_SECONDS, _STEPS, _REST = 14.0, 40, 0.12
_MOST = 16


def rips_filtration(points: Tensor, largest: float | None = None) -> Animation:
    """Points on the plane, their Vietoris–Rips complex (left) and its barcode (right) by scale.

    Around each point grows a disc whose radius is half the scale, so that two discs touch when the
    edge between their centers appears. A line sweeps over the barcode at the same scale; bars of H0
    are solid and those of H1 are dashed. It stands still, where it must, at the scale in the
    middle of the longest bar of H1 (of H0, if there is none).

    Parameters
    ----------
    points
        Shape (n, 2), 2 to 16 points.
    largest
        The scale at which it ends; by default a little after the last bar that ends.

    Raises
    ------
    ValueError
        If the points have another shape or are not all different, or ``largest`` is not positive.
    """
    places, distances = _checked(points)
    bars = diagram_by_reduction(distances, 1)
    ends = torch.cat(bars)[:, 1]
    last = 1.15 * float(ends[ends.isfinite()].max()) if largest is None else largest
    if not (last > 0 and math.isfinite(last)):
        raise ValueError(f"largest is {last}; allowed: a positive number")
    longest = max(bars[1] if len(bars[1]) else bars[0][:-1], key=lambda bar: float(bar[1] - bar[0]))
    rest = min(float(longest.sum()) / 2, last)
    filtration = [pair for pair in rips_simplices(distances, 2, last) if len(pair[0]) > 1]
    count = sum(len(part) for part in bars)
    alt = (
        f"{len(places)} points joined by edges and triangles as the scale grows from 0 to "
        f"{last:.3g}; beside them a barcode of {len(bars[0])} bars in H0 and {len(bars[1])} in H1."
    )
    film = _Film(alt, last, rest, repr((places, largest)))
    film.complex(places, filtration)
    film.barcode(bars, height=max(_SIDE, _ROW * (count + 2)))
    return film.finished(max(_SIDE, _ROW * (count + 2)))


def _checked(points: Tensor) -> tuple[list[tuple[float, float]], Tensor]:
    """The points' places in the drawing, and their distances in float64."""
    if points.ndim != 2 or points.shape[1] != 2 or not 2 <= len(points) <= _MOST:
        raise ValueError(
            f"points has shape {tuple(points.shape)}; allowed: (n, 2), 2 ≤ n ≤ {_MOST}"
        )
    wide = points.detach().cpu().double()
    distances = (wide[:, None] - wide[None]).square().sum(dim=2).sqrt()
    if not bool((distances + torch.eye(len(wide)) > 0).all()):  # not-a-numbers too
        raise ValueError("points has one twice, or one that is no number; allowed: different ones")
    return [(x, y) for x, y in wide.tolist()], distances


class _Film:
    """An SVG whose parts appear as a scale rises, and what is drawn where it stands still."""

    def __init__(self, alt: str, last: float, rest: float, salt: str) -> None:
        self.alt, self.last, self.rest = alt, last, rest
        self.name = "lw" + hashlib.sha256((alt + salt).encode()).hexdigest()[:8]
        self.parts: list[str] = []
        self.keyframes: dict[str, str] = {}

    def complex(
        self, places: list[tuple[float, float]], filtration: list[tuple[Simplex, float]]
    ) -> None:
        """Discs, triangles, edges and points."""
        low = [min(axis) for axis in zip(*places, strict=True)]
        spans = [max(axis) - min(axis) for axis in zip(*places, strict=True)]
        unit = (_SIDE - 2 * _EDGE) / max(spans)
        middle = [(_SIDE - unit * span) / 2 for span in spans]
        at = [
            (middle[0] + unit * (x - low[0]), _SIDE - middle[1] - unit * (y - low[1]))
            for x, y in places
        ]
        self._discs(at, unit * self.last / 2)
        for size, look in ((3, f'fill="{ORANGE}" fill-opacity=".16"'), (2, "")):
            for step in range(_STEPS + 1):
                new = [s for s, scale in filtration if len(s) == size and self._step(scale) == step]
                path = "".join("M" + "L".join(f"{at[v][0]:.0f} {at[v][1]:.0f}" for v in s) + "z"
                               for s in new)  # fmt: skip
                stroke = f'fill="none" stroke="{BLUE}" stroke-width="1.5"'
                if path:
                    self.parts.append(f'<path d="{path}" {look or stroke}{self._from(step)}/>')
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in at)
        self.parts.append(f"<g>{dots}</g>")

    def _discs(self, at: list[tuple[float, float]], radius: float) -> None:
        """One disc around each point, which grows evenly; clipped to the drawing."""
        stop = self._time(_STEPS)
        self.keyframes["grow"] = f"0%{{transform:scale(0)}}{stop},100%{{transform:scale(1)}}"
        shown = f"transform:scale({self.rest / self.last:.3f});animation:{self._timed('grow')}"
        discs = "".join(
            f'<g transform="translate({x:.1f} {y:.1f})"><circle r="{radius:.1f}" '
            f'style="{shown} linear infinite"/></g>'
            for x, y in at
        )
        clip = f'<clipPath id="{self.name}"><path d="M0 0h{_SIDE}v{_SIDE}H0z"/></clipPath>'
        self.parts.append(
            f'{clip}<g clip-path="url(#{self.name})" fill="#808080" fill-opacity=".13">{discs}</g>'
        )

    def barcode(self, bars: list[Tensor], height: int) -> None:
        """The bars, an axis below them, the numbers that are alive, and the line that sweeps."""
        y, unit = 2 * _ROW, _WIDE / self.last
        for dimension, (part, color) in enumerate(zip(bars, (BLUE, ORANGE), strict=True)):
            dash = ' stroke-dasharray="5 3"' if dimension else ""
            middle = y + _ROW * max(len(part) - 1, 0) / 2 + 5
            self.parts.append(f'<text x="{_LEFT - 34}" y="{middle:.0f}">H{dimension}</text>')
            for birth, death in part.tolist():
                stop, y = min(death, self.last), y + _ROW
                line = f"M{_LEFT + unit * birth:.1f} {y - _ROW}H{_LEFT + unit * stop:.1f}"
                line += "m-6 -4l6 4l-6 4" if death > self.last else ""
                self.parts.append(
                    f'<path d="{line}" fill="none" stroke="{color}" stroke-width="3"{dash}/>'
                )
            self._alive(part, dimension)
            y += _ROW
        axis = f"M{_LEFT} {height - _EDGE}h{_WIDE}"
        self.keyframes["sweep"] = (
            f"0%{{transform:translate(0)}}{self._time(_STEPS)},100%"
            f"{{transform:translate({_WIDE}px)}}"
        )
        shown = f"transform:translate({_WIDE * self.rest / self.last:.1f}px)"
        self.parts.append(
            f'<path d="{axis}" stroke="#808080"/><g font-size="12"><text x="{_LEFT}" '
            f'y="{height - 6}">0</text><text x="{_LEFT + _WIDE}" y="{height - 6}" '
            f'text-anchor="end">{self.last:.3g}</text><text x="{_LEFT + _WIDE / 2}" '
            f'y="{height - 6}" text-anchor="middle">scale</text></g>'
            f'<g style="{shown};animation:{self._timed("sweep")} linear infinite">'
            f'<path d="M{_LEFT} 4V{height - _EDGE}" stroke="currentColor" stroke-width="1.5"/></g>'
        )

    def _alive(self, bars: Tensor, dimension: int) -> None:
        """The Betti number as a text below the drawing, another one whenever it changes."""
        counts = [
            int(((bars[:, 0] <= scale) & (scale < bars[:, 1])).sum())
            for scale in (self.last * step / _STEPS for step in range(_STEPS + 1))
        ]
        changes = [0] + [s for s in range(1, _STEPS + 1) if counts[s] != counts[s - 1]]
        x = 60 + 100 * dimension
        for start, stop in zip(changes, [*changes[1:], None], strict=True):
            text = f"β{'₀₁'[dimension]} = {counts[start]}"
            seen = self._from(start, stop)
            self.parts.append(f'<text x="{x}" y="{_SIDE + 18}"{seen}>{text}</text>')

    def _step(self, scale: float) -> int:
        """The step at which what appears at a scale is first seen."""
        return math.ceil(_STEPS * scale / self.last - 1e-9)

    def _time(self, step: int) -> str:
        return f"{100 * (1 - _REST) * step / _STEPS:.2f}".rstrip("0").rstrip(".") + "%"

    def _timed(self, name: str) -> str:
        return f"{self.name}-{name} {_SECONDS:g}s"

    def _from(self, start: int, stop: int | None = None) -> str:
        """Attributes of what is seen from a step on, perhaps until another."""
        at_rest = _STEPS * self.rest / self.last
        shown = start <= at_rest and (stop is None or at_rest < stop)
        name = f"{start}" if stop is None else f"{start}-{stop}"
        frames = "0%{opacity:0}" if start else ""
        frames += f"{self._time(start)}{{opacity:1}}"
        frames += "" if stop is None else f"{self._time(stop)}{{opacity:0}}"
        final = 1 if stop is None else 0
        self.keyframes[name] = frames + f"100%{{opacity:{final}}}"
        hidden = "" if shown else ' opacity="0"'
        return f'{hidden} style="animation:{self._timed(name)} step-end infinite"'

    def finished(self, height: int) -> Animation:
        """The film as one SVG element."""
        wide, high = _LEFT + _WIDE + _EDGE, max(height, _SIDE + _EDGE)
        css = "".join(f"@keyframes {self.name}-{n}{{{f}}}" for n, f in self.keyframes.items())
        css += (
            f"svg.{self.name}:hover *{{animation-play-state:paused!important}}"
            "@media (prefers-reduced-motion: reduce),print"
            f"{{svg.{self.name} *{{animation:none!important}}}}"
        )
        return Animation(
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{self.name}" role="img" '
            f'aria-label="{escape(self.alt)}" viewBox="0 0 {wide} {high}" width="{wide}" '
            f'height="{high}" fill="currentColor" font-size="14" font-family="{_FONT}" '
            f'style="max-width:100%;height:auto"><style>{css}</style>{"".join(self.parts)}</svg>',
            self.alt,
        )
