"""Persistence by libraries: GUDHI's `RipsPersistence` and ripser.py, on distance matrices.

Both are imported only when they are used. They run on one core of the CPU.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .diagram import joined

#: float32 holds integers exactly up to here.
_EXACT = 2**24


def gudhi_bars(distances: Tensor, max_dimension: int, limit: float) -> tuple[Tensor, ...]:
    """Bars by GUDHI, in the distances' own precision; ``limit`` is the longest edge."""
    from gudhi.sklearn.rips_persistence import RipsPersistence

    method = RipsPersistence(
        list(range(max_dimension + 1)),
        threshold=limit,
        input_type="full distance matrix",
        homology_coeff_field=2,
    )
    (found,) = method.fit_transform([_readable(distances)])
    return joined([torch.from_numpy(np.asarray(bars)) for bars in found], distances)


def ripser_bars(distances: Tensor, max_dimension: int, limit: float) -> tuple[Tensor, ...]:
    """Bars by ripser.py, which computes in float32.

    float64 distances are given to it as places in the sorted list of all lengths, which keep their
    order, and the bars are looked up in that list afterward: nothing is rounded.
    """
    from ripser import ripser

    matrix = _readable(distances)
    if matrix.dtype == np.float32:
        found = ripser(matrix, max_dimension, limit, 2, distance_matrix=True)["dgms"]
        return joined([torch.from_numpy(bars) for bars in found], distances)
    lengths, places = np.unique(matrix, return_inverse=True)
    if len(lengths) > _EXACT:
        raise ValueError(
            f"data has {len(lengths):,} different distances in float64; allowed for "
            f"backend='ripser': {_EXACT:,} (take float32, or backend='gudhi')"
        )
    last = int(np.searchsorted(lengths, limit, side="right")) - 1
    ranks = places.reshape(matrix.shape).astype(np.float32)
    found = ripser(ranks, max_dimension, float(last), 2, distance_matrix=True)["dgms"]
    never = np.append(lengths, np.inf)
    bars = [never[np.where(np.isfinite(b), b, len(lengths)).astype(np.int64)] for b in found]
    return joined([torch.from_numpy(table) for table in bars], distances)


def _readable(distances: Tensor) -> np.ndarray:
    return distances.detach().cpu().contiguous().numpy()
