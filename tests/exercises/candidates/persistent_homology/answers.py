"""Right and wrong answers to the exercises of chapter 12."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

Simplex = tuple[int, ...]


# exact-distances


def _metric(
    one: Callable[[Tensor], Tensor] = lambda d: d.abs().sum(dim=2),
    two: Callable[[Tensor], Tensor] = lambda d: d.square().sum(dim=2).sqrt(),
    before: Callable[[Tensor], Tensor] = lambda points: points,
) -> Callable[[Tensor, int], Tensor]:
    def distance_matrix(points: Tensor, p: int) -> Tensor:
        points = before(points)
        differences = points[:, None] - points[None]
        return one(differences) if p == 1 else two(differences)

    return distance_matrix


def _metric_by_rows(points: Tensor, p: int) -> Tensor:
    rows = [(points - point).abs().pow(p).sum(dim=1).pow(1 / p) for point in points]
    return torch.stack(rows)


def _metric_in_a_loop(points: Tensor, p: int) -> Tensor:
    n = len(points)
    told = points.new_zeros(n, n)
    for i, j in combinations(range(n), 2):
        told[i, j] = told[j, i] = torch.linalg.vector_norm(points[i] - points[j], ord=p)
    return told


def _by_products(center: bool = False, wide: bool = False, mirrored: bool = False) -> Any:
    """|x − y|² = |x|² − 2xy + |y|²: fast, and inexact."""

    def distance_matrix(points: Tensor, p: int) -> Tensor:
        if p == 1:
            return _metric()(points, p)
        given = points.double() if wide else points
        given = given - given.mean(dim=0) if center else given
        squares = given.square().sum(dim=1)
        told = (squares[:, None] - 2 * given @ given.T + squares).clamp(min=0).sqrt()
        if mirrored:
            told = ((told + told.T) / 2).fill_diagonal_(0)
        return told.to(points.dtype)

    return distance_matrix


def _upper_only(points: Tensor, p: int) -> Tensor:
    return _metric()(points, p).triu()


# boundary-matrix


def _boundary(
    facets: Callable[[Simplex], Any] = lambda s: combinations(s, len(s) - 1) if s[1:] else (),
    put: Callable[[int], int] = lambda number: 1,
    turn: Callable[[Tensor], Tensor] = lambda matrix: matrix,
    order: Callable[[list[Simplex]], list[Simplex]] = lambda simplices: simplices,
) -> Callable[[list[Simplex]], Tensor]:
    def boundary_matrix(simplices: list[Simplex]) -> Tensor:
        place = {simplex: row for row, simplex in enumerate(order(simplices))}
        matrix = torch.zeros(len(simplices), len(simplices), dtype=torch.int64)
        for simplex in simplices:
            for number, facet in enumerate(facets(simplex)):
                matrix[place[facet], place[simplex]] = put(number)
        return turn(matrix)

    return boundary_matrix


def _boundary_by_inclusion(simplices: list[Simplex]) -> Tensor:
    """Row i is a facet of column j if it is smaller by one and all of it is in j."""
    return torch.tensor(
        [[int(len(a) + 1 == len(b) and set(a) < set(b)) for b in simplices] for a in simplices]
    )


def _boundary_by_removal(simplices: list[Simplex]) -> Tensor:
    matrix = torch.zeros(len(simplices), len(simplices), dtype=torch.int64)
    for j, simplex in enumerate(simplices):
        for v in simplex if len(simplex) > 1 else ():
            matrix[simplices.index(tuple(u for u in simplex if u != v)), j] = 1
    return matrix


def _all_faces(simplex: Simplex) -> list[Simplex]:
    return [f for k in range(1, len(simplex)) for f in combinations(simplex, k)]


# rank-mod-2


def _rank_by_rows(matrix: Tensor) -> int:
    """Rows as bits of an int: each is reduced by those before it."""
    basis: list[int] = []
    for row in matrix.tolist():
        bits = int("0" + "".join(str(int(x)) for x in row), 2)
        for other in basis:
            bits = min(bits, bits ^ other)
        if bits:
            basis.append(bits)
    return len(basis)


def _rank_by_swaps(matrix: Tensor) -> int:
    rows, rank = matrix.clone(), 0
    for column in range(rows.shape[1]):
        for row in range(rank, len(rows)):
            if rows[row, column]:
                rows[[rank, row]] = rows[[row, rank]]
                for below in range(rank + 1, len(rows)):
                    if rows[below, column]:
                        rows[below] = (rows[below] + rows[rank]) % 2
                rank += 1
                break
    return rank


def _rank_real(matrix: Tensor) -> int:
    return int(torch.linalg.matrix_rank(matrix.double()))


def _rank_in_place(matrix: Tensor) -> int:
    rank = 0
    for column in range(matrix.shape[1]):
        ones = matrix[rank:, column].nonzero().flatten()
        if len(ones):
            other = rank + int(ones[0])
            matrix[[rank, other]] = matrix[[other, rank]]
            for below in range(rank + 1, len(matrix)):
                if matrix[below, column]:
                    matrix[below] = (matrix[below] + matrix[rank]) % 2
            rank += 1
    return rank


def _rank_without_modulo(matrix: Tensor) -> int:
    """Subtracts, but with whole numbers."""
    rows, rank = list(matrix), 0
    for column in range(matrix.shape[1]):
        having = [row for row in rows if row[column]]
        if having:
            rank += 1
            rest = [row for row in rows if row is not having[0]]
            rows = [row - having[0] if row[column] else row for row in rest]
    return rank


def _rank_loses_a_row(matrix: Tensor) -> int:
    """Adds the first row that has a 1, but takes the last one away."""
    rows, rank = list(matrix), 0
    for column in range(matrix.shape[1]):
        having = [row for row in rows if row[column]]
        if having:
            rank += 1
            rest = [row for row in rows if row is not having[-1]]
            rows = [(row + having[0]) % 2 if row[column] else row for row in rest]
    return rank


def _rank_stops(matrix: Tensor) -> int:
    """Gives up at the first column without a pivot."""
    rows, rank = matrix.clone(), 0
    for column in range(rows.shape[1]):
        ones = rows[rank:, column].nonzero().flatten()
        if not len(ones):
            break
        other = rank + int(ones[0])
        rows[[rank, other]] = rows[[other, rank]]
        for below in range(rank + 1, len(rows)):
            if rows[below, column]:
                rows[below] = (rows[below] + rows[rank]) % 2
        rank += 1
    return rank


def _rank_below_the_diagonal(matrix: Tensor) -> int:
    """Looks for a column's pivot in the row of the same number and below."""
    rows, rank = matrix.clone(), 0
    for column in range(min(rows.shape)):
        ones = column + rows[column:, column].nonzero().flatten()
        if len(ones):
            rank += 1
            rows[[column, int(ones[0])]] = rows[[int(ones[0]), column]]
            below = rows[column + 1 :]
            below[below[:, column] == 1] += rows[column]
            below %= 2
    return rank


