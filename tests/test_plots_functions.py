"""Graphs of functions: one small chart each, with its slope."""

from __future__ import annotations

import pytest
import torch

from helpers import plots
from helpers.plots.functions import graphs


def test_each_function_has_a_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(plots, "_display", lambda picture: shown.append(picture._repr_html_()))
    functions = {f"f{i}": torch.tanh for i in range(5)}
    graphs(functions, alt="Five times tanh.")
    [page] = shown
    assert 'aria-label="Five times tanh."' in page
    for text in (*functions, "value", "slope"):
        assert f">{text}<" in page
    assert "#000000" not in page


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="functions is empty"):
        graphs({}, alt="nothing")
    with pytest.raises(ValueError, match="low is 2"):
        graphs({"tanh": torch.tanh}, alt="nothing", low=2, high=1)
    with pytest.raises(ValueError, match="alt is"):
        graphs({"tanh": torch.tanh}, alt=" ")
