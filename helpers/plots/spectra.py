"""Points on linear or logarithmic axes, with intervals and with lines through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

from . import COLORS, LINES, MARKERS, show, style
from .panels import legend

Values = Sequence[float]


def points(
    series: Mapping[str, tuple[Values, ...]],
    xlabel: str,
    ylabel: str,
    alt: str,
    lines: Mapping[str, tuple[Values, Values]] | None = None,
    log: str = "",
    joined: bool = False,
) -> None:
    """Show points, told apart by color and marker, and lines, told apart by dash.

    Parameters
    ----------
    series
        Name → (x, y), or (x, y, low, high) with the ends of an interval around each y.
    xlabel, ylabel
        The axes' labels, with units where there are some.
    alt
        What is to be seen, for those who do not see it.
    lines
        Name → (x, y), drawn without markers in the page's ink.
    log
        The logarithmic axes: ``""``, ``"x"``, ``"y"`` or ``"xy"``.
    joined
        Whether to join the points of a series.

    Raises
    ------
    ValueError
        If ``series`` or ``alt`` is empty, a series has not two or four columns of one length, or a
        value on a logarithmic axis is not positive.
    """
    if not series:
        raise ValueError("series is empty; allowed: one entry or more")
    if log not in ("", "x", "y", "xy"):
        raise ValueError(f"log is {log!r}; allowed: '', 'x', 'y' or 'xy'")
    for name, columns in {**series, **(lines or {})}.items():
        lengths = {len(column) for column in columns}
        if len(columns) not in (2, 4) or len(lengths) != 1 or not min(lengths):
            raise ValueError(f"{name!r} has {len(columns)} columns; allowed: (x, y[, low, high])")
        for axis, column in zip("xyyy", columns, strict=False):
            if axis in log and not min(column) > 0:
                raise ValueError(f"{name!r} has {min(column)} on a logarithmic axis; allowed: > 0")
    from matplotlib.figure import Figure

    with style():
        figure = Figure()
        axes = figure.subplots()
        drawn: list[Any] = []
        for (name, columns), marker, color in zip(
            series.items(), cycle(MARKERS), cycle(COLORS), strict=False
        ):
            x, y = ([float(value) for value in column] for column in columns[:2])
            looks: dict[str, Any] = {
                "color": color,
                "marker": marker,
                "label": name,
                "markersize": 4,
            }
            if len(columns) == 4:
                below = [a - float(b) for a, b in zip(y, columns[2], strict=True)]
                above = [float(b) - a for a, b in zip(y, columns[3], strict=True)]
                looks |= {"yerr": (below, above), "capsize": 3}
            between = "-" if joined else "none"
            drawn.append(axes.errorbar(x, y, linestyle=between, linewidth=1.3, **looks))
        for (name, (along, up)), dash in zip((lines or {}).items(), cycle(LINES[1:]), strict=False):
            ink: Any = {"color": "#000000", "linewidth": 1.2, "label": name}
            drawn += axes.plot(along, up, linestyle=dash, **ink)
        if "x" in log:
            axes.set_xscale("log")
            places = sorted({float(x) for columns in series.values() for x in columns[0]})
            if places[-1] < 30 * places[0] and len(places) <= 9:  # too short for powers of ten
                axes.set_xticks(places, [f"{place:g}" for place in places])
                axes.minorticks_off()
        if "y" in log:
            axes.set_yscale("log")
        axes.set(xlabel=xlabel, ylabel=ylabel)
        legend(figure, drawn)
    show(figure, alt)
