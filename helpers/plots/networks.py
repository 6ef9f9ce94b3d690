"""Pictures of networks: the shapes that an input passes through, and the graph of its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import COLORS, show, style

#: Height of a flat layer's bar, as a share of the tallest block's.
_BAR = 0.9


def shapes(stages: Mapping[str, Sequence[int]], alt: str) -> None:
    """Show the shapes in a network as blocks from left to right.

    A block is as high as its image, and wider the more channels it has; a flat layer is a thin
    bar. Its name stands above, its shape below.

    Parameters
    ----------
    stages
        Name → shape without the batch dimension: (C, H, W), or (features,).
    alt
        What is to be seen, for those who do not see it.

    Raises
    ------
    ValueError
        If ``stages`` or ``alt`` is empty, or a shape has neither one nor three sizes.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    for name, shape in stages.items():
        if len(shape) not in (1, 3) or min(shape) < 1:
            raise ValueError(f"stages[{name!r}] is {tuple(shape)}; allowed: (C, H, W) or (n,)")
    if not stages:
        raise ValueError("stages is empty; allowed: one entry or more")
    tallest = max([shape[1] for shape in stages.values() if len(shape) == 3], default=1)
    widest = max([shape[0] for shape in stages.values() if len(shape) == 3], default=1)
    with style():
        figure = Figure(figsize=(0.67 * len(stages) + 0.2, 2.4))
        axes = figure.subplots()
        axes.axis("off")
        for place, (name, shape) in enumerate(stages.items()):
            high = shape[1] / tallest if len(shape) == 3 else _BAR
            wide = 0.08 + 0.62 * shape[0] / widest if len(shape) == 3 else 0.05
            corner = (place - wide / 2, -high / 2)
            color = COLORS[0] if len(shape) == 3 else COLORS[1]
            hatch = "" if len(shape) == 3 else "////"
            axes.add_patch(
                Rectangle(corner, wide, high, facecolor=(*_rgb(color), 0.25), edgecolor=color,
                          hatch=hatch, linewidth=1.5)
            )  # fmt: skip
            text = "×".join(map(str, shape))
            axes.text(place, 0.58, name, ha="center", va="bottom", fontsize=8, rotation=30)
            axes.text(place, -0.58, text, ha="center", va="top", fontsize=7.5)
        axes.set(xlim=(-0.6, len(stages) - 0.4), ylim=(-0.72, 0.95))
    show(figure, alt)


def graph(nodes: Mapping[str, Sequence[str]], labels: Mapping[str, str], alt: str) -> None:
    """Show a graph of layers from top to bottom, an arrow for each input.

    Parameters
    ----------
    nodes
        Name → the names of what it reads, in an order in which nothing reads what comes later. An
        input from further up than the row before is a curved arrow.
    labels
        Name → what to write on the arrows out of it, such as a shape.
    alt
        What is to be seen, for those who do not see it.

    Raises
    ------
    ValueError
        If ``nodes`` or ``alt`` is empty, or a node reads what is not above it.
    """
    from matplotlib.figure import Figure

    if not nodes:
        raise ValueError("nodes is empty; allowed: one entry or more")
    rows = {name: -place for place, name in enumerate(nodes)}
    with style():
        figure = Figure(figsize=(4.2, 0.42 * len(nodes) + 0.2))
        axes = figure.subplots()
        axes.axis("off")
        for name, sources in nodes.items():
            box = {"boxstyle": "round,pad=0.25", "facecolor": "none", "edgecolor": COLORS[0]}
            axes.text(0, rows[name], name, ha="center", va="center", fontsize=8, bbox=box)
            axes.text(0.55, rows[name], labels.get(name, ""), va="center", fontsize=8)
            for source in sources:
                if rows.get(source, rows[name]) <= rows[name]:
                    raise ValueError(f"nodes[{name!r}] reads {source!r}; allowed: one above it")
                near = rows[source] == rows[name] + 1
                bend = "arc3" if near else "arc3,rad=0.35"
                side = 0.0 if near else -0.18
                arrow = {"arrowstyle": "->", "color": "#808080", "connectionstyle": bend}
                ends = (side, rows[name] + 0.28 * near), (side, rows[source] - 0.28 * near)
                axes.annotate("", xy=ends[0], xytext=ends[1], arrowprops=arrow)
        axes.set(xlim=(-1, 1.2), ylim=(-len(nodes) + 0.5, 0.5))
    show(figure, alt)


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue
