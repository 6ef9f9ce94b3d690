"""Animations of convolution arithmetic and of growing complexes, made from their parameters.

Each is one inline SVG that moves by CSS alone. It takes its ink from the page, so it suits light
and dark; the window has a thick frame, padding is dashed and the cells that a dilated kernel
touches are hatched, so it reads without color. Where a reader asks for less motion, and on
paper, it stands still on its last step. A pointer held over it stops it.

>>> convolution(input_size=5, kernel_size=3, stride=2, padding=1)
A 3×3 kernel slides over a 5×5 input with stride 2 and padding 1; output 3×3.
"""

from __future__ import annotations

import math
import operator

import torch
import torch.nn.functional as F
from torch import Tensor

from .filtration import rips_filtration
from .scene import BLUE, ORANGE, Animation, Board, Pair, Scene, by, cells, each

__all__ = ["Animation", "conv_transpose", "convolution", "rips_filtration"]


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
        If a size is out of range or the kernel larger than the padded input.
    """
    size, kernel = _sizes(input_size, kernel_size, input, weight)
    stride, padding = _pair("stride", stride, 1), _pair("padding", padding, 0)
    dilation = _pair("dilation", dilation, 1)
    values, factors = _texts(input), _texts(weight)
    taps, span = _taps(kernel, dilation)
    whole = each(lambda n, p: n + 2 * p, size, padding)
    if span[0] > whole[0] or span[1] > whole[1]:
        raise ValueError(
            f"kernel_size is {by(kernel)} and spans {by(span)} cells with dilation "
            f"{by(dilation)}; allowed: at most {by(whole)}, the input with its padding"
        )
    out = each(lambda n, k, s: (n - k) // s + 1, whole, span, stride)
    results = []
    if input is not None and weight is not None:
        images = (_exact(input)[None, None], _exact(weight)[None, None])
        results = _texts(F.conv2d(*images, None, stride, padding, dilation)[0, 0])

    source = Board(f"input {by(size)}", whole, padding, size)
    target = Board(f"output {by(out)}", out, (0, 0), out)
    said = _settings(stride=(stride, 1), padding=(padding, 0), dilation=(dilation, 1))
    alt = f"{_a(kernel)} kernel slides over {_a(size, 'a')} input{said}; output {by(out)}."
    scene = Scene(source, target, alt, math.prod(out), values, factors, results)
    for cell in cells(whole) if values else []:
        i, j = each(operator.sub, cell, padding)
        scene.write(source, cell, values[i][j] if source.has(cell) else "0")
    for step, (i, j) in enumerate(cells(out)):
        scene.fill(target, [(i, j)], step, ORANGE)
        if results:
            scene.write(target, (i, j), results[i][j], step)
    scene.move(source, [each(operator.mul, c, stride) for c in cells(out)], BLUE, taps, factors)
    scene.move(target, cells(out), ORANGE)
    return scene.finished()


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

    ``stride`` is the distance between stamps, ``padding`` cuts away a border (drawn dashed),
    ``output_padding`` adds cells below and to the right.

    Parameters
    ----------
    input_size, kernel_size, stride, padding, output_padding, dilation
        As for `torch.nn.functional.conv_transpose2d`, in cells: an int or (rows, columns).
    input, weight
        As for `convolution`; the output's sums grow stamp by stamp.

    Raises
    ------
    ValueError
        If a size is out of range or padding leaves no output.
    """
    size, kernel = _sizes(input_size, kernel_size, input, weight)
    stride, padding = _pair("stride", stride, 1), _pair("padding", padding, 0)
    dilation, extra = _pair("dilation", dilation, 1), _pair("output_padding", output_padding, 0)
    values, factors = _texts(input), _texts(weight)
    if any(each(lambda e, s, d: e >= max(s, d), extra, stride, dilation)):
        raise ValueError(
            f"output_padding is {by(extra)}; allowed: less than stride {by(stride)} or dilation "
            f"{by(dilation)}, whichever is larger"
        )
    taps, span = _taps(kernel, dilation)
    stamped = each(lambda n, s, k: (n - 1) * s + k, size, stride, span)
    out = each(lambda n, p, e: n - 2 * p + e, stamped, padding, extra)
    if min(out) < 1:
        raise ValueError(
            f"padding is {by(padding)} and leaves no output; allowed: less than half of "
            f"{by(each(operator.add, stamped, extra))}, what there is without it"
        )
    whole = each(lambda n, p, o: max(n, p + o), stamped, padding, out)
    corners = [each(operator.mul, cell, stride) for cell in cells(size)]
    sums = {}
    if input is not None and weight is not None:
        sums = _partial_sums(_exact(input), _exact(weight), corners, taps, whole)

    source = Board(f"input {by(size)}", size, (0, 0), size)
    target = Board(f"output {by(out)}", whole, padding, out)
    said = _settings(
        stride=(stride, 1), padding=(padding, 0), output_padding=(extra, 0), dilation=(dilation, 1)
    )
    alt = f"Each cell of {_a(size, 'a')} input stamps {_a(kernel, 'a')} kernel into the output"
    alt += f"{said}; output {by(out)}."
    shown = [[text for _, text in found] for found in sums.values()]
    scene = Scene(source, target, alt, len(corners), values, factors, shown)
    for step, ((i, j), corner) in enumerate(zip(cells(size), corners, strict=True)):
        scene.fill(target, [each(operator.add, corner, tap) for tap in taps], step, BLUE)
        if values:
            scene.write(source, (i, j), values[i][j])
    for cell, found in sums.items():
        ends = [step for step, _ in found[1:]] + [None]
        for (step, text), end in zip(found, ends, strict=True):
            scene.write(target, cell, text, step, end)
    scene.move(source, cells(size), ORANGE)
    scene.move(target, corners, BLUE, taps, factors)
    return scene.finished()


