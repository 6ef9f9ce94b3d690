"""Persistent homology written out small: a complex, its boundary matrix, the reduction.

For reading, and for a few dozen points; `helpers.topology.persistence` gives the same diagrams for
thousands. Coefficients are in Z/2: a chain is a set of simplices, and a sum of chains holds what
is in one of them and not in both. A simplex appears at the length of its longest edge, which is a
diameter and not a radius.

Source: Edelsbrunner and Harer, Computational Topology (2010), chapters IV and VII.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

#: A simplex is its vertices, in ascending order: (2,) is a point, (0, 2) an edge.
Simplex = tuple[int, ...]

#: More simplices than this make a matrix that no longer is an example.
_MOST = 10_000


def rips_simplices(
    distances: Tensor, max_dimension: int = 2, threshold: float = math.inf
) -> list[tuple[Simplex, float]]:
    """The Vietoris–Rips filtration: all simplices in the order in which they appear.

    Parameters
    ----------
    distances
        Shape ``(n, n)``, symmetric, with a diagonal of zeros.
    max_dimension
        The largest dimension of a simplex: 1 for edges, 2 for triangles.
    threshold
        The largest scale: no edge longer than that.

    Returns
    -------
    list
        Pairs of a simplex and the scale at which it appears, the length of its longest edge.
        Sorted by scale, then dimension, then vertices; so a face stands before what it bounds.

    Raises
    ------
    ValueError
        If ``distances`` is no distance matrix, ``max_dimension`` is negative, or there would be
        more than 10,000 simplices.

    Examples
    --------
    >>> rips_simplices(torch.tensor([[0.0, 2.0], [2.0, 0.0]]), 1)
    [((0,), 0.0), ((1,), 0.0), ((0, 1), 2.0)]
    """
    _check_distances(distances)
    if max_dimension < 0:
        raise ValueError(f"max_dimension is {max_dimension}; allowed: 0 or more")
    n, table = len(distances), distances.tolist()
    limit = min(threshold, sys.float_info.max)  # points at an infinite distance never meet
    level: list[tuple[Simplex, float]] = [((point,), 0.0) for point in range(n)]
    found = list(level)
    for dimension in range(1, max_dimension + 1):
        level = [
            ((*simplex, new), longest)
            for simplex, scale in level
            for new in range(simplex[-1] + 1, n)
            if (longest := max(scale, *(table[old][new] for old in simplex))) <= limit
        ]
        found += level
        if len(found) > _MOST:
            raise ValueError(
                f"distances of {n} points give {len(found):,} simplices up to dimension "
                f"{dimension}; allowed: {_MOST:,}. Take fewer points or a smaller threshold"
            )
    return sorted(found, key=lambda pair: (pair[1], len(pair[0]), pair[0]))


def with_faces(simplices: Iterable[Sequence[int]]) -> list[Simplex]:
    """The complex that some simplices make: they and all their faces, the small ones first.

    >>> with_faces([(0, 1), (1, 2)])
    [(0,), (1,), (2,), (0, 1), (1, 2)]

    Raises
    ------
    ValueError
        If a simplex is empty or has a vertex twice.
    """
    found: set[Simplex] = set()
    for simplex in simplices:
        vertices = tuple(sorted(simplex))
        if not vertices or len(set(vertices)) < len(vertices):
            raise ValueError(f"simplices has {tuple(simplex)}; allowed: different vertices")
        for size in range(1, len(vertices) + 1):
            found.update(combinations(vertices, size))
    return sorted(found, key=lambda simplex: (len(simplex), simplex))


def boundary_matrix(simplices: Sequence[Simplex]) -> Tensor:
    """The boundary matrix over Z/2: column j holds a 1 for each facet of simplex j.

    Parameters
    ----------
    simplices
        m simplices with all their faces, each face before what it bounds.

    Returns
    -------
    torch.Tensor
        Shape ``(m, m)``, int8, of zeros and ones; a point's column is zero.

    Raises
    ------
    ValueError
        If a simplex stands twice or a facet is missing or comes too late.

    Examples
    --------
    >>> boundary_matrix([(0,), (1,), (0, 1)])[:, 2].tolist()
    [1, 1, 0]
    """
    place: dict[Simplex, int] = {}
    matrix = torch.zeros(len(simplices), len(simplices), dtype=torch.int8)
    for column, simplex in enumerate(simplices):
        if simplex in place:
            raise ValueError(f"simplices has {simplex} twice; allowed: once")
        for facet in combinations(simplex, len(simplex) - 1) if len(simplex) > 1 else ():
            if facet not in place:
                raise ValueError(f"simplices has no {facet} before {simplex}; allowed: faces first")
            matrix[place[facet], column] = 1
        place[simplex] = column
    return matrix


def rank_mod_2(matrix: Tensor) -> int:
    """The rank of a matrix over Z/2, by elimination.

    Parameters
    ----------
    matrix
        Shape ``(rows, columns)``, of integers, which count modulo 2. It stays as it is.

    Raises
    ------
    ValueError
        If the matrix has another number of dimensions or is of floats.

    Examples
    --------
    >>> rank_mod_2(torch.tensor([[1, 1, 0], [1, 0, 1], [0, 1, 1]]))  # 3 over the real numbers
    2
    """
    rows, rank = _mod_2(matrix), 0
    for column in range(rows.shape[1]):
        ones = rows[rank:, column].nonzero().flatten()
        if not len(ones):
            continue
        chosen = rank + int(ones[0])
        rows[[rank, chosen]] = rows[[chosen, rank]]
        below = rows[rank + 1 :]
        below ^= below[:, column, None] & rows[rank]
        rank += 1
    return rank


def betti_of_complex(simplices: Iterable[Sequence[int]]) -> list[int]:
    """The Betti numbers of a complex over Z/2, from β0 up to its dimension.

    Parameters
    ----------
    simplices
        Simplices by their vertices. Faces that are left out are added.

    Returns
    -------
    list of int
        β_k = (number of k-simplices) − rank ∂_k − rank ∂_(k+1).

    Raises
    ------
    ValueError
        If there is no simplex, or one has a vertex twice.

    Examples
    --------
    >>> betti_of_complex([(0, 1), (1, 2), (2, 3), (0, 3)])  # a square
    [1, 1]
    """
    whole = with_faces(simplices)
    if not whole:
        raise ValueError("simplices is empty; allowed: one or more")
    matrix = boundary_matrix(whole)
    sizes = torch.tensor([len(simplex) for simplex in whole])
    top = len(whole[-1])
    counts = [int((sizes == size).sum()) for size in range(1, top + 1)]
    ranks = [rank_mod_2(matrix[:, sizes == size]) for size in range(1, top + 2)]
    return [count - ranks[k] - ranks[k + 1] for k, count in enumerate(counts)]


def reduce_boundary(matrix: Tensor) -> tuple[Tensor, list[tuple[int, int]]]:
    """The standard reduction, from left to right: it pairs births with deaths.

    Each column's pivot is its lowest 1, the one with the largest row number. While an earlier
    column has the same pivot, that column is added, modulo 2. A column that keeps a pivot i pairs
    i, whose class is born, with itself, where the class dies.

    Parameters
    ----------
    matrix
        Shape ``(m, m)``: a boundary matrix in the order of a filtration. It stays as it is.

    Returns
    -------
    reduced : torch.Tensor
        The matrix after all additions, of the input's dtype.
    pairs : list of (int, int)
        (birth, death) as column numbers, sorted by death. A column that is zero and in no pair
        begins a class that never dies.

    Raises
    ------
    ValueError
        If the matrix is not square or is of floats.

    Examples
    --------
    >>> reduce_boundary(boundary_matrix([(0,), (1,), (0, 1)]))[1]
    [(1, 2)]
    """
    columns = _mod_2(matrix).T.contiguous()  # so that a column's numbers lie side by side
    if columns.shape[0] != columns.shape[1]:
        raise ValueError(f"matrix has shape {tuple(matrix.shape)}; allowed: (m, m)")
    owner: dict[int, int] = {}  # pivot -> the column that has it
    for j, column in enumerate(columns):
        while len(ones := column.nonzero()):
            pivot = int(ones[-1])
            if pivot not in owner:
                owner[pivot] = j
                break
            column ^= columns[owner[pivot]]
    pairs = sorted(owner.items(), key=lambda pair: pair[1])
    return columns.T.to(matrix.dtype), pairs


def diagram_by_reduction(
    distances: Tensor, max_dimension: int = 1, threshold: float = math.inf
) -> list[Tensor]:
    """The persistence diagram of a few dozen points, by the reduction above.

    Parameters
    ----------
    distances
        Shape ``(n, n)``, symmetric, with a diagonal of zeros.
    max_dimension
        The largest dimension of homology. It needs simplices of one dimension more.
    threshold
        The largest scale to look at. A class that lives there counts as one that never dies.

    Returns
    -------
    list of torch.Tensor
        For each dimension from 0 the bars, shape ``(bars, 2)``: births and deaths as lengths of
        edges, infinite where a class never dies, sorted; bars of no length are left out.

    Raises
    ------
    ValueError
        As `rips_simplices`.

    Examples
    --------
    >>> square = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> diagram_by_reduction(torch.cdist(square, square))[1]
    tensor([[1.0000, 1.4142]])
    """
    filtration = rips_simplices(distances, max_dimension + 1, threshold)
    _, pairs = reduce_boundary(boundary_matrix([simplex for simplex, _ in filtration]))
    death_of = dict(pairs)
    ends = set(death_of.values())
    bars: list[list[tuple[float, float]]] = [[] for _ in range(max_dimension + 1)]
    for place, (simplex, birth) in enumerate(filtration):
        if place in ends or len(simplex) > max_dimension + 1:
            continue  # it ends a class, or the simplices that could end it are not there
        death = filtration[death_of[place]][1] if place in death_of else math.inf
        if birth < death:
            bars[len(simplex) - 1].append((birth, death))
    kind: Any = {"dtype": distances.dtype, "device": distances.device}
    return [torch.tensor(sorted(found), **kind).reshape(-1, 2) for found in bars]


def _mod_2(matrix: Tensor) -> Tensor:
    """A copy of a matrix of integers as truth values: odd or even."""
    if matrix.ndim != 2 or matrix.is_floating_point() or matrix.is_complex():
        raise ValueError(
            f"matrix has shape {tuple(matrix.shape)} and {matrix.dtype}; allowed: (rows, columns), "
            "of integers"
        )
    return matrix.remainder(2).bool() if matrix.dtype != torch.bool else matrix.clone()


def _check_distances(distances: Tensor) -> None:
    """Refuse what is no distance matrix."""
    square = distances.ndim == 2 and distances.shape[0] == distances.shape[1]
    if not square or not len(distances) or not distances.is_floating_point():
        found = f"shape {tuple(distances.shape)} and {distances.dtype}"
        raise ValueError(f"distances has {found}; allowed: (n, n), n ≥ 1, of floats")
    wrong = "not numbers" if bool(distances.isnan().any()) else ""
    wrong = wrong or ("negative" if bool((distances < 0).any()) else "")
    wrong = wrong or ("not zero on the diagonal" if bool(distances.diagonal().any()) else "")
    wrong = wrong or ("not symmetric" if not torch.equal(distances, distances.T) else "")
    if wrong:
        raise ValueError(f"distances is {wrong}; allowed: symmetric, zero diagonal, none negative")
