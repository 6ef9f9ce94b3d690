"""Pictures for the course: figures, number grids, images and curves, in a page's own colors.

All of them are inline SVG with alt text. Ink is ``currentColor``, so one picture suits a light
page and a dark one, and nothing is told by color alone. Matplotlib is used through its objects,
without pyplot, and is imported only when a figure is drawn.

>>> import torch
>>> numbers({"input": torch.tensor([[1, 2], [3, 4]])}, alt="A 2×2 grid: 1, 2; 3, 4.")
A 2×2 grid: 1, 2; 3, 4.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from itertools import cycle
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: A part of a matrix: (row, column), each an int or a slice.
Part = tuple[int | slice, int | slice]

#: Colors of lines, after Okabe and Ito: told apart by the color-blind, and each with a contrast
#: of 3 or more on white and on a dark page alike (so the pale ones are darkened a little).
COLORS = ("#0077BB", "#D55E00", "#008F68", "#B8629A", "#A37500", "#7A7A7A")
#: What tells lines apart without color.
LINES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")

_INK, _GRAY = "#000000", "#808080"
_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif"
#: A number grid's cell, the height of its title and the room for its frames, in CSS pixels.
_CELL, _TITLE, _ROOM = 34, 26, 3
_LARGEST = 32
#: The most room for an image, what of it stays free, and a page's width, in CSS pixels.
_SIDE, _GAP, _PAGE = 276, 16, 690
#: An image with no more pixels than this a side is drawn with sharp pixels.
_SHARP = 64


@dataclass(frozen=True, repr=False)
class Picture:
    """A picture that a notebook shows: HTML, and its alt text everywhere else."""

    html: str
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        return self.html


@contextmanager
def style() -> Iterator[None]:
    """The house style for Matplotlib: make a figure and draw on it within this context.

    >>> from matplotlib.figure import Figure
    >>> with style():
    ...     figure = Figure()
    ...     line = figure.subplots().plot([1, 4, 9])
    >>> show(figure, alt="A line through 1, 4 and 9.")
    A line through 1, 4 and 9.
    """
    import matplotlib
    from cycler import cycler

    settings: Any = {
        "figure.figsize": (5.0, 3.1),
        "figure.constrained_layout.use": True,
        "font.size": 10,
        "axes.titlesize": 10,
        "axes.prop_cycle": cycler(color=COLORS, linestyle=LINES),
        "axes.edgecolor": _GRAY,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": _GRAY,
        "grid.alpha": 0.3,
        "xtick.color": _GRAY,
        "ytick.color": _GRAY,
        "xtick.labelcolor": _INK,
        "ytick.labelcolor": _INK,
        "lines.linewidth": 2,
        "lines.markersize": 5,
        "legend.frameon": False,
        "legend.handlelength": 3,
        "image.cmap": "gray",
    }
    with matplotlib.rc_context(settings):
        yield


def _figure_svg(figure: Figure, alt: str) -> str:
    """A figure as an ``<svg>`` element: the same text each time, with the page's ink and font."""
    import matplotlib

    buffer, nothing = io.StringIO(), dict.fromkeys(("Creator", "Date", "Format", "Type"))
    size: Any = {"bbox_inches": "tight", "pad_inches": 0.04, "dpi": 144}  # dpi: of images within
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "layerwise"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing, **size)
    drawn = buffer.getvalue()
    width, height = (float(side) for side in drawn.split('viewBox="0 0 ')[1].split('"')[0].split())
    body = drawn[drawn.index("</defs>") + 7 :]  # without Matplotlib's rules for the whole page
    body = re.sub(r"(: |=\")#000000", r"\1currentColor", body)
    body = re.sub(r" ?font-family: [^;\"]*;?", "", body).replace("xlink:href", "href")
    about = f'stroke-linejoin="round" role="img" aria-label="{escape(alt)}"'
    return _svg(width, height, 4 / 3, about, _own_ids(body).removesuffix("</svg>\n"))