def _different_columns(matrix: Tensor) -> int:
    return len({tuple(column) for column in matrix.T.tolist() if any(column)})


# mend-betti


def _betti(
    rank: Callable[[Tensor], int] = _rank_by_rows,
    more: int = 2,
    signed: bool = False,
    number: Callable[[int, list[int], int], int] = lambda count, ranks, k: (
        count - ranks[k] - ranks[k + 1]
    ),
) -> Callable[[list[Simplex]], list[int]]:
    """By ranks. ``more`` is 2 for all dimensions, 1 if the highest is lost."""

    def betti_numbers(simplices: list[Simplex]) -> list[int]:
        signs = (lambda number: (-1) ** number) if signed else (lambda number: 1)
        matrix = _boundary(put=signs)(simplices)
        sizes = torch.tensor([len(simplex) for simplex in simplices])
        top = int(sizes.max())
        ranks = [rank(matrix[:, sizes == size]) for size in range(1, top + more)]
        return [number(int((sizes == k + 1).sum()), ranks, k) for k in range(len(ranks) - 1)]

    return betti_numbers


def _betti_by_clearing(simplices: list[Simplex]) -> tuple[int, ...]:
    """By the reduction of chains, as sets; without a matrix."""
    pivots: dict[Simplex, set[Simplex]] = {}
    alive = [0] * max(map(len, simplices))
    for simplex in sorted(simplices, key=len):
        size = len(simplex)
        chain = set(combinations(simplex, size - 1)) if size > 1 else set()
        while chain and max(chain) in pivots:
            chain ^= pivots[max(chain)]
        if chain:
            pivots[max(chain)] = chain
            alive[size - 2] -= 1
        else:
            alive[size - 1] += 1
    return tuple(alive)


def _betti_as_they_were(simplices: list[Simplex]) -> list[int]:
    return _betti(rank=_rank_real, more=1)(simplices)


def _betti_by_euler(simplices: list[Simplex]) -> list[int]:
    """β0 counted, β1 from the Euler characteristic: right for graphs only."""
    zeroth = _betti_by_clearing(simplices)[0]
    euler = sum((-1) ** (len(simplex) - 1) for simplex in simplices)
    dimension = max(map(len, simplices)) - 1
    return [zeroth, zeroth - euler] + [0] * (dimension - 1)
