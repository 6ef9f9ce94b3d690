"""Right and wrong answers to the exercises of chapter 9."""

from __future__ import annotations

import torch

from helpers import embedding, probes

from .answers import (
    _as_more_rows,
    _by_covariance,
    _by_einsum,
    _by_gram,
    _by_gram_matrices,
    _by_hook,
    _by_one_hot,
    _by_singular_values,
    _by_sorting,
    _by_trace,
    _by_u_centering,
    _by_what_is_left,
    _cka,
    _column_of_ones,
    _debiased,
    _dual,
    _gather,
    _in_numpy,
    _layer_by_layer,
    _lowrank,
    _mean_of_means,
    _one_by_one,
    _pca,
    _purity,
    _sample_by_sample,
    _scores,
    _separability,
    _smallest_first,
)

RIGHT: dict[str, dict[str, object]] = {
    "gather-features": {
        "a table filled layer by layer": _layer_by_layer,
        "one image at a time": _one_by_one,
        "a hook": _by_hook,
    },
    "pca-coordinates": {
        "eigenvectors of the covariance": _by_covariance,
        "eigenvectors of the Gram matrix": _by_gram,
        "NumPy, the left vectors": _in_numpy,
    },
    "neighborhood-purity": {
        "loops and sorted": _sample_by_sample,
        "all differences, argsort": _by_sorting,
    },
    "class-separability": {
        "a matrix of same labels": _by_one_hot,
        "one minus the rest": _by_what_is_left,
    },
    "probe-scores": {
        "the dual": _dual,
        "the ridge as samples": _as_more_rows,
    },
    "linear-cka": {
        "singular values": _by_singular_values,
        "einsum": _by_einsum,
    },
    "debiased-cka": {
        "traces, as in the paper": _by_trace,
        "a cosine of centered matrices": _by_u_centering,
        "the course's way, d×d": _debiased(center=lambda x: x - x.mean(0)),
    },
}

