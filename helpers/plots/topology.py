"""Pictures of shape: complexes on the plane, barcodes, persistence diagrams, Betti curves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Protocol

import torch
from torch import Tensor

from . import COLORS, LINES, MARKERS, show
from .panels import grid, legend

#: By subtraction, for any number of points.
_EXACT = "donot_use_mm_for_euclid_dist"


class Bars(Protocol):
    """A persistence diagram: ``[k]`` has shape (bars, 2), births and deaths in dimension k."""

    def __len__(self) -> int: ...

    def __getitem__(self, dimension: int, /) -> Tensor: ...


def rips_complex(
    panels: Mapping[str, tuple[Tensor, float]],
    alt: str,
    *,
    discs: bool = False,
    names: bool = False,
) -> None:
    """Show Vietoris–Rips complexes of points on the plane, side by side.

    Edges join points no further apart than the scale; a triangle is shaded once its three edges
    are there, darker where several lie on each other. Panels of the same points have one zoom.

    Parameters
    ----------
    panels
        Title → (points of shape (n, 2), scale).
    alt
        What is to be seen, for those who do not see it.
    discs
        Draw around each point a disc whose *radius* is half the scale: two discs touch when the
        edge between their centers is there.
    names
        Write each point's number beside it.

    Raises
    ------
    ValueError
        If ``panels`` or ``alt`` is empty or points have another shape.
    """
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.patches import Circle

    for title, (points, _) in panels.items():
        if points.ndim != 2 or points.shape[1] != 2 or not len(points):
            raise ValueError(f"{title!r} has points of {tuple(points.shape)}; allowed: (n, 2)")
    clouds = [points for points, _ in panels.values()]
    one_zoom = len(clouds) > 1 and all(torch.equal(points, clouds[0]) for points in clouds[1:])
    room = 0.55 * max((scale for _, scale in panels.values()), default=0) or 0.5  # a disc
    with grid(panels, 3, lambda wide: 0.95 * wide + 0.3) as (figure, panes):
        for (title, (points, scale)), axes in zip(panels.items(), panes, strict=True):
            places = points.detach().cpu().double()
            near = torch.cdist(places, places, compute_mode=_EXACT) <= scale
            corners = places.tolist()
            edges = [(a, b) for a, b in combinations(range(len(places)), 2) if near[a, b]]
            full = [
                [corners[a], corners[b], corners[c]]
                for a, b in edges
                for c in (near[a] & near[b]).nonzero().flatten().tolist()
                if c > b
            ]
            if discs:
                for corner in corners:
                    axes.add_patch(Circle(corner, scale / 2, color=COLORS[5], alpha=0.15, lw=0))
            if full:
                axes.add_collection(PolyCollection(full, facecolors=COLORS[1], alpha=0.18, lw=0))
            lines = [[corners[a], corners[b]] for a, b in edges]
            axes.add_collection(LineCollection(lines, colors=COLORS[0], linewidths=1))
            axes.plot(*places.T.numpy(), "o", color="#000000", markersize=3.5)
            if names:
                outward = places - places.mean(dim=0)  # where fewest edges and triangles are
                outward = 9 * outward / outward.norm(dim=1, keepdim=True).clamp(min=1e-9)
                for number, (corner, shift) in enumerate(
                    zip(corners, outward.tolist(), strict=True)
                ):
                    near_it: Any = {"xytext": shift, "textcoords": "offset points", "fontsize": 9}
                    axes.annotate(str(number), corner, ha="center", va="center", **near_it)
            axes.set_title(title)
            axes.set_aspect("equal", adjustable="box" if one_zoom else "datalim")
            axes.margins(0.12)
            if one_zoom:
                least, most = places.amin(dim=0) - room, places.amax(dim=0) + room
                axes.set(xlim=(least[0], most[0]), ylim=(least[1], most[1]))
            axes.set_axis_off()
    show(figure, alt)


def tree(points: Tensor, edges: Tensor, lengths: Tensor, alt: str) -> None:
    """Show edges between points on the plane, each with its length.

    Parameters
    ----------
    points
        Shape (n, 2).
    edges
        Shape (m, 2): the numbers of the two points.
    lengths
        Shape (m,).
    alt
        What is to be seen, for those who do not see it.

    Raises
    ------
    ValueError
        If ``alt`` is empty or shapes do not go together.
    """
    if points.ndim != 2 or points.shape[1] != 2 or edges.shape != (len(lengths), 2):
        raise ValueError(
            f"points, edges, lengths have shapes {tuple(points.shape)}, {tuple(edges.shape)}, "
            f"{tuple(lengths.shape)}; allowed: (n, 2), (m, 2), (m,)"
        )
    places = points.detach().cpu().double()
    with grid({"": None}, 1, lambda wide: 0.8 * wide + 0.3) as (figure, panes):
        (axes,) = panes
        for (one, other), length in zip(edges.tolist(), lengths.tolist(), strict=True):
            ends = places[[one, other]]
            axes.plot(*ends.T.numpy(), "-", color=COLORS[0], lw=1.5)
            beside: Any = {"xytext": (5, 3), "textcoords": "offset points", "fontsize": 9}
            axes.annotate(f"{length:.2f}", ends.mean(dim=0).tolist(), **beside)
        axes.plot(*places.T.numpy(), "o", color="#000000", markersize=4)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_axis_off()
    show(figure, alt)


def barcode(panels: Mapping[str, Bars], alt: str, *, largest: int = 60) -> None:
    """Show persistence diagrams as barcodes: a row a class, from its birth to its death.

    A bar that never dies ends in an arrow. Dimensions differ in color and in dash.

    Parameters
    ----------
    panels
        Title → a diagram.
    alt
        What is to be seen, for those who do not see it.
    largest
        The most bars to draw a dimension: the longest. Where some are left out, it is said.

    Raises
    ------
    ValueError
        If ``panels`` or ``alt`` is empty, or no diagram has a bar.
    """
    end = _end(panels)
    most = max(sum(min(len(bars), largest) for bars in _parts(one)) for one in panels.values())
    high = min(4.5, 1.0 + 0.09 * most)
    with grid(panels, 2, lambda wide: high + 0.3) as (figure, panes):
        for (title, diagram), axes in zip(panels.items(), panes, strict=True):
            row, ticks = 0, []
            for dimension, bars in enumerate(_parts(diagram)):
                kept = bars[(bars[:, 1] - bars[:, 0]).argsort(descending=True)[:largest]]
                kept = kept[kept[:, 0].argsort(stable=True)]
                color, dash = COLORS[dimension % 6], LINES[dimension % len(LINES)]
                for birth, death in kept.tolist():
                    stop = min(death, end)
                    looks: Any = {"color": color, "linestyle": dash, "lw": 1.8}
                    axes.plot([birth, stop], [row, row], marker="|", markersize=3, **looks)
                    if death == math.inf:
                        axes.plot(stop, row, ">", color=color, markersize=6, clip_on=False)
                    row -= 1
                if len(kept):
                    more = f"\n({len(kept)} of {len(bars)})" if len(kept) < len(bars) else ""
                    ticks.append((row + len(kept) / 2 + 0.5, f"H{dimension}{more}"))
                    row -= 1
            axes.set_yticks([place for place, _ in ticks], [name for _, name in ticks])
            axes.tick_params(axis="y", length=0, labelcolor="#000000")
            axes.set(title=title, xlabel="scale", xlim=(0, end * 1.02))
            axes.grid(visible=False, axis="y")
            axes.spines["left"].set_visible(False)
    show(figure, alt)


def persistence_diagram(panels: Mapping[str, Bars], alt: str) -> None:
    """Show persistence diagrams: a mark a class, birth to the right and death upward.

    Classes that never die lie on a dashed line at the top, marked ∞. Dimensions differ in color
    and in marker. All panels have one scale.

    Parameters
    ----------
    panels
        Title → a diagram.
    alt
        What is to be seen, for those who do not see it.

    Raises
    ------
    ValueError
        If ``panels`` or ``alt`` is empty, or no diagram has a bar.
    """
    end = _end(panels)
    marks: dict[str, Any] = {}
    with grid(panels, 3, lambda wide: wide + 0.3) as (figure, panes):
        for (title, diagram), axes in zip(panels.items(), panes, strict=True):
            axes.plot([0, end], [0, end], color="#808080", linestyle="-", lw=1)
            axes.plot([0, end], [end, end], color="#808080", linestyle="--", lw=1)
            axes.text(end, end * 1.01, "∞", ha="right", va="bottom")
            for dimension, bars in enumerate(_parts(diagram)):
                births, deaths = bars.clamp(max=end).T.numpy()
                looks: Any = {"markerfacecolor": "none", "markersize": 5, "alpha": 0.8}
                looks |= {"color": COLORS[dimension % 6], "linestyle": "none"}
                name = f"H{dimension}"
                (marks[name],) = axes.plot(births, deaths, MARKERS[dimension], label=name, **looks)
            axes.set(title=title, xlabel="birth", ylabel="death")
            axes.set_aspect("equal")
        legend(figure, [marks[name] for name in sorted(marks)])
    show(figure, alt)


def betti_curves(
    panels: Mapping[str, Mapping[str, Sequence[float] | Tensor]],
    scales: Sequence[float] | Tensor,
    alt: str,
    *,
    xlabel: str = "scale",
    ylabel: str | Mapping[str, str] = "Betti number",
) -> None:
    """Show Betti numbers by scale as steps, in panels side by side.

    Parameters
    ----------
    panels
        Title → name → the Betti number at each scale.
    scales
        Where they were counted, in ascending order.
    alt
        What is to be seen, for those who do not see it.
    xlabel, ylabel
        The axes' labels, with units where there are some.

    Raises
    ------
    ValueError
        If ``panels`` or ``alt`` is empty, or a curve has not one value a scale.
    """
    places = [float(scale) for scale in scales]
    for curves in panels.values():
        for name, values in curves.items():
            if len(values) != len(places):
                raise ValueError(f"{name!r} has {len(values)} values; allowed: {len(places)}")
    with grid(panels, 2, lambda wide: 0.72 * wide + 0.3) as (figure, panes):
        entries: dict[str, Any] = {}
        order = list(dict.fromkeys(name for curves in panels.values() for name in curves))
        for (title, curves), axes in zip(panels.items(), panes, strict=True):
            for name, values in curves.items():
                place = order.index(name)
                looks: Any = {"color": COLORS[place % 6], "linestyle": LINES[place % len(LINES)]}
                heights = [float(value) for value in values]
                looks |= {"drawstyle": "steps-post", "lw": 1.6, "label": name}
                (entries[name],) = axes.plot(places, heights, **looks)
            label = ylabel if isinstance(ylabel, str) else ylabel.get(title, "Betti number")
            axes.set(title=title, xlabel=xlabel, ylabel=label)
            axes.set_ylim(bottom=0)
        legend(figure, [entries[name] for name in order])
    show(figure, alt)


def _parts(diagram: Bars) -> Iterator[Tensor]:
    """The bars of each dimension, on the CPU in float64."""
    return (diagram[k].detach().cpu().double().reshape(-1, 2) for k in range(len(diagram)))


def _end(panels: Mapping[str, Bars]) -> float:
    """Where the scale of a picture ends: a little after the last finite number."""
    found = [part[part.isfinite()] for one in panels.values() for part in _parts(one)]
    last = max((float(values.max()) for values in found if len(values)), default=math.nan)
    if math.isnan(last):
        raise ValueError("panels has no bars; allowed: one or more")
    return 1.1 * last if last > 0 else 1.0
