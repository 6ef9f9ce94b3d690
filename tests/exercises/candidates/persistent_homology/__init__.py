"""Right and wrong answers to the exercises of chapter 12."""

from __future__ import annotations

import torch

from . import answers as a
from . import later as b

RIGHT: dict[str, dict[str, object]] = {
    "exact-distances": {
        "differences": a._metric(),
        "row by row": a._metric_by_rows,
        "a loop over pairs": a._metric_in_a_loop,
    },
    "boundary-matrix": {
        "a dictionary": a._boundary(),
        "inclusion of sets": a._boundary_by_inclusion,
        "one point removed": a._boundary_by_removal,
    },
    "rank-mod-2": {
        "bits": a._rank_by_rows,
        "rows swapped": a._rank_by_swaps,
    },
    "mend-betti": {
        "ranks": a._betti(),
        "ranks by elimination": a._betti(rank=a._rank_by_swaps),
        "chains": a._betti_by_clearing,
    },
    "persistence-pairs": {
        "sets": b._reduced(),
        "tensors": b._pairs_on_tensors,
        "ranks of corners": b._pairs_by_ranks,
    },
    "component-deaths": {
        "Kruskal": b._kruskal(),
        "Kruskal with shorter paths": b._kruskal(compressed=True),
        "Prim": b._prim,
        "labels": b._by_labels,
    },
    "betti-curve": {
        "two tables": b._curve(),
        "a loop": b._curve_in_a_loop,
        "sorting": b._curve_by_sorting,
    },
}

WRONG: dict[str, dict[str, object]] = {
    "exact-distances": {
        "by products": a._by_products(),
        "by products, mirrored": a._by_products(mirrored=True),
        "by products, centered": a._by_products(center=True),
        "by products, centered and mirrored": a._by_products(center=True, mirrored=True),
        "by products in double": a._by_products(wide=True),
        "no root": a._metric(two=lambda d: d.square().sum(dim=2)),
        "no absolute values": a._metric(one=lambda d: d.sum(dim=2)),
        "the same for both": a._metric(two=lambda d: d.abs().sum(dim=2)),
        "the mean": a._metric(one=lambda d: d.abs().mean(dim=2)),
        "the largest coordinate": a._metric(two=lambda d: d.abs().amax(dim=2)),
        "half precision": a._metric(before=torch.Tensor.half),
        "the upper half only": a._upper_only,
        "never zero": a._metric(two=lambda d: (d.square().sum(dim=2) + 1e-12).sqrt()),
    },
    "boundary-matrix": {
        "turned over": a._boundary(turn=lambda matrix: matrix.T),
        "with signs": a._boundary(put=lambda number: (-1) ** number),
        "all faces": a._boundary(facets=a._all_faces),
        "the points": a._boundary(facets=lambda s: [(v,) for v in s] if len(s) > 1 else []),
        "sorted by size": a._boundary(order=lambda s: sorted(s, key=lambda x: (len(x), x))),
        "floating-point": a._boundary(turn=torch.Tensor.float),
        "one facet forgotten": a._boundary(
            facets=lambda s: [s[:k] + s[k + 1 :] for k in range(len(s) - 1)]
        ),
    },
    "rank-mod-2": {
        "over the real numbers": a._rank_real,
        "without modulo": a._rank_without_modulo,
        "in place": a._rank_in_place,
        "stops early": a._rank_stops,
        "pivots from the diagonal on": a._rank_below_the_diagonal,
        "the wrong row taken away": a._rank_loses_a_row,
        "different columns": a._different_columns,
        "the smaller side": lambda matrix: min(matrix.shape),
        "one more": lambda matrix: a._rank_by_rows(matrix) + 1,
    },
    "mend-betti": {
        "as it was": a._betti_as_they_were,
        "only the field": a._betti(more=1),
        "only the highest": a._betti(rank=a._rank_real),
        "with signs, over the real numbers": a._betti(rank=a._rank_real, signed=True),
        "the same rank twice": a._betti(number=lambda count, ranks, k: count - 2 * ranks[k]),
        "the rank above only": a._betti(number=lambda count, ranks, k: count - ranks[k + 1]),
        "kernels": a._betti(number=lambda count, ranks, k: count - ranks[k]),
        "Euler": a._betti_by_euler,
    },
    "persistence-pairs": {
        "the topmost 1": b._reduced(pivot=min),
        "one addition": b._reduced(often=False),
        "one addition, pivots twice": b._pairs_after_one_addition,
        "no addition": b._pairs_without_additions,
        "union for sum": b._reduced(add=lambda one, other: one | other),
        "difference for sum": b._reduced(add=lambda one, other: one - other),
        "rows for columns": b._reduced(lines=lambda matrix: matrix),
        "death first": b._reduced(told=lambda birth, death: (death, birth)),
        "counted from 1": b._reduced(told=lambda birth, death: (birth + 1, death + 1)),
        "in place": b._pairs_in_place,
        "those that never die": b._pairs_never_dying_too,
    },
    "component-deaths": {
        "nearest neighbors": b._nearest_neighbors,
        "the shortest edges": b._shortest_edges,
        "parents, not roots": b._parents_only,
        "from the longest edge": b._kruskal(order=lambda x: x.argsort(descending=True)),
        "unsorted edges": b._kruskal(order=lambda x: torch.arange(len(x))),
        "edges between neighbors left out": b._kruskal(least=2),
        "islands forgotten": b._finite_only,
        "the last component too": b._with_the_last,
        "half the scale": lambda distances: b._kruskal()(distances) / 2,
    },
    "betti-curve": {
        "alive at its death": b._curve(alive=torch.le),
        "not yet at its birth": b._curve(born=torch.lt),
        "finite bars only": b._curve(given=b._only_finite),
        "along the scales": b._curve(dim=0),
        "as if sorted": b._as_if_sorted,
        "births only": b._births_only,
        "a list": b._curve(kind=torch.Tensor.tolist),
        "deaths first": b._curve(given=lambda bars: bars.flip(1)),
    },
}

# Mutants of the solutions that are right all the same, by their descriptions.
EQUIVALENT: dict[str, set[str]] = {
    # modulo 2 a difference is a sum
    "rank-mod-2": {"line 14: r + having[0] -> r - having[0]"},
    # another bit for each simplex, one more empty basis, the lesser of two in another order
    "mend-betti": {
        "line 8: 1 -> 2",
        "line 10: 1 -> 2",
        "line 14: min(column, column ^ other) -> min(column ^ other, column)",
    },
    # an edge from a point to itself joins nothing
    "component-deaths": {"line 17: 1 -> 0"},
}
