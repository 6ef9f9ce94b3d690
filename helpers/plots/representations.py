"""Pictures of what layers give: maps in a mosaic, samples on a plane, tables as shades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from . import COLORS, show
from .panels import grid


def mosaics(panels: Mapping[str, Tensor], alt: str, columns: int = 8) -> None:
    """Show sets of maps side by side, each set as a mosaic.

    Every map runs from black at its least value to white at its greatest.

    Parameters
    ----------
    panels
        Title → maps of shape (maps, H, W).
    alt
        What is to be seen, for those who do not see it.
    columns
        Maps in a row of a mosaic.

    Raises
    ------
    ValueError
        If ``panels`` or ``alt`` is empty, ``columns`` is not positive, or a tensor has another
        shape.
    """
    if columns < 1:
        raise ValueError(f"columns is {columns}; allowed: 1 or more")
    tallest = _tallest(panels, columns)
    with grid(panels, 2, lambda wide: wide * tallest + 0.3) as (figure, panes):
        for (title, maps), axes in zip(panels.items(), panes, strict=True):
            axes.imshow(_mosaic(maps, columns), vmin=0, vmax=1, interpolation="nearest")
            axes.set_title(title)
            axes.axis("off")
    show(figure, alt)


def _tallest(panels: Mapping[str, Tensor], columns: int) -> float:
    """Height over width of the mosaic that is tallest for its width."""
    ratios = []
    for title, maps in panels.items():
        if maps.ndim != 3 or not maps.numel():
            shape = tuple(maps.shape)
            raise ValueError(f"panels[{title!r}] has shape {shape}; allowed: (maps, H, W)")
        ratios.append(-(-len(maps) // columns) * maps.shape[1] / (columns * maps.shape[2]))
    return max(ratios, default=1.0)


def _mosaic(maps: Tensor, columns: int) -> Any:
    """Maps laid out in rows, a gap of not-a-number between them."""
    maps = maps.detach().cpu().double()
    low = maps.amin(dim=(1, 2), keepdim=True)
    span = maps.amax(dim=(1, 2), keepdim=True) - low
    shades = torch.where(span > 0, (maps - low) / torch.where(span > 0, span, 1), 0.5)
    count, height, width = maps.shape
    gap = max(1, round(width / 14))
    rows = -(-count // columns)
    laid = torch.full((rows * (height + gap), columns * (width + gap)), torch.nan)
    for place, shade in enumerate(shades):
        top, left = place // columns * (height + gap), place % columns * (width + gap)
        laid[top : top + height, left : left + width] = shade
    return laid[:-gap, :-gap].numpy()


def scatter(
    panels: Mapping[str, Tensor],
    labels: Tensor | Mapping[str, Tensor],
    alt: str,
    columns: int = 3,
    names: bool = True,
) -> None:
    """Show samples on planes, each drawn as the digit that is its label.

    Parameters
    ----------
    panels
        Title → places of shape (n, 2). Axes have one scale, and no numbers.
    labels
        Shape (n,), from 0 to 9; or title → such labels.
    alt
        What is to be seen, for those who do not see it.
    columns
        Panels in a row.
    names
        Write each class's label, large, at the median of its samples.

    Raises
    ------
    ValueError
        If ``panels`` or ``alt`` is empty, ``columns`` is not positive, or shapes do not go
        together.
    """
    from matplotlib.patheffects import withStroke

    if columns < 1:
        raise ValueError(f"columns is {columns}; allowed: 1 or more")
    halo = [withStroke(linewidth=3, foreground="#ffffff")]
    with grid(panels, columns, lambda wide: wide + 0.3) as (figure, panes):
        for (title, places), axes in zip(panels.items(), panes, strict=True):
            own = labels if isinstance(labels, Tensor) else labels[title]
            if places.ndim != 2 or places.shape[1] != 2 or own.shape != places.shape[:1]:
                raise ValueError(
                    f"panels[{title!r}] has shape {tuple(places.shape)} and labels of shape "
                    f"{tuple(own.shape)}; allowed: (n, 2) and (n,)"
                )
            x, y = places.detach().cpu().double().T
            for label in own.unique().tolist():
                mine, color = own.cpu() == label, COLORS[label % len(COLORS)]
                marks: Any = {"marker": f"${label}$", "color": color, "linewidths": 0}
                axes.scatter(x[mine].numpy(), y[mine].numpy(), s=16, rasterized=True, **marks)
                if names:
                    bold: Any = {"fontsize": 13, "fontweight": "bold", "path_effects": halo}
                    middle = x[mine].median().item(), y[mine].median().item()
                    center = {"ha": "center", "va": "center", "color": "#111111"}
                    axes.text(*middle, str(label), **center, **bold)
            axes.set_title(title)
            axes.set_aspect("equal", adjustable="datalim")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(True)
    show(figure, alt)


def tables(
    panels: Mapping[str, Tensor], rows: Sequence[str], columns: Sequence[str], alt: str
) -> None:
    """Show tables of numbers from 0 to 1 side by side, each number on its shade.

    Parameters
    ----------
    panels
        Title → a tensor of shape (rows, columns).
    rows, columns
        Their names.
    alt
        What is to be seen, for those who do not see it.

    Raises
    ------
    ValueError
        If ``panels`` or ``alt`` is empty, or a tensor has another shape.
    """
    shape = len(rows), len(columns)
    for title, table in panels.items():
        if tuple(table.shape) != shape:
            found = tuple(table.shape)
            raise ValueError(f"panels[{title!r}] has shape {found}; allowed: {shape}, as the names")
    ratio = (shape[0] + 1) / (shape[1] + 1)
    across = min(3, len(panels))
    with grid(panels, across, lambda wide: wide * ratio + 0.3) as (figure, panes):
        for place, ((title, table), axes) in enumerate(zip(panels.items(), panes, strict=True)):
            values = table.detach().cpu().double()
            axes.imshow(values.numpy(), vmin=-0.25, vmax=1, aspect="auto")
            for (row, column), value in _entries(values):
                ink = "#111111" if value > 0.4 else "#f4f4f4"
                said = f"{value:.2f}".replace("-", "−")
                axes.text(column, row, said, ha="center", va="center", color=ink, fontsize=8)
            axes.set_title(title)
            axes.set_xticks(range(shape[1]), columns, rotation=30, ha="right")
            axes.set_yticks(range(shape[0]), rows if place % across == 0 else [""] * shape[0])
            axes.tick_params(length=0)
            axes.grid(visible=False)
            axes.spines[:].set_visible(False)
    show(figure, alt)


def _entries(values: Tensor) -> Iterator[tuple[tuple[int, int], float]]:
    return ((divmod(i, values.shape[1]), v) for i, v in enumerate(values.flatten().tolist()))
