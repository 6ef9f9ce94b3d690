"""Pictures of an experiment on layers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from helpers import topology
from helpers.plots import layer_topology as drawn


def test_bands_go_from_the_least_to_the_greatest(capsys: pytest.CaptureFixture[str]) -> None:
    curves = {"one": {"a": [[1.0, 2.0], [3.0, 2.0]]}, "two": {"a": [[0.0, 1.0]], "b": [[1.0, 1.0]]}}
    drawn.bands(curves, [0.0, 1.0], "x", "y", alt="Two panels.")
    assert capsys.readouterr().out == "Two panels.\n"
    with pytest.raises(ValueError, match="'a' in 'one' has no curves of 3 numbers"):
        drawn.bands(curves, [0.0, 1.0, 2.0], "x", "y", alt="Two panels.")


@pytest.mark.parametrize("draw", [drawn.bands, drawn.intervals, drawn.by_layer])
def test_nothing_to_draw_is_said(draw: object) -> None:
    more = {"bands": ([0.0], "x", "y"), "intervals": ("x",), "by_layer": ("y",)}
    with pytest.raises(ValueError, match="is empty"):
        draw({}, *more[draw.__name__], alt="Nothing.")  # type: ignore[operator, attr-defined]


def test_intervals_and_layers(capsys: pytest.CaptureFixture[str]) -> None:
    drawn.intervals({"A": (0.1, -0.1, 0.3), "B": (-1, -2, 0)}, "x", alt="Two.", small=0.1)
    drawn.by_layer({"t": {"a": [[9, 1], [9, 2]], "b": [[3, 1]]}}, "β", alt="Falls.")
    assert capsys.readouterr().out == "Two.\nFalls.\n"


def test_figures_of_a_layer_are_whole_files(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 3))
    points = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    topology.layer_topology(
        model, points, size=20, name="m", save_root=tmp_path, draw=drawn.save_figures
    )
    kept = {path.name for path in (tmp_path / "m" / "0").iterdir()}
    assert {"curves.svg", "births-deaths.svg"} <= kept and not any(k.startswith(".") for k in kept)