def _own_ids(body: str) -> str:
    """Ids that nothing refers to left out, the others prefixed by a hash of the content."""
    prefix = "lw" + hashlib.sha256(body.encode()).hexdigest()[:8]
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", body))
    body = re.sub(r' id="([^"]+)"', lambda m: f' id="{prefix}{m[1]}"' if m[1] in used else "", body)
    return re.sub(r"(url\(|href=\")#", rf"\g<1>#{prefix}", body)


def _svg(width: float, height: float, scale: float, about: str, body: str) -> str:
    """An SVG element in the page's ink, at most as wide as the page."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width * scale:.0f}" height="{height * scale:.0f}" {about} fill="currentColor" '
        f'font-family="{_FONT}" style="max-width:100%;height:auto">{body}</svg>'
    )


def show(figure: Figure, alt: str) -> None:
    """Show a Matplotlib figure as inline SVG, and close it. Outside IPython, print ``alt``.

    Parameters
    ----------
    figure
        A Matplotlib figure, best made within `style`.
    alt
        What is to be seen, for those who do not see it.

    Raises
    ------
    ValueError
        If ``alt`` is empty.
    """
    picture = Picture(_figure_svg(figure, _checked(alt)), alt)
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close(figure)  # else its inline backend shows it a second time
    _display(picture)


def numbers(
    matrices: Mapping[str, Tensor],
    alt: str,
    highlight: Mapping[str, Sequence[Part]] | None = None,
) -> None:
    """Show matrices as grids of numbers, side by side, each under its title.

    Parameters
    ----------
    matrices
        Title → a tensor of shape (rows, columns), of any dtype, at most 32 a side.
    alt
        What is to be seen, for those who do not see it.
    highlight
        Title → the parts to frame, each ``(row, column)`` with ints or slices:
        ``{"input": [(slice(0, 3), slice(0, 3))]}`` frames the first 3×3 window.

    Raises
    ------
    ValueError
        If ``alt`` or ``matrices`` is empty, a tensor is not 2-D, or a part lies outside.
    """
    _checked(alt)
    highlight = highlight or {}
    _some("matrices", matrices)
    for title in highlight.keys() - matrices.keys():
        raise ValueError(f"highlight names {title!r}; allowed: {', '.join(matrices)}")
    grids = "".join(
        _grid(title, matrix, highlight.get(title, ())) for title, matrix in matrices.items()
    )
    row = "display:flex;flex-wrap:wrap;gap:12px 28px;align-items:flex-start"  # wraps on a phone
    _display_row(grids, row, alt)


def _grid(title: str, matrix: Tensor, parts: Sequence[Part]) -> str:
    """One matrix as an SVG element."""
    if matrix.ndim != 2 or not matrix.numel() or max(matrix.shape) > _LARGEST:
        raise ValueError(
            f"matrices[{title!r}] has shape {tuple(matrix.shape)}; allowed: two dimensions, "
            f"(rows, columns), of 1 to {_LARGEST} each"
        )
    texts = [[_text(value) for value in row] for row in matrix.detach().cpu().tolist()]
    rows, columns = matrix.shape
    cell = max(_CELL, 9 * max(len(text) for row in texts for text in row) + 12)
    wide, high = columns * cell, rows * _CELL
    width = max(wide, 8 * len(title)) + 2 * _ROOM
    left, height = (width - wide) // 2, _TITLE + high + _ROOM
    lines = "".join(f"M0 {i * _CELL}h{wide}" for i in range(rows + 1))
    lines += "".join(f"M{j * cell} 0v{high}" for j in range(columns + 1))
    body = "".join(
        f'<text x="{j * cell + cell / 2:g}" y="{i * _CELL + 22}">{text}</text>'
        for i, row in enumerate(texts)
        for j, text in enumerate(row)
    )
    frames = "".join(_frame(title, part, matrix.shape, cell) for part in parts)
    drawn = (
        f'<g text-anchor="middle" font-size="15"><text x="{width / 2:g}" y="16" font-size="14">'
        f'{escape(title)}</text><g transform="translate({left} {_TITLE})">'
        f'<path d="{lines}" stroke="{_GRAY}" fill="none"/>{frames}{body}</g></g>'
    )
    return _svg(width, height, 1, 'aria-hidden="true"', drawn)


def _frame(title: str, part: Part, shape: Sequence[int], cell: int) -> str:
    """A thick frame around a part of a grid."""
    spans = []
    for index, size in zip(part, shape, strict=True):
        one = slice(index, index + 1 or None) if isinstance(index, int) else index
        start, stop, step = one.indices(size)
        wrong = isinstance(index, int) and not -size <= index < size
        if wrong or start >= stop or step != 1:
            raise ValueError(
                f"highlight[{title!r}] has the part {part}; allowed: (row, column) inside "
                f"{tuple(shape)}, as ints or as slices of step 1 that are not empty"
            )
        spans.append((start, stop - start))
    (top, high), (left, wide) = spans
    return (
        f'<rect x="{left * cell}" y="{top * _CELL}" width="{wide * cell}" height="{high * _CELL}" '
        f'fill="{COLORS[1]}" fill-opacity=".18" stroke="{COLORS[1]}" stroke-width="4"/>'
    )


def images(pictures: Mapping[str, Tensor], alt: str, columns: int | None = None) -> None:
    """Show images in a grid, each under its title.

    An image of one channel runs from black at its least value to white at its greatest; both are
    stated under it. An image of three channels is shown as it is where its values lie from 0 to 1
    (or are uint8); else it is stretched over its own range, which is stated too.

    Parameters
    ----------
    pictures
        Title → a tensor of shape (H, W), (1, H, W) or (3, H, W).
    alt
        What is to be seen, for those who do not see it.
    columns
        Images in a row, fewer on a phone; by default all, up to five.

    Raises
    ------
    ValueError
        If ``alt`` or ``pictures`` is empty, ``columns`` is not positive, or a tensor has another
        shape or values that are not finite.
    """
    _some("pictures", pictures)
    if columns is not None and columns < 1:
        raise ValueError(f"columns is {columns}; allowed: 1 or more")
    _checked(alt)
    across = min(columns or 5, len(pictures))
    side = min(_SIDE, _PAGE // across) - _GAP
    drawn = "".join(_image(title, picture, side) for title, picture in pictures.items())
    columns_css = f"repeat(auto-fill,minmax(min({side}px,100%),1fr))"  # wraps on a phone
    row = f"display:grid;grid-template-columns:{columns_css}"
    row += f";gap:12px {_GAP}px;max-width:{across * (side + _GAP) - _GAP}px"
    _display_row(drawn, row, alt)


def _image(title: str, picture: Tensor, side: float) -> str:
    """One image, at most ``side`` CSS pixels a side, with its range under it if stretched."""
    value, shape = picture.detach().cpu(), tuple(picture.shape)
    one = value.ndim == 2 or (value.ndim == 3 and shape[0] == 1)
    if not value.numel() or not (one or (value.ndim == 3 and shape[0] == 3)):
        raise ValueError(
            f"pictures[{title!r}] has shape {shape}; allowed: (H, W), (1, H, W) or (3, H, W)"
        )
    wide = value.double() / (255 if value.dtype == torch.uint8 and not one else 1)
    if not bool(wide.isfinite().all()):
        raise ValueError(f"pictures[{title!r}] has values that are not finite; allowed: numbers")
    low, high = wide.min().item(), wide.max().item()
    black, white, note = 0.0, 1.0, ""
    if one or low < 0 or high > 1:
        black, white = (low, high) if low < high else (low - 1, high + 1)  # if flat, gray
        words = "black {}, white {}" if one else "from {} to {}"
        note = (words if low < high else "all {}").format(_text(low), _text(high))
    shades = (wide.reshape(-1, *shape[-2:]) - black) / (white - black)
    down, across = (side * n / max(shape[-2:]) for n in shape[-2:])
    width = max(across, 7.5 * len(title), 6 * len(note)) + 2
    middle = f'x="{width / 2:g}" text-anchor="middle"'
    place = f'x="{(width - across) / 2:g}" y="20" width="{across:g}" height="{down:g}"'
    scaled = "pixelated" if max(shape[-2:]) <= _SHARP else "auto"
    body = (
        f'<text {middle} y="13" font-size="13">{escape(title)}</text><image {place} '
        f'preserveAspectRatio="none" style="image-rendering:{scaled}" href="{_png(shades)}"/>'
        f'<rect {place} fill="none" stroke="{_GRAY}"/>'
    )
    body += f'<text {middle} y="{down + 34:g}" font-size="11">{note}</text>' if note else ""
    return _svg(width, down + (40 if note else 24), 1, 'aria-hidden="true"', body)


def _png(shades: Tensor) -> str:
    """An image of shape (1 or 3, H, W), from 0 to 1, pixel for pixel as a data: address."""
    from matplotlib.image import imsave

    pixels, file = (shades.expand(3, -1, -1) * 255).round().byte(), io.BytesIO()
    best: Any = {"metadata": {"Software": None}, "pil_kwargs": {"optimize": True}}
    imsave(file, pixels.permute(1, 2, 0).numpy(), format="png", **best)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def curves(
    series: Mapping[str, Sequence[float]],
    xlabel: str,
    ylabel: str,
    alt: str,
    x: Sequence[float] | None = None,
) -> None:
    """Show lines in one chart, told apart by color, dash and marker.

    Parameters
    ----------
    series
        Name → values, in the unit that ``ylabel`` states.
    xlabel, ylabel
        The axes' labels, with units where there are some.
    alt
        What is to be seen, for those who do not see it.
    x
        Where the values lie, by default at 0, 1, 2, …

    Raises
    ------
    ValueError
        If ``alt``, ``series`` or one of its values is empty, or a length is not that of ``x``.
    """
    _some("series", series)
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    from .panels import legend

    with style():
        figure = Figure()
        axes = figure.subplots()
        for (name, values), marker in zip(series.items(), cycle(MARKERS)):
            y = [float(value) for value in values]
            if not y or (x is not None and len(x) != len(y)):
                allowed = "1 or more" if x is None else f"{len(x)}, as many as x"
                raise ValueError(f"series[{name!r}] has {len(y)} values; allowed: {allowed}")
            places = range(len(y)) if x is None else [float(value) for value in x]
            axes.plot(places, y, marker=marker, markevery=max(1, len(y) // 10), label=name)
        if x is None or all(float(value).is_integer() for value in x):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # there is no epoch 2.5
        axes.set(xlabel=xlabel, ylabel=ylabel)
        legend(figure, axes.get_lines())
    show(figure, alt)


def _text(value: float) -> str:
    """A number in few characters, with a true minus sign and a true ∞."""
    form = (".3g" if abs(value) < 1000 else ".0f") if isinstance(value, float) else ""
    return format(value, form).replace("-", "−").replace("inf", "∞")


def _checked(alt: str) -> str:
    if not alt.strip():
        raise ValueError(f"alt is {alt!r}; allowed: a text that says what is to be seen")
    return alt


def _some(name: str, mapping: Mapping[str, Any]) -> None:
    if not mapping:
        raise ValueError(f"{name} is empty; allowed: one entry or more")


def _display_row(drawn: str, css: str, alt: str) -> None:
    html = f'<div role="img" aria-label="{escape(alt)}" style="{css}">{drawn}</div>'
    _display(Picture(html, alt))


def _display(picture: Picture) -> None:
    """Show a picture in a notebook; elsewhere print its alt text, without importing IPython."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from IPython.display import display

        display(picture)  # type: ignore[no-untyped-call, unused-ignore]
    else:
        print(picture.alt)
