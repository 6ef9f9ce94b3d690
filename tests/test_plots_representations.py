"""Pictures of what layers give: what they draw, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from helpers.plots import representations


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that were shown."""
    shown: list[Any] = []
    monkeypatch.setattr(representations, "show", lambda figure, alt: shown.append(figure))
    return shown


def test_mosaics(drawn: list[Any]) -> None:
    maps = torch.arange(5 * 12.0).reshape(5, 3, 4)
    maps[4] = 7  # flat: gray
    representations.mosaics({"before": maps, "after": maps}, alt="two mosaics", columns=2)
    first = drawn[0].axes[0]
    pixels = first.images[0].get_array()
    assert first.get_title() == "before"
    assert pixels.shape == (3 * 4 - 1, 2 * 5 - 1)
    assert pixels[0, 0] == 0 and pixels[2, 3] == 1 and pixels[8, 0] == 0.5


def test_scatter(drawn: list[Any]) -> None:
    places, labels = torch.randn(6, 2), torch.tensor([0, 1, 0, 3, 3, 1])
    panels = {"a": places, "b": places, "c": places, "d": places}
    representations.scatter(panels, labels, alt="planes", columns=3)
    assert [axes.get_title() for axes in drawn[0].axes] == ["a", "b", "c", "d", "", ""]
    assert [text.get_text() for text in drawn[0].axes[0].texts] == ["0", "1", "3"]


def test_scatter_with_labels_of_its_own(drawn: list[Any]) -> None:
    panels = {"a": torch.zeros(2, 2), "b": torch.zeros(3, 2)}
    labels = {"a": torch.tensor([1, 1]), "b": torch.tensor([2, 2, 2])}
    representations.scatter(panels, labels, alt="planes", names=False)
    assert not drawn[0].axes[0].texts


def test_tables(drawn: list[Any]) -> None:
    table = torch.tensor([[1.0, 0.25], [-0.1, 0.5]])
    representations.tables({"t": table}, ["r", "s"], ["c", "d"], alt="a table")
    texts = {text.get_text(): text.get_position() for text in drawn[0].axes[0].texts}
    assert texts == {"1.00": (0, 0), "0.25": (1, 0), "−0.10": (0, 1), "0.50": (1, 1)}


@pytest.mark.parametrize(
    "call",
    [
        lambda: representations.mosaics({}, alt="x"),
        lambda: representations.mosaics({"a": torch.zeros(2, 3)}, alt="x"),
        lambda: representations.mosaics({"a": torch.zeros(1, 2, 3)}, alt="x", columns=0),
        lambda: representations.scatter({}, torch.zeros(2), alt="x"),
        lambda: representations.scatter({"a": torch.zeros(2, 3)}, torch.zeros(2), alt="x"),
        lambda: representations.scatter({"a": torch.zeros(2, 2)}, torch.zeros(3), alt="x"),
        lambda: representations.scatter({"a": torch.zeros(2, 2)}, torch.zeros(2), "x", columns=0),
        lambda: representations.tables({}, [], [], alt="x"),
        lambda: representations.tables({"a": torch.zeros(1, 2)}, ["r"], ["c"], alt="x"),
    ],
)
def test_what_is_refused(call: Any) -> None:
    with pytest.raises(ValueError, match="allowed"):
        call()
