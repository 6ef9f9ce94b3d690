"""Right and wrong answers to the exercises of chapter 12."""

from __future__ import annotations

import torch

from . import answers as a

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
        "sets": a._reduced(),
        "tensors": a._pairs_on_tensors,
        "ranks of corners": a._pairs_by_ranks,
    },
    "component-deaths": {
        "Kruskal": a._kruskal(),
        "Kruskal with shorter paths": a._kruskal(compressed=True),
        "Prim": a._prim,
        "labels": a._by_labels,
    },
    "betti-curve": {
        "two tables": a._curve(),
        "a loop": a._curve_in_a_loop,
        "sorting": a._curve_by_sorting,
    },
}

WRONG: dict[str, dict[str, object]] = {
    "exact-distances": {
        "by products": a._by_products(),
        "by products, mirrored": a._by_products(mirrored=True),
        "by products, centered": a._by_products(center=True),
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
        "one facet forgotten": a._boundary(
            facets=lambda s: [s[:k] + s[k + 1 :] for k in range(len(s) - 1)]
        ),
    },
    "rank-mod-2": {
        "over the real numbers": a._rank_real,
        "without modulo": a._rank_without_modulo,
        "in place": a._rank_in_place,
        "stops early": a._rank_stops,
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
        "the topmost 1": a._reduced(pivot=min),
        "one addition": a._reduced(often=False),
        "no addition": a._pairs_without_additions,
        "union for sum": a._reduced(add=lambda one, other: one | other),
        "difference for sum": a._reduced(add=lambda one, other: one - other),
        "rows for columns": a._reduced(lines=lambda matrix: matrix),
        "death first": a._reduced(told=lambda birth, death: (death, birth)),
        "counted from 1": a._reduced(told=lambda birth, death: (birth + 1, death + 1)),
        "in place": a._pairs_in_place,
        "those that never die": a._pairs_never_dying_too,
    },
    "component-deaths": {
        "nearest neighbors": a._nearest_neighbors,
        "the shortest edges": a._shortest_edges,
        "parents, not roots": a._parents_only,
        "from the longest edge": a._kruskal(order=lambda x: x.argsort(descending=True)),
        "unsorted edges": a._kruskal(order=lambda x: torch.arange(len(x))),
        "edges between neighbors left out": a._kruskal(least=2),
        "islands forgotten": a._finite_only,
        "the last component too": a._with_the_last,
        "half the scale": lambda distances: a._kruskal()(distances) / 2,
    },
    "betti-curve": {
        "alive at its death": a._curve(alive=torch.le),
        "not yet at its birth": a._curve(born=torch.lt),
        "finite bars only": a._curve(given=a._only_finite),
        "along the scales": a._curve(dim=0),
        "as if sorted": a._as_if_sorted,
        "births only": a._births_only,
        "a list": a._curve(kind=torch.Tensor.tolist),
        "deaths first": a._curve(given=lambda bars: bars.flip(1)),
    },
}

# Mutants of the solutions that are right all the same, by their descriptions.
EQUIVALENT: dict[str, set[str]] = {}
