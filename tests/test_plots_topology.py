"""Pictures of shape: what they draw, and what they refuse."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
import torch

from helpers.animations import rips_filtration
from helpers.plots import topology

SQUARE = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
DIAGRAM = [
    torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, math.inf]]),
    torch.tensor([[1.0, 1.4142]]),
]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that were shown."""
    shown: list[Any] = []
    monkeypatch.setattr(topology, "show", lambda figure, alt: shown.append(figure))
    return shown


@pytest.mark.parametrize("scale, edges, full", [(0.5, 0, 0), (1.0, 4, 0), (1.5, 6, 4)])
def test_a_complex(drawn: list[Any], scale: float, edges: int, full: int) -> None:
    topology.rips_complex({"a": (SQUARE, scale)}, alt="a square", discs=True, names=True)
    (axes,) = drawn[0].axes
    sizes = [len(one.get_paths()) for one in axes.collections]
    assert sizes == ([full, edges] if full else [edges])
    assert len(axes.patches) == 4 and axes.patches[0].radius == scale / 2
    assert [text.get_text() for text in axes.texts] == ["0", "1", "2", "3"]


def test_a_tree(drawn: list[Any]) -> None:
    edges, lengths = torch.tensor([[0, 1], [1, 2], [2, 3]]), torch.ones(3)
    topology.tree(SQUARE, edges, lengths, alt="three sides of a square")
    assert [text.get_text() for text in drawn[0].axes[0].texts] == ["1.00"] * 3


def test_a_barcode(drawn: list[Any]) -> None:
    topology.barcode({"a": DIAGRAM, "b": DIAGRAM}, alt="bars", largest=3)
    first = drawn[0].axes[0]
    assert [label.get_text() for label in first.get_yticklabels()] == ["H0\n(3 of 4)", "H1"]
    arrows = [line for line in first.lines if line.get_marker() == ">"]
    assert len(arrows) == 1 and len(first.lines) == 3 + 1 + 1


def test_a_persistence_diagram(drawn: list[Any]) -> None:
    topology.persistence_diagram({"a": DIAGRAM[:1], "b": DIAGRAM}, alt="births and deaths")
    (legend,) = drawn[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["H0", "H1"]


def test_betti_curves(drawn: list[Any]) -> None:
    curves = {"one": {"a": [2, 1]}, "two": {"b": torch.tensor([0, 1])}}
    topology.betti_curves(curves, [0.0, 1.0], alt="steps", ylabel={"one": "pieces"})
    one, two = drawn[0].axes
    assert one.get_ylabel() == "pieces" and two.get_ylabel() == "Betti number"
    assert one.lines[0].get_color() != two.lines[0].get_color()


@pytest.mark.parametrize(
    "call",
    [
        lambda: topology.rips_complex({}, alt="x"),
        lambda: topology.rips_complex({"a": (torch.zeros(2, 3), 1.0)}, alt="x"),
        lambda: topology.tree(SQUARE, torch.zeros(2, 2), torch.zeros(3), alt="x"),
        lambda: topology.barcode({}, alt="x"),
        lambda: topology.barcode({"a": [torch.zeros(0, 2)]}, alt="x"),
        lambda: topology.persistence_diagram({"a": [torch.zeros(0, 2)]}, alt="x"),
        lambda: topology.betti_curves({"a": {"b": [1]}}, [0.0, 1.0], alt="x"),
        lambda: topology.betti_curves({}, [0.0], alt="x"),
        lambda: rips_filtration(torch.zeros(3, 3)),
        lambda: rips_filtration(torch.zeros(3, 2)),
        lambda: rips_filtration(torch.randn(17, 2)),
        lambda: rips_filtration(SQUARE, largest=0.0),
    ],
)
def test_what_is_refused(call: Any) -> None:
    with pytest.raises(ValueError, match="allowed"):
        call()


def test_a_filtration_moves() -> None:
    film = rips_filtration(SQUARE, largest=2.0)
    assert "4 bars in H0 and 1 in H1" in film.alt
    assert len(film.svg) < 20_000
    # of 40 steps to scale 2 the sides appear at the 20th, the diagonals at the 29th
    seen = re.findall(r"keyframes \w+-(\d+)\{0%\{opacity:0\}([\d.]+)%", film.svg)
    assert [(step, time) for step, time in seen][:2] == [("29", "63.8"), ("20", "44")]
    # it stands still in the middle of the loop's life: sides, no diagonals, one loop
    shown = re.findall(r"<text x=\"\d+\" y=\"318\" style[^>]*>([^<]*)", film.svg)
    assert shown == ["β₀ = 1", "β₁ = 1"]
    assert "prefers-reduced-motion" in film.svg and "#000000" not in film.svg
