"""Small networks and what their layers give: for the tests of hooks."""

from __future__ import annotations

from itertools import pairwise

import torch
from hypothesis import settings
from torch import Tensor, nn

examples = settings(deadline=None, max_examples=40)
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def mlp(*sizes: int, inplace: bool = False) -> nn.Sequential:
    return nn.Sequential(
        *[p for a, b in pairwise(sizes) for p in (nn.Linear(a, b), nn.ReLU(inplace))]
    )


def by_hand(model: nn.Sequential, input: Tensor) -> dict[str, Tensor]:
    """What each layer gives, with nothing written over."""
    kept = {}
    for name, layer in model.named_children():
        input = layer(input.clone())
        kept[name] = input.clone()
    return kept


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert list(one) == list(other)
    for name in one:
        torch.testing.assert_close(one[name], other[name], msg=lambda m, n=name: f"{n}: {m}")
