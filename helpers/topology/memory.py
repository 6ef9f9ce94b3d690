"""How much memory persistence takes, told before it is taken."""

from __future__ import annotations

import math
from pathlib import Path

import torch

_GIB = 2**30
#: Numbers that are worked on together: on a CPU so many that they stay in its cache.
_TILE, _TILE_ON_GPU = 2**18, 2**22


def simplices(edges: int, dimension: int) -> float:
    """The most simplices of a dimension that so many edges can make (Kruskal and Katona).

    They are most if the edges are all those between x points, x (x − 1) / 2 = edges.

    >>> simplices(6, 2)
    4.0
    """
    points = (1 + math.sqrt(1 + 8 * edges)) / 2
    product = 1.0
    for k in range(dimension + 1):
        product *= max(points - k, 0.0) / (k + 1)
    return product


def available(device: torch.device) -> float:
    """Bytes that are free where a tensor lies; infinite if the system does not tell."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    try:
        told = Path("/proc/meminfo").read_text(encoding="ascii").split("MemAvailable:")[1]
        return float(told.split()[0]) * 1024
    except (OSError, IndexError):  # another system
        return math.inf


def rows_at_once(width: int, device: torch.device) -> int:
    """How many rows of a matrix to work on together."""
    return max(1, (_TILE if device.type == "cpu" else _TILE_ON_GPU) // max(1, width))


def check(needed: float, limit: float, points: int, doing: str, *, quadratic: bool = True) -> None:
    """Refuse what does not fit; ``quadratic`` if it grows like the square of the points.

    Raises
    ------
    MemoryError
        With both numbers, and what to do about it.
    """
    if needed <= limit:
        return
    fits = int(points * math.sqrt(limit / needed)) if quadratic else None
    fewer = f"about {fits:,} points" if fits else "fewer points"
    raise MemoryError(
        f"{doing} for {points:,} points would take about {needed / _GIB:.2g} GiB of memory, and "
        f"{limit / _GIB:.2g} GiB are allowed. Take {fewer} (furthest_points chooses them well), a "
        "smaller threshold or a lower max_dimension; or raise memory_limit, in bytes"
    )
