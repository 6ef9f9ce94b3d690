"""Right and wrong answers to the exercises of chapter 13."""

from __future__ import annotations

from itertools import pairwise, product

import torch

from . import answers as a

_ORDER = ["metric", "fresh", "shuffled", "held-out", "gaussian", "random", "own", "as many"]


def _swapped(one: int, other: int) -> object:
    words = list(_ORDER)
    words[one], words[other] = words[other], words[one]
    return words.__getitem__


def _by_case(claim: int) -> str:
    match claim:
        case 1:
            return "fresh"
        case 2:
            return "shuffled"
        case 3:
            return "held-out"
        case 4:
            return "gaussian"
        case 5:
            return "random"
        case 6:
            return "own"
        case 7:
            return "as many"
    return "metric"


RIGHT: dict[str, dict[str, object]] = {
    "median-scale": {
        "a quantile of the pairs": a._scaled(),
        "sorted in a loop": a._scaled_by_sorting,
        "NumPy, all but the diagonal": a._scaled_by_numpy,
    },
    "layer-clouds": {
        "hooks": a._clouds(),
        "layer by layer": a._clouds_by_children,
        "a copy": a._clouds_of_a_copy,
    },
    "disjoint-subsamples": {
        "reshaped": a._disjoint(),
        "dealt": a._dealt,
        "unfolded": a._unfolded,
    },
    "curve-irregularity": {
        "piece by piece": a._irregular(),
        "events": a._irregular(a._by_events),
        "searchsorted": a._irregular(a._by_searching),
    },
    "shared-or-own": {
        "slices": a._crops(),
        "indices": a._crops_by_indices,
    },
    "gaussian-cloud": {
        "a symmetric root": a._gaussian(),
        "singular values": a._gaussian_by_singular_values,
        "a root of another form": a._gaussian(a._one_sided),
    },
    "choose-control": {
        "a list": lambda claim: _ORDER[claim],
        "cases": _by_case,
    },
    "mend-interval": {
        "a mean for each seed": a._interval(),
        "NumPy": a._interval_by_numpy,
        "a loop": a._interval_in_a_loop,
    },
}

