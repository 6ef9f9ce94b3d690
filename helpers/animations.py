"""Animations of convolution arithmetic, made from its parameters.

Each is one inline SVG that moves by CSS alone. It takes its ink from the page, so it suits light
and dark; the window has a thick frame, padding is dashed and the cells that a dilated kernel
touches are hatched, so it reads without color. Where a reader asks for less motion, and on
paper, it stands still on its last step. A pointer held over it stops it.

>>> convolution(input_size=5, kernel_size=3, stride=2, padding=1)
A 3×3 kernel slides over a 5×5 input with stride 2 and padding 1; output 3×3.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import product
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

Pair = tuple[int, int]

#: No grid is drawn with more cells a side than this.
LARGEST = 12

_BLUE, _ORANGE, _GRAY = "#0077BB", "#D55E00", "#808080"
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
    """An animation that a notebook shows.

    Attributes
    ----------
    svg
        One ``<svg>`` element that follows the page's colors.
    alt
        What is to be seen, in words.
    """

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


def convolution(
    input_size: int | Pair = 5,
    kernel_size: int | Pair = 3,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    input: Tensor | None = None,
    weight: Tensor | None = None,
) -> Animation:
    """The kernel slides over the padded input (left); each step gives one output cell (right).

    Parameters
    ----------
    input_size, kernel_size, stride, padding, dilation
        As for `torch.nn.functional.conv2d`, in cells: an int, or a pair (rows, columns).
    input, weight
        Tensors of shape (rows, columns), both or neither. Their numbers are written in the cells
        and the output's appear as they are computed; the sizes are then theirs.

    Raises
    ------
    ValueError
        If a size is out of range or the kernel does not fit into the padded input.
    """
    given = _given(input_size, kernel_size, stride, padding, dilation, 0, input, weight)
    whole = _each(lambda n, p: n + 2 * p, given.size, given.padding)
    if given.span[0] > whole[0] or given.span[1] > whole[1]:
        raise ValueError(
            f"kernel_size is {_by(given.kernel)} and spans {_by(given.span)} cells with dilation "
            f"{_by(given.dilation)}; allowed: at most {_by(whole)}, the input with its padding"
        )
    out = _each(lambda n, k, s: (n - k) // s + 1, whole, given.span, given.stride)
    result = None
    if input is not None and weight is not None:
        images = (_exact(input)[None, None], _exact(weight)[None, None])
        result = F.conv2d(*images, None, given.stride, given.padding, given.dilation)[0, 0]

    source = _Board(f"input {_by(given.size)}", whole, given.padding, given.size)
    target = _Board(f"output {_by(out)}", out)
    scene = _Scene(source, target, ("convolution", given), math.prod(out), _texts(result))
    for cell in _cells(whole) if given.input else []:
        i, j = cell[0] - given.padding[0], cell[1] - given.padding[1]
        inside = source.has(cell)
        scene.write(source, cell, given.input[i][j] if inside else "0", faint=not inside)
    for step, cell in enumerate(_cells(out)):
        scene.fill(target, [cell], step, _ORANGE)
        if result is not None:
            scene.write(target, cell, _text(result[cell].item()), step)
    corners = [_each(operator.mul, cell, given.stride) for cell in _cells(out)]
    scene.move(source, corners, given.taps, given.weight, hatched=given.dilated)
    scene.move(target, _cells(out), color=_ORANGE)
    said = f"{_a(given.kernel)} kernel slides over {_a(given.size).lower()} input{given.settings}"
    return scene.finished(f"{said}; output {_by(out)}.")


def conv_transpose(
    input_size: int | Pair = 3,
    kernel_size: int | Pair = 3,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    dilation: int | Pair = 1,
    input: Tensor | None = None,
    weight: Tensor | None = None,
) -> Animation:
    """Each input cell (left) stamps the kernel, times its value, into the output (right).

    ``stride`` is the distance between stamps; ``padding`` cuts a border away from the output,
    drawn dashed; ``output_padding`` adds cells below and to the right.

    Parameters
    ----------
    input_size, kernel_size, stride, padding, output_padding, dilation
        As for `torch.nn.functional.conv_transpose2d`, in cells: an int, or a pair
        (rows, columns).
    input, weight
        Tensors of shape (rows, columns), both or neither. Their numbers are written in the cells
        and the output's sums grow stamp by stamp; the sizes are then theirs.

    Raises
    ------
    ValueError
        If a size is out of range, padding leaves no output, or ``output_padding`` is not smaller
        than stride or dilation.
    """
    given = _given(
        input_size, kernel_size, stride, padding, dilation, output_padding, input, weight
    )
    if any(_each(lambda e, s, d: e >= max(s, d), given.extra, given.stride, given.dilation)):
        raise ValueError(
            f"output_padding is {_by(given.extra)}; allowed: less than stride {_by(given.stride)} "
            f"or dilation {_by(given.dilation)}, whichever is larger"
        )
    stamped = _each(lambda n, s, k: (n - 1) * s + k, given.size, given.stride, given.span)
    out = _each(lambda n, p, e: n - 2 * p + e, stamped, given.padding, given.extra)
    if min(out) < 1:
        raise ValueError(
            f"padding is {_by(given.padding)} and leaves no output; allowed: less than half of "
            f"{_by(_each(operator.add, stamped, given.extra))}, what there is without it"
        )
    whole = _each(lambda n, p, o: max(n, p + o), stamped, given.padding, out)
    corners = [_each(operator.mul, cell, given.stride) for cell in _cells(given.size)]
    sums = {}
    if input is not None and weight is not None:
        sums = _partial_sums(_exact(input), _exact(weight), corners, given.taps, whole)

    source = _Board(f"input {_by(given.size)}", given.size)
    target = _Board(f"output {_by(out)}", whole, given.padding, out)
    shown = [[text for _, text in found] for found in sums.values()]
    scene = _Scene(source, target, ("conv_transpose", given), len(corners), shown)
    for step, (cell, corner) in enumerate(zip(_cells(given.size), corners, strict=True)):
        scene.fill(target, [_each(operator.add, corner, tap) for tap in given.taps], step, _BLUE)
        if given.input:
            scene.write(source, cell, given.input[cell[0]][cell[1]])
    for cell, found in sums.items():
        ends = [step for step, _ in found[1:]] + [None]
        for (step, text), end in zip(found, ends, strict=True):
            scene.write(target, cell, text, step, end, faint=not target.has(cell))
    scene.move(source, _cells(given.size), color=_ORANGE)
    scene.move(target, corners, given.taps, given.weight, hatched=given.dilated)
    said = f"Each cell of {_a(given.size).lower()} input stamps {_a(given.kernel).lower()} kernel"
    return scene.finished(f"{said} into the output{given.settings}; output {_by(out)}.")


def _partial_sums(
    input: Tensor, weight: Tensor, corners: list[Pair], taps: list[Pair], whole: Pair
) -> dict[Pair, list[tuple[int, str]]]:
    """For each output cell the numbers that it shows: (the step they appear at, the text)."""
    totals = torch.zeros(whole, dtype=torch.result_type(input, weight))
    shown: dict[Pair, list[tuple[int, str]]] = {cell: [] for cell in _cells(whole)}
    for step, (corner, value) in enumerate(zip(corners, input.flatten(), strict=True)):
        for tap, factor in zip(taps, weight.flatten(), strict=True):
            cell = _each(operator.add, corner, tap)
            totals[cell] += value * factor
            shown[cell].append((step, _text(totals[cell].item())))
    return {cell: found or [(0, "0")] for cell, found in shown.items()}


@dataclass(frozen=True)
class _Given:
    """The parameters, checked: sizes as pairs, numbers as texts (none if there are none)."""

    size: Pair
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    extra: Pair
    input: list[list[str]]
    weight: list[list[str]]

    @property
    def taps(self) -> list[Pair]:
        """The cells that the kernel touches, from its upper left corner."""
        return [_each(operator.mul, tap, self.dilation) for tap in _cells(self.kernel)]

    @property
    def span(self) -> Pair:
        """The size of the kernel with the holes that dilation makes."""
        return _each(lambda last: last + 1, self.taps[-1])

    @property
    def dilated(self) -> bool:
        return self.span != self.kernel

    @property
    def settings(self) -> str:
        """In words: ``with stride 2 and padding 1``, what is not the default."""
        values = (self.stride, self.padding, self.extra, self.dilation)
        names = ("stride", "padding", "output padding", "dilation")
        said = [
            f"{name} {pair[0] if pair[0] == pair[1] else _by(pair)}"
            for name, pair, default in zip(names, values, (1, 0, 0, 1), strict=True)
            if pair != (default, default)
        ]
        lead = ", ".join(said[:-1])
        return " with " * bool(said) + lead + " and " * bool(lead) + "".join(said[-1:])


def _given(
    input_size: int | Pair,
    kernel_size: int | Pair,
    stride: int | Pair,
    padding: int | Pair,
    dilation: int | Pair,
    output_padding: int | Pair,
    input: Tensor | None,
    weight: Tensor | None,
) -> _Given:
    if input is not None or weight is not None:
        for name, tensor in (("input", input), ("weight", weight)):
            if tensor is None or tensor.ndim != 2 or not tensor.numel() or tensor.is_complex():
                what = "None" if tensor is None else f"of shape {tuple(tensor.shape)}"
                raise ValueError(
                    f"{name} is {what}; allowed: real tensors of shape (rows, columns) as input "
                    "and weight, or None as both"
                )
            if name == "input":
                input_size = (tensor.shape[0], tensor.shape[1])
            else:
                kernel_size = (tensor.shape[0], tensor.shape[1])
    return _Given(
        _pair("input_size", input_size, 1),
        _pair("kernel_size", kernel_size, 1),
        _pair("stride", stride, 1),
        _pair("padding", padding, 0),
        _pair("dilation", dilation, 1),
        _pair("output_padding", output_padding, 0),
        _texts(input),
        _texts(weight),
    )


def _pair(name: str, value: int | Pair, least: int) -> Pair:
    pair = value if isinstance(value, tuple) else (value, value)
    if len(pair) != 2 or any(type(part) is not int or part < least for part in pair):
        raise ValueError(
            f"{name} is {value}; allowed: an int of {least} or more, or a pair of them"
        )
    return pair


SCENE
