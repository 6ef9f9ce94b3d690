"""Pictures of what an experiment on layers found: curves with their spread, intervals, Betti rows.

Nothing is told by color alone: lines differ in dash, rows stand beside their names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import torch

from . import COLORS, LINES, MARKERS, show, style
from .panels import grid, legend

Row = Sequence[float]


def bands(
    panels: Mapping[str, Mapping[str, Sequence[Row]]],
    x: Row,
    xlabel: str,
    ylabel: str,
    alt: str,
) -> None:
    """Show curves with their spread: the mean as a line, and from least to greatest as a band.

    Parameters
    ----------
    panels
        Title → name → curves, each as long as ``x``. Panels share their axes.
    x
        Where the curves were taken.
    xlabel, ylabel
        The axes' labels, with units where there are some.
    alt
        What is to be seen, for those who do not see it.

    Raises
    ------
    ValueError
        If ``panels`` is empty or a curve is not as long as ``x``.
    """
    for title, series in panels.items():
        for name, curves in series.items():
            if not curves or any(len(curve) != len(x) for curve in curves):
                raise ValueError(f"{name!r} in {title!r} has no curves of {len(x)} numbers")
    names = list(dict.fromkeys(name for series in panels.values() for name in series))
    handles: dict[str, Any] = {}
    with grid(panels, len(panels), lambda wide: 3.2, sharey=True) as (figure, panes):
        for (title, series), axes in zip(panels.items(), panes, strict=True):
            for name, curves in series.items():
                place = names.index(name)
                look: Any = {"color": COLORS[place % 6], "linestyle": LINES[place % 6]}
                table = torch.tensor(curves, dtype=torch.float64)
                (handles[name],) = axes.plot(x, table.mean(dim=0).tolist(), label=name, **look)
                low, high = table.amin(dim=0).tolist(), table.amax(dim=0).tolist()
                axes.fill_between(x, low, high, color=look["color"], alpha=0.18, lw=0)
            axes.set(title=title, xlabel=xlabel)
        panes[0].set_ylabel(ylabel)
        legend(figure, [handles[name] for name in names])
    show(figure, alt)


def intervals(
    rows: Mapping[str, tuple[float, float, float]],
    xlabel: str,
    alt: str,
    small: float = 0.0,
) -> None:
    """Show intervals one under another, each beside its name.

    Parameters
    ----------
    rows
        Name → (middle, low, high).
    xlabel
        What the numbers are.
    alt
        What is to be seen, for those who do not see it.
    small
        Shade what lies within so much of 0.

    Raises
    ------
    ValueError
        If ``rows`` is empty.
    """
    from matplotlib.figure import Figure

    if not rows:
        raise ValueError("rows is empty; allowed: one entry or more")
    with style():
        figure = Figure(figsize=(6.4, 0.32 * len(rows) + 0.8))
        axes = figure.subplots()
        axes.axvline(0, color="#000000", lw=1)
        if small:
            axes.axvspan(-small, small, color=COLORS[5], alpha=0.18, lw=0)
        for place, (middle, low, high) in enumerate(rows.values()):
            reach = [[middle - low], [high - middle]]
            axes.errorbar(
                [middle], [place], xerr=reach, fmt="o", color=COLORS[0], capsize=4, markersize=6
            )
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(xlabel)
    show(figure, alt)


def by_layer(
    panels: Mapping[str, Mapping[str, Sequence[Row]]],
    ylabel: str,
    alt: str,
    columns: int = 2,
) -> None:
    """Show numbers that go from layer to layer, layer 0 being the input: a line for each run.

    Parameters
    ----------
    panels
        Title → name → runs; a run is a number for the input and one for each layer.
    ylabel
        What the numbers are.
    alt
        What is to be seen, for those who do not see it.
    columns
        Panels in a row.

    Raises
    ------
    ValueError
        If ``panels`` is empty.
    """
    names = list(dict.fromkeys(name for series in panels.values() for name in series))
    handles: dict[str, Any] = {}
    with grid(panels, columns, lambda wide: 0.6 * wide + 0.8) as (figure, panes):
        for (title, series), axes in zip(panels.items(), panes, strict=True):
            for name, runs in series.items():
                place = names.index(name)
                marker = next(m for i, m in enumerate(cycle(MARKERS)) if i == place)
                look: Any = {"color": COLORS[place % 6], "linestyle": LINES[place % 6]}
                for run in runs:
                    (handles[name],) = axes.plot(
                        range(len(run)),
                        list(run),
                        marker=marker,
                        markersize=4,
                        lw=1.3,
                        alpha=1.0 if len(runs) == 1 else 0.6,
                        clip_on=False,
                        label=name,
                        **look,
                    )
            axes.set_title(title)
            axes.set_xlim(left=0)
            axes.set_ylim(bottom=0)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.yaxis.get_major_locator().set_params(integer=True)
        across = min(columns, len(panels))
        for axes in panes[-across:]:
            axes.set_xlabel("layer (0: the input)")
        for axes in panes[::across]:
            axes.set_ylabel(ylabel)
        legend(figure, [handles[name] for name in names])
    show(figure, alt)


def save_figures(result: Any, folder: Path) -> None:
    """Put a layer's figures into a folder: for the argument ``draw`` of `layer_topology`.

    Parameters
    ----------
    result
        A `helpers.topology.LayerTopology`.
    folder
        Gets ``curves.svg`` (Betti curves) and ``births-deaths.svg``, in units of the median
        distance; each is written beside its place and then moved there.
    """
    from matplotlib.figure import Figure

    unit = result.median or 1.0
    with style():
        curves, pairs = Figure(), Figure(figsize=(4.0, 3.6))
        axes = curves.subplots()
        for dimension, curve in enumerate(result.curves):
            axes.plot(result.scales.tolist(), curve.tolist(), label=f"β{dimension}")
        axes.set(title=result.name, xlabel="scale, in medians", ylabel="Betti number", yscale="log")
        axes.legend()
        axes = pairs.subplots()
        for dimension, (bars, mark) in enumerate(zip(result.diagram, MARKERS, strict=False)):
            finite = bars[bars.isfinite().all(dim=1)].double() / unit
            axes.plot(*finite.T.numpy(), mark, markersize=3, label=f"H{dimension}")
        axes.axline((0, 0), slope=1, color="#000000", lw=1)
        axes.set(title=result.name, xlabel="birth, in medians", ylabel="death, in medians")
        axes.legend()
        for name, figure in (("curves.svg", curves), ("births-deaths.svg", pairs)):
            beside = folder / f".{name}"
            figure.savefig(beside, format="svg")
            beside.replace(folder / name)
