"""What our readable convolution costs beside torch's own. Ratios in one run: `make bench`.

One thread. The median of the ratios of paired runs, so that a machine that slows down slows both.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import pytest
import torch
from torch.nn import functional as F

from helpers import convolution

CASES = {
    "a LeNet layer, 3→6, 5×5, 32×32": (64, 3, 6, 32, 5, 1),
    "a middle layer, 32→64, 3×3, 16×16": (64, 32, 64, 16, 3, 1),
    "depthwise, 64→64, 3×3, 16×16": (64, 64, 64, 16, 3, 64),
}
PAIRS = 15


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def ratio(ours: Callable[[], object], theirs: Callable[[], object]) -> float:
    """The median over pairs of our time over theirs."""
    ours(), theirs()
    return median(seconds(ours) / seconds(theirs) for _ in range(PAIRS))


def by_unfold(input: torch.Tensor, weight: torch.Tensor, groups: int) -> torch.Tensor:
    """What people write by hand: F.unfold and a matrix product."""
    n, _, height, _ = input.shape
    size, kernel = height - weight.shape[-1] + 1, weight.shape[-1]
    columns = F.unfold(input, kernel).reshape(n, groups, -1, size * size)
    rows = weight.reshape(groups, weight.shape[0] // groups, -1)
    return (rows @ columns).reshape(n, weight.shape[0], size, size)


@pytest.mark.parametrize("name", CASES)
def test_conv2d(name: str) -> None:
    batch, channels, out, size, kernel, groups = CASES[name]
    input = torch.randn(batch, channels, size, size)
    weight = torch.randn(out, channels // groups, kernel, kernel)
    ours = convolution.conv2d(input, weight, groups=groups)
    torch.testing.assert_close(ours, F.conv2d(input, weight, groups=groups), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(ours, by_unfold(input, weight, groups), rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        against = ratio(
            lambda: convolution.conv2d(input, weight, groups=groups),
            lambda: F.conv2d(input, weight, groups=groups),
        )
        plain = ratio(
            lambda: by_unfold(input, weight, groups),
            lambda: F.conv2d(input, weight, groups=groups),
        )
    print(f"\n{name:<36} time over F.conv2d's: ours {against:5.1f}, F.unfold by hand {plain:5.1f}")
