"""Tables as shades and legends read by rows: what they draw, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from matplotlib.figure import Figure

from helpers.plots import panels, shades


def test_shades(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(shades, "show", lambda figure, alt: drawn.append(figure))
    table = torch.arange(6.0).reshape(2, 3) - 1
    shades.shades({"a": table, "b": table}, xlabel="unit", ylabel="class", alt="two tables")
    first = drawn[0].axes[0]
    assert first.get_title() == "a\nblack −1, white 4"
    assert (first.get_xlabel(), first.get_ylabel()) == ("unit", "class")
    assert first.images[0].get_array().tolist() == table.tolist()


@pytest.mark.parametrize(
    "call",
    [
        lambda: shades.shades({}, "x", "y", alt="x"),
        lambda: shades.shades({"a": torch.zeros(2)}, "x", "y", alt="x"),
        lambda: shades.shades({"a": torch.zeros(1, 2), "b": torch.zeros(2, 1)}, "x", "y", alt="x"),
        lambda: shades.shades({"a": torch.zeros(1, 2)}, "x", "y", alt="x", columns=0),
        lambda: shades.shades({"a": torch.zeros(1, 2)}, "x", "y", alt=" "),
    ],
)
def test_what_is_refused(call: Any) -> None:
    with pytest.raises(ValueError, match="allowed"):
        call()


@pytest.mark.parametrize(("count", "across"), [(2, 2), (3, 3), (4, 2), (5, 3), (7, 3)])
def test_a_legend_is_read_by_rows(count: int, across: int) -> None:
    figure = Figure()
    axes = figure.subplots()
    lines = [axes.plot([0, n], label=f"{n}")[0] for n in range(count)]
    panels.legend(figure, lines)
    figure.savefig("/dev/null", format="svg")
    places = [text.get_window_extent() for text in figure.legends[0].get_texts()]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    by_rows = sorted(zip(places, names, strict=True), key=lambda p: (-round(p[0].y0), p[0].x0))
    assert [name for _, name in by_rows] == [f"{n}" for n in range(count)]
    assert len({round(place.x0) for place in places}) == across


def test_a_single_line_has_no_legend() -> None:
    figure = Figure()
    panels.legend(figure, figure.subplots().plot([1, 2], label="one"))
    assert not figure.legends
