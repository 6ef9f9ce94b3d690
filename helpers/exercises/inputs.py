"""Random inputs for cases, drawn from a case generator's `random.Random`."""

from __future__ import annotations

import random

import torch


def normal(random: random.Random, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """A tensor of standard normal numbers."""
    generator = torch.Generator().manual_seed(random.getrandbits(62))
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def integers(
    random: random.Random, low: int, high: int, *shape: int, dtype: torch.dtype = torch.int64
) -> torch.Tensor:
    """A tensor of whole numbers from ``low`` to ``high``, both included."""
    generator = torch.Generator().manual_seed(random.getrandbits(62))
    return torch.randint(low, high + 1, shape, generator=generator).to(dtype)
