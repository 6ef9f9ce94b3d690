"""Heat maps of what layers give."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor

from helpers.plots import Picture, layers


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Picture]:
    pictures: list[Picture] = []
    monkeypatch.setattr("helpers.plots._display", pictures.append)
    return pictures


def sizes(picture: Picture) -> list[tuple[float, float]]:
    """Width and height of the images within, from their transformation and their pixels."""
    found = re.findall(r"<image[^>]*>", picture.html)
    made = []
    for image in found:
        scale = re.search(r"matrix\(([-\d.e]+) [-\d.e]+ [-\d.e]+ ([-\d.e]+)", image) or re.search(
            r"scale\(([-\d.e]+) ([-\d.e]+)\)", image
        )
        wide, high = (re.search(rf'{side}="([\d.]+)"', image) for side in ("width", "height"))
        assert wide and high
        x, y = (abs(float(n)) for n in scale.groups()) if scale else (1.0, 1.0)
        made.append((x * float(wide[1]), y * float(high[1])))
    return made


def test_every_layer_has_a_row_with_its_shape_and_range(shown: list[Picture]) -> None:
    outputs = {"conv": torch.arange(96.0).reshape(6, 4, 4), "flat": torch.tensor([-1.0, 2.0])}
    layers.heat_maps(outputs, alt="Two rows.")
    assert len(shown) == 1 and shown[0].alt == "Two rows."
    for text in ("conv", "6×4×4", "0 to 95", "flat", "−1 to 2"):
        assert text in shown[0].html
    assert shown[0].html.count("<image") == 2


def test_smaller_maps_look_smaller(shown: list[Picture]) -> None:
    layers.heat_maps({"a": torch.randn(2, 8, 8), "b": torch.randn(2, 4, 4)}, alt="Maps.")
    (wide, high), (half, low) = sizes(shown[0])
    assert half / wide == pytest.approx(10 / 18, rel=0.05)
    assert low / high == pytest.approx(5 / 9, rel=0.05)


def test_signals_have_one_width(shown: list[Picture]) -> None:
    layers.heat_maps({"a": torch.randn(4, 64), "b": torch.randn(8, 16)}, alt="Signals.")
    (one, low), (other, high) = sizes(shown[0])
    assert one == pytest.approx(other, rel=0.02) and high > low


def test_maps_are_tiled_in_their_order() -> None:
    maps = torch.arange(5.0)[:, None, None].expand(5, 2, 2)
    tiled = layers._tiled(maps, across=9)  # three in a line
    assert tiled.shape == (6, 9)
    assert tiled[0].nan_to_num(-1).tolist() == [0, 0, -1, 1, 1, -1, 2, 2, -1]
    assert tiled[3].nan_to_num(-1).tolist() == [3, 3, -1, 4, 4, -1, -1, -1, -1]


@pytest.mark.parametrize(
    "bad", [torch.zeros(()), torch.zeros(1, 1, 1, 1), torch.zeros(0), torch.tensor([torch.nan])]
)
def test_bad_outputs(bad: Tensor) -> None:
    with pytest.raises(ValueError, match=r"outputs\['x'\] has shape"):
        layers.heat_maps({"x": bad}, alt="Bad.")


def test_nothing_to_show() -> None:
    with pytest.raises(ValueError, match="outputs is empty"):
        layers.heat_maps({}, alt="Nothing.")
    with pytest.raises(ValueError, match="alt"):
        layers.heat_maps({"x": torch.ones(3)}, alt=" ")