def _partial_sums(
    input: Tensor, weight: Tensor, corners: list[Pair], taps: list[Pair], whole: Pair
) -> dict[Pair, list[tuple[int, str]]]:
    """For each output cell the numbers that it shows: (the step they appear at, the text)."""
    totals = torch.zeros(whole, dtype=torch.result_type(input, weight))
    shown: dict[Pair, list[tuple[int, str]]] = {cell: [] for cell in cells(whole)}
    for step, (corner, value) in enumerate(zip(corners, input.flatten(), strict=True)):
        for tap, factor in zip(taps, weight.flatten(), strict=True):
            cell = each(operator.add, corner, tap)
            totals[cell] += value * factor
            shown[cell].append((step, _text(totals[cell].item())))
    return {cell: found or [(0, "0")] for cell, found in shown.items()}


def _taps(kernel: Pair, dilation: Pair) -> tuple[list[Pair], Pair]:
    """The cells that a kernel touches, from its upper left corner, and the size of them all."""
    taps = [each(operator.mul, tap, dilation) for tap in cells(kernel)]
    return taps, each(lambda last: last + 1, taps[-1])


def _pair(name: str, value: int | Pair, least: int) -> Pair:
    pair = value if isinstance(value, tuple) else (value, value)
    if len(pair) != 2 or any(type(part) is not int or part < least for part in pair):
        raise ValueError(
            f"{name} is {value}; allowed: an int of {least} or more, or a pair of them"
        )
    return pair


def _sizes(
    input_size: int | Pair, kernel_size: int | Pair, input: Tensor | None, weight: Tensor | None
) -> tuple[Pair, Pair]:
    """The input's and the kernel's size, from the tensors if they are given."""
    if input is None and weight is None:
        return _pair("input_size", input_size, 1), _pair("kernel_size", kernel_size, 1)
    sizes = []
    for name, tensor in (("input", input), ("weight", weight)):
        if tensor is None or tensor.ndim != 2 or not tensor.numel() or tensor.is_complex():
            what = "None" if tensor is None else f"of shape {tuple(tensor.shape)}, {tensor.dtype}"
            raise ValueError(f"{name} is {what}; allowed: both real, (rows, columns), or both None")
        sizes.append((tensor.shape[0], tensor.shape[1]))
    return sizes[0], sizes[1]


def _exact(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", torch.float64 if tensor.is_floating_point() else torch.int64)


def _texts(tensor: Tensor | None) -> list[list[str]]:
    return [] if tensor is None else [[_text(x) for x in row] for row in _exact(tensor).tolist()]


def _text(value: float) -> str:
    """A number in few characters, with a true minus sign."""
    short = isinstance(value, float) and abs(value) < 1000
    return (f"{value + 0.0:.3g}" if short else f"{value:.0f}").replace("-", "−")


def _a(pair: Pair, article: str = "A") -> str:
    """A size with its article: A 3×3, An 8×8."""
    return f"{article}{'n' if pair[0] in (8, 11) else ''} {by(pair)}"


def _settings(**settings: tuple[Pair, int]) -> str:
    """What is not the default, in words: `` with stride 2 and padding 1``."""
    said = [
        f"{name.replace('_', ' ')} {pair[0] if pair[0] == pair[1] else by(pair)}"
        for name, (pair, default) in settings.items()
        if pair != (default, default)
    ]
    lead = ", ".join(said[:-1])
    return " with " * bool(said) + lead + " and " * bool(lead) + "".join(said[-1:])