WRONG: dict[str, dict[str, object]] = {
    "gather-features": {
        "in whatever mode": _gather(mode=None),
        "training mode": _gather(mode=True),
        "left in evaluation mode": _gather(restore=False),
        "left in training mode": _gather(restore=True),
        "the last batch lost": _gather(
            batches=lambda images, size: images[: len(images) // size * size].split(size)
        ),
        "shuffled": _gather(
            batches=lambda images, size: images[torch.randperm(len(images))].split(size)
        ),
        "holds the graph": _gather(keep=lambda rows: rows),
        "a leaf that asks for gradients": _gather(keep=lambda rows: rows.detach().requires_grad_()),
        "one layer too many": _gather(depth_off=1),
        "one layer too few": _gather(depth_off=-1),
        "the batch flattened too": _gather(flat=0),
    },
    "pca-coordinates": {
        "not centered": _pca(center=lambda x: x),
        "centered by the mean of all numbers": _pca(center=lambda x: x - x.mean()),
        "each sample centered": _pca(center=lambda x: x - x.mean(1, keepdim=True)),
        "standardized": _pca(center=lambda x: (x - x.mean(0)) / (x.std(0) + 1e-9)),
        "sizes for variances": _pca(power=1),
        "shares all equal": _pca(power=0),
        "shares of the first k": _pca(total=lambda squares, k: squares[:k].sum()),
        "the last directions": _pca(order=lambda v, k: v[-k:]),
        "the smallest variance first": _smallest_first,
        "columns for rows": _pca(order=lambda v, k: v.T[:k]),
        "torch's own": _lowrank,
        "the course's own": lambda features, k: (
            embedding.pca(features, k)(features),
            embedding.pca(features, k).shares,
        ),
    },
    "neighborhood-purity": {
        "itself counted": _purity(own=None),
        "the first taken for itself": _purity(own=None, extra=1, start=1),
        "the farthest": _purity(own=-torch.inf, largest=True),
        "city blocks": _purity(p=1.0),
        "one neighbor too many": _purity(extra=1),
        "the labels of the columns": _purity(
            mean=lambda same: same.float().mean(0), whose=lambda labels: labels[:, None]
        ),
        "one number": _purity(mean=lambda same: same.float().mean()),
        "a count": _purity(mean=lambda same: same.float().sum(1)),
        "all alike or nothing": _purity(mean=lambda same: same.all(1).float()),
        "the course's own": probes.knn_purity,
    },
    "class-separability": {
        "classes not weighted": _separability(weight=lambda mine: 1),
        "the mean of the means": _separability(center=_mean_of_means),
        "not centered": _separability(center=lambda x, labels: 0 * x.mean(0)),
        "total not centered": _separability(total=lambda x: x.square().sum()),
        "labels from 0": _separability(
            kinds=lambda labels: [c for c in range(10) if (labels == c).any()]
        ),
        "between over within": _separability(
            finish=lambda between, total: between / (total - between)
        ),
        "the share within": _separability(finish=lambda between, total: 1 - between / total),
        "the course's own": probes.separability,
    },
    "probe-scores": {
        "the ridge as it is": _scores(strength=lambda x, ridge: ridge),
        "the whole trace": _scores(strength=lambda x, ridge: ridge * x.square().sum()),
        "per sample": _scores(strength=lambda x, ridge: ridge * x.square().mean()),
        "no ridge": _scores(strength=lambda x, ridge: 1e-9),
        "the others' own mean": _scores(others_mean=lambda features, others: others.mean(0)),
        "the others not centered": _scores(others_mean=lambda features, others: 0),
        "nothing centered": _scores(
            mean=lambda features: 0, others_mean=lambda features, others: 0, level=lambda y: 0
        ),
        "no bias": _scores(level=lambda y: 0),
        "the bias held back too": _column_of_ones,
        "the labels": _scores(finish=lambda scores: scores.argmax(1)),
        "probabilities": _scores(finish=lambda scores: scores.softmax(1)),
        "the course's own": lambda features, labels, others, ridge: probes.linear_probe(
            features, labels, ridge
        ).scores(others),
    },
    "linear-cka": {
        "not centered": _cka(center=lambda x: x),
        "each sample centered": _cka(center=lambda x: x - x.mean(1, keepdim=True)),
        "centered by one number": _cka(center=lambda x: x - x.mean()),
        "not squared": _cka(finish=lambda cross, one, two: cross / (one * two)),
        "a root too many": _cka(finish=lambda cross, one, two: cross / (one * two).sqrt()),
        "not divided": _cka(finish=lambda cross, one, two: cross**2),
        "n×n": _by_gram_matrices,
        "a correlation of entries": lambda x, y: (
            (x[:, :1] * y[:, :1]).sum() / (x.norm() * y.norm())
        ),
        "the course's own": lambda x, y: probes.cka(x, y, debiased=False),
    },
    "debiased-cka": {
        "the diagonal left in": _debiased(diagonal=None),
        "ones on the diagonal": _debiased(diagonal=1.0),
        "no second term": _debiased(second=lambda n: 0),
        "no third term": _debiased(third=lambda n: 0),
        "n for n - 1": _debiased(second=lambda n: 1 / (n * (n - 2))),
        "n for n - 2": _debiased(third=lambda n: 2 / n),
        "one for two": _debiased(third=lambda n: 1 / (n - 2)),
        "no root": _debiased(finish=lambda cross, one, two: cross / (one * two)),
        "not divided": _debiased(finish=lambda cross, one, two: cross),
        "plain": _cka(),
        "the course's own": probes.cka,
    },
}

# Mutants of the solutions that are right all the same, by their descriptions.
EQUIVALENT: dict[str, set[str]] = {
    "pca-coordinates": {  # more directions than are used
        "line 13: torch.linalg.svd(centered, full_matrices=False) -> torch.linalg.svd(centered)",
        "line 13: False -> True",
    },
    "probe-scores": {  # the ridge, a number, loses digits that do not count
        "line 21: torch.eye(len(scatter), dtype=features.dtype) -> torch.eye(len(scatter))",
    },
    "debiased-cka": {  # the tables are symmetric, and so is the estimate
        "line 18: estimate(K, L) -> estimate(L, K)",
        "line 14: 0 -> 1",
        "line 14: 0 -> -1",
    },
}
