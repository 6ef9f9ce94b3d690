"""A persistence diagram: when each hole of a growing complex is born, and when it is filled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Diagram:
    """The bars of a Vietoris–Rips filtration, one table for each dimension of homology.

    ``diagram[k]`` has shape ``(m, 2)``: births and deaths in dimension k, sorted by birth and then
    by death. A death is infinite if the class never dies: as for one component of every cloud, and
    for what a threshold cuts off. Bars of no length are left out. ``len(diagram)`` is the largest
    dimension and 1; ``for bars in diagram`` goes through the dimensions.

    Births and deaths are lengths of edges, in the unit of the distances (some texts count by the
    radius of balls, which is half of that). Coefficients are in Z/2.

    Attributes
    ----------
    bars
        The tables, on the device and in the dtype of the distances.
    points
        The number of points.
    threshold
        The longest edge that was let in.
    backend
        What computed the highest dimension: ``"torch"``, ``"gudhi"`` or ``"ripser"``.
    """

    bars: tuple[Tensor, ...]
    points: int
    threshold: float
    backend: str

    def __getitem__(self, dimension: int) -> Tensor:
        return self.bars[dimension]

    def __len__(self) -> int:
        return len(self.bars)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.bars)

    def __repr__(self) -> str:
        counts = ", ".join(f"H{k}: {len(bars)} bars" for k, bars in enumerate(self.bars))
        return f"Diagram({counts}; {self.points} points, backend {self.backend!r})"

    def to(self, target: torch.device | torch.dtype | str) -> Diagram:
        """The same diagram elsewhere, or in another dtype: as ``torch.Tensor.to``."""
        moved = tuple(bars.to(target) for bars in self.bars)
        return Diagram(moved, self.points, self.threshold, self.backend)


def sorted_bars(births: Tensor, deaths: Tensor) -> Tensor:
    """Bars of shape ``(m, 2)`` in a diagram's order, without those of no length."""
    lasting = births < deaths
    births, deaths = births[lasting], deaths[lasting]
    order = deaths.argsort(stable=True)
    order = order[births[order].argsort(stable=True)]
    return torch.stack([births[order], deaths[order]], dim=1)


def joined(bars: Sequence[Tensor], like: Tensor) -> tuple[Tensor, ...]:
    """Tables made elsewhere, on the device and in the dtype of the distances."""
    tables = [table.to(like.device, like.dtype).reshape(-1, 2) for table in bars]
    return tuple(sorted_bars(table[:, 0], table[:, 1]) for table in tables)
