"""How the answers to the exercises of chapter 12 are used."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def exact_distances(answer: Any, points: Tensor, p: int) -> Any:
    """The distances, and how far they are from their mirror image."""
    told = answer(points, p)
    if not isinstance(told, Tensor) or told.ndim != 2 or told.shape[0] != told.shape[1]:
        return {"distances": told}
    return {"distances": told, "distances minus their transpose": told - told.T}


def boundary_matrix(answer: Any, simplices: list[list[int]]) -> Any:
    """The matrix of a complex, whose simplices come as tuples."""
    return answer([tuple(simplex) for simplex in simplices])


def rank_mod_2(answer: Any, matrix: Tensor, look: str) -> Any:
    """The rank; perhaps also what is left in the matrix."""
    told = answer(matrix)
    return {"rank": told, "matrix afterward": matrix} if look == "left as it was" else told


def mend_betti(answer: Any, simplices: list[list[int]]) -> Any:
    """The Betti numbers of a complex, as a list."""
    told = answer([tuple(simplex) for simplex in simplices])
    return list(told) if isinstance(told, tuple) else told


def persistence_pairs(answer: Any, matrix: Tensor, look: str) -> Any:
    """The pair of each column, as a text; perhaps also what is left of the matrix.

    Column by column, for pairs may come in any order: a pair that is missing then moves no other.
    """
    size, told = len(matrix), answer(matrix)
    if not isinstance(told, (list, tuple, set)) or any(not _is_pair(pair) for pair in told):
        kind = "None (is a return missing?)" if told is None else type(told).__name__
        raise TypeError(f"persistence_pairs returned {kind}; a list of pairs is asked for")
    found: dict[int, list[str]] = {death: [] for death in range(size)}
    for birth, death in sorted((int(birth), int(death)) for birth, death in told):
        found.setdefault(death, []).append(f"({birth}, {death})")
    pairs = {f"pair with death {death}": " ".join(some) or "none" for death, some in found.items()}
    return {"pairs": pairs, "matrix afterward": matrix} if look == "left as it was" else pairs


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, (list, tuple)) and len(pair) == 2


def component_deaths(answer: Any, distances: Tensor) -> Any:
    """The scales at which components merge; a tensor is asked for."""
    return answer(distances)


def betti_curve(answer: Any, bars: Tensor, scales: Tensor) -> Any:
    """How many bars are alive at each scale; a tensor is asked for."""
    return answer(bars, scales)
