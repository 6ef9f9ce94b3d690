"""Pictures of what a network's layers give: heat maps of every output, in one figure."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from . import _text, show, style

#: In inches: the labels' width, the drawings' width, the least height of a row, the room between.
_LABEL, _WIDTH, _LEAST, _ROOM = 1.45, 5.0, 0.3, 0.14
#: The height of a channel of a signal, and of a vector's strip.
_CHANNEL, _STRIP = 0.09, 0.16
#: Maps that are never broken into more lines than needed for so many in one.
_ABREAST = 6


def heat_maps(outputs: Mapping[str, Tensor], alt: str) -> None:
    """Show what layers give for one sample: a row for each layer, from top to bottom.

    Dark is the least number of the row and bright the greatest; both stand under the layer's name
    and shape. Maps, (C, H, W), lie side by side, all of the figure's in one scale, so that smaller
    ones look smaller. Signals, (C, L), have a line for each channel and are stretched to one
    width, so that what lies one above the other belongs together. Vectors, (F,), are strips.

    Parameters
    ----------
    outputs
        Name → a tensor of shape (C, H, W), (C, L) or (F,), without the batch dimension.
    alt
        What is to be seen, for those who do not see it.

    Raises
    ------
    ValueError
        If ``outputs`` or ``alt`` is empty, or a tensor has another number of dimensions, no
        numbers, or some that are not finite.
    """
    if not outputs:
        raise ValueError("outputs is empty; allowed: one entry or more")
    kept = {name: _checked(name, value) for name, value in outputs.items()}
    maps = [value.shape for value in kept.values() if value.ndim == 3]
    across = max([min(shape[0], _ABREAST) * (shape[2] + 1) for shape in maps], default=1)
    longest = max([len(value) for value in kept.values() if value.ndim == 1], default=1)
    rows = {name: _row(value, across, longest) for name, value in kept.items()}
    from matplotlib.figure import Figure

    heights = [max(size[1], _LEAST) + _ROOM for _, size in rows.values()]
    total = sum(heights)
    with style():
        figure = Figure(figsize=(_LABEL + _WIDTH, total))
        figure.set_layout_engine("none")  # every place is worked out here
        top = total
        for (name, (drawn, (wide, high))), height in zip(rows.items(), heights, strict=True):
            middle = top - height / 2
            top -= height
            left, bottom = _LABEL / (_LABEL + _WIDTH), (middle - high / 2) / total
            axes = figure.add_axes((left, bottom, wide / (_LABEL + _WIDTH), high / total))
            axes.imshow(drawn.numpy(), cmap="viridis", aspect="auto", interpolation="none")
            axes.axis("off")
            numbers = drawn[~drawn.isnan()]
            shape = "×".join(map(str, kept[name].shape))
            label = f"{name}  {shape}\n{_text(numbers.min().item())} to "
            label += _text(numbers.max().item())
            figure.text(0, middle / total, label, va="center", fontsize=8)
    show(figure, alt)


def _checked(name: str, value: Tensor) -> Tensor:
    value = value.detach().to("cpu", torch.float64)
    if value.ndim not in (1, 2, 3) or not value.numel() or not bool(value.isfinite().all()):
        raise ValueError(
            f"outputs[{name!r}] has shape {tuple(value.shape)}; allowed: finite numbers of shape "
            "(C, H, W), (C, L) or (F,)"
        )
    return value


def _row(value: Tensor, across: int, longest: int) -> tuple[Tensor, tuple[float, float]]:
    """What to draw for a layer, as a matrix, and its width and height in inches."""
    if value.ndim == 1:
        return value[None], (_WIDTH * len(value) / longest, _STRIP)
    if value.ndim == 2:
        return value, (_WIDTH, max(_CHANNEL * len(value), _STRIP))
    tiled = _tiled(value, across)
    pixel = _WIDTH / across
    return tiled, (pixel * tiled.shape[1], pixel * tiled.shape[0])


def _tiled(maps: Tensor, across: int) -> Tensor:
    """Maps side by side, in as few lines as ``across`` pixels allow, a gap behind each."""
    count, height, width = maps.shape
    lines = -(-count // max(1, across // (width + 1)))
    columns = -(-count // lines)
    drawn = torch.full((lines * columns, height + 1, width + 1), torch.nan, dtype=maps.dtype)
    drawn[:count, :height, :width] = maps
    rows = drawn.reshape(lines, columns, height + 1, width + 1).transpose(1, 2)
    return rows.reshape(lines * (height + 1), columns * (width + 1))