WRONG: dict[str, dict[str, object]] = {
    "median-scale": {
        "torch.median": a._scaled(middle=torch.median),
        "with the diagonal": a._scaled(chosen=lambda d: d.flatten()),
        "the diagonal in the triangle": a._scaled(
            chosen=lambda d: d[tuple(torch.triu_indices(len(d), len(d)))]
        ),
        "the mean": a._scaled(middle=torch.mean),
        "the largest": a._scaled(middle=torch.max),
        "positive entries": a._scaled(chosen=lambda d: d[d > 0]),
        "the upper middle": a._scaled(middle=lambda v: v.sort().values[len(v) // 2]),
        "the medians of rows": lambda d: d / d.median(dim=1, keepdim=True).values,
    },
    "layer-clouds": {
        "the mode as it was": a._clouds(evaluate=False),
        "eval() too late": a._clouds_in_training,
        "left in evaluation mode": a._clouds(restore=None),
        "always left in training mode": a._clouds(restore=lambda was: True),
        "always left in evaluation mode": a._clouds(restore=lambda was: False),
        "gradients on, but detached": a._clouds(gradients=True),
        "gradients on": a._clouds(keep=lambda output: output.clone(), gradients=True),
        "one run for each layer": a._clouds_one_by_one,
        "hooks left": a._clouds(remove=False),
        "no clone": a._clouds(keep=lambda output: output.detach()),
        "the loop's last name": a._clouds(late=True),
        "L2": a._clouds(p=2.0),
        "not scaled": a._clouds(scale=lambda d: d),
        "maps averaged": a._clouds(
            rows=lambda output: output.flatten(2).mean(2) if output.ndim > 2 else output
        ),
        "torch.median": a._clouds(scale=a._scaled(middle=torch.median)),
    },
    "disjoint-subsamples": {
        "a bootstrap": a._disjoint(a._bootstrap),
        "disjoint within, not between": a._disjoint(a._drawn_anew),
        "never refused": a._disjoint(refused=lambda count, size, number: False),
        "refused when all are used": a._disjoint(refused=lambda c, size, n: size * n >= c),
        "the wrong shape": a._disjoint(
            lambda count, size, number, g: torch.randperm(count, generator=g)[
                : number * size
            ].reshape(size, number)
        ),
        "in order": a._disjoint(
            lambda count, size, number, g: torch.arange(size * number).reshape(number, size)
        ),
        "the generator ignored": a._disjoint(
            lambda count, size, number, g: torch.randperm(count)[: size * number].reshape(
                number, size
            )
        ),
    },
    "curve-irregularity": {
        "the areas' difference": a._irregular(a._of_areas),
        "without absolute values": a._irregular(a._signed),
        "a grid": a._irregular(a._on_a_grid),
        "over the sum of the areas": a._irregular(over=sum),
        "over the first area": a._irregular(over=lambda areas: areas[0] or 1.0),
        "not over the area": a._irregular(over=lambda areas: 1.0),
        "each with itself, too": a._irregular(pairs=lambda d: product(d, d)),
        "neighbors only": a._irregular(pairs=pairwise),
        "the largest distance": a._irregular(mean=max),
        "the sum of distances": a._irregular(mean=sum),
    },
    "shared-or-own": {
        "always own": a._always(True),
        "always shared": a._always(False),
        "the other way round": a._crops(turned=True),
        "the last corner": a._crops(first=-1),
        "columns for rows": a._crops(swapped=True),
        "one pixel more": a._crops(end=lambda start, size: start + size + 1),
        "the size for the end": a._crops(end=lambda start, size: size),
        "one channel": a._first_channel,
    },
    "gaussian-cloud": {
        "cholesky": a._gaussian(lambda c: torch.linalg.cholesky(c).T),
        "the lower triangle": a._gaussian(lambda c: torch.linalg.cholesky(c)),
        "the covariance itself": a._gaussian(lambda c: c),
        "deviations only": a._gaussian(lambda c: c.diagonal().sqrt().diag()),
        "one side only, the wrong one": a._gaussian(a._one_sided_wrong),
        "without the mean": a._gaussian(mean=lambda points: 0.0),
        "one mean for all": a._gaussian(mean=torch.mean),
        "over n": a._gaussian(covariance=lambda p: torch.cov(p.T, correction=0)),
        "not centered": a._gaussian(covariance=lambda p: p.T @ p / (len(p) - 1)),
        "the noise standardized": a._standardized,
    },
    "choose-control": {
        "fresh for labels": _swapped(1, 2),
        "training images for new ones": _swapped(2, 3),
        "gaussian for the kind of map": _swapped(4, 5),
        "as many for own": _swapped(6, 7),
        "always fresh": lambda claim: "fresh",
        "one off": lambda claim: _ORDER[(claim + 1) % 8],
    },
    "mend-interval": {
        "as it was": a._pooled,
        "paired, but pooled": a._paired_but_pooled,
        "not paired": a._interval(spread=lambda x, y: (x.var() + y.var()).sqrt()),
        "the deviation, not the error": a._interval(share=lambda n: 1.0),
        "over n": a._interval(spread=lambda x, y: (x - y).std(correction=0)),
        "over the seeds, no root": a._interval(share=lambda n: 1 / n),
        "every subsample a replicate": a._interval(count=lambda table: table.numel()),
        "the first subsample": a._interval(middles=lambda table: table[:, 0]),
        "the median of the subsamples": a._interval(middles=lambda t: t.median(dim=1).values),
        "averaged over the seeds": a._interval(middles=lambda table: table.mean(dim=0)),
    },
}

# Mutants of the solutions that are right all the same, by their descriptions.
EQUIVALENT: dict[str, set[str]] = {
    # of a vector the last dimension is the first
    "curve-irregularity": {"line 14: 0 -> -1"},
    # normal noise is as likely as its negative
    "gaussian-cloud": {
        "line 15: middle + noise * lengths @ axes.T -> middle - noise * lengths @ axes.T"
    },
}
