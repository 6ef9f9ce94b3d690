"""Pictures of networks and the progress bar: what they draw, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.plots import networks
from helpers.plots import progress as bars


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was shown: the texts of a figure, and its alt text."""
    shown: list[tuple[str, str]] = []

    def show(figure: Any, alt: str) -> None:
        shown.append((" ".join(t.get_text() for t in figure.axes[0].texts), alt))

    monkeypatch.setattr(networks, "show", show)
    return shown


def test_shapes(drawn: list[tuple[str, str]]) -> None:
    networks.shapes({"input": (3, 8, 8), "flatten": (192,)}, alt="two blocks")
    assert drawn == [("input 3×8×8 flatten 192", "two blocks")]


def test_flat_shapes_alone(drawn: list[tuple[str, str]]) -> None:
    networks.shapes({"a": (5,)}, alt="a bar")
    assert drawn[0][0] == "a 5"


@pytest.mark.parametrize("stages", [{}, {"a": (1, 2)}, {"a": (0,)}, {"a": ()}])
def test_bad_shapes(stages: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="allowed"):
        networks.shapes(stages, alt="nothing")


def test_a_graph_with_a_branch(drawn: list[tuple[str, str]]) -> None:
    nodes = {"input": [], "layer": ["input"], "add": ["layer", "input"]}
    networks.graph(nodes, {"layer": "4×4"}, alt="a branch")
    assert drawn[0][0].split() == ["input", "layer", "4×4", "add"]


@pytest.mark.parametrize("nodes", [{}, {"a": ["b"], "b": []}, {"a": ["a"]}])
def test_bad_graphs(nodes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="allowed"):
        networks.graph(nodes, {}, alt="nothing")


def test_the_picture_of_a_bar() -> None:
    bar = bars._bar(3, 4, "a & b", "loss 1")
    assert repr(bar) == "a & b: 3 of 4, loss 1"
    assert "width:75.0%" in bar.html and "a &amp; b" in bar.html


def test_a_bar_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    import IPython.display

    shown: list[str] = []

    class Handle:
        def update(self, picture: Any) -> None:
            shown.append(repr(picture))

    def display(picture: Any, display_id: bool) -> Handle:
        shown.append(repr(picture))
        return Handle()

    monkeypatch.setattr(IPython.display, "display", display)
    with bars._in_notebook(2, "work") as step:
        step("one")
        step("two")
    assert shown[0] == "work: 0 of 2" and shown[-1] == "work: 2 of 2, two"


def test_a_bar_in_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with bars.progress(2, "work") as step:
        step("one")
        step("two")
    said = capsys.readouterr()
    assert "2/2" in said.out and "two" in said.out and not said.err


def test_no_steps() -> None:
    with pytest.raises(ValueError, match="total is 0; allowed: 1 or more"), bars.progress(0, "x"):
        pass
