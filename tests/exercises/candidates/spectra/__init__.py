"""Right and wrong answers to the exercises of chapter 11."""

from __future__ import annotations

import torch

from .answers import (
    _alpha,
    _alpha_by_mean,
    _alpha_in_a_loop,
    _attack,
    _attack_by_backward,
    _attack_by_hand,
    _attack_in_place,
    _attack_on_the_caller_s,
    _attack_parameters_frozen,
    _attack_with_graph,
    _by_ends,
    _by_lstsq,
    _by_polyfit,
    _by_the_line,
    _dimension,
    _dimension_by_differences,
    _dimension_in_a_loop,
    _first,
    _its_own_x_min,
    _likelihood,
    _likelihood_in_a_loop,
    _other_way_round,
    _positive_minimum,
    _slope,
    _spectrum,
    _spectrum_by_cov,
    _spectrum_by_singular_values,
    _taking_part,
    _taking_part_by_cov,
    _taking_part_by_samples,
    _through_zero,
)

RIGHT: dict[str, dict[str, object]] = {
    "covariance-spectrum": {
        "the smaller product": _spectrum(),
        "singular values": _spectrum_by_singular_values,
        "torch.cov and eigh": _spectrum_by_cov,
    },
    "rank-exponent": {
        "a formula": _slope(),
        "lstsq": _slope(fit=_by_lstsq),
        "polyfit": _slope(fit=_by_polyfit),
        "another base": _slope(x_of=torch.log10, y_of=torch.log10),
    },
    "participation-ratio": {
        "the covariance": _taking_part(),
        "the inner products of the samples": _taking_part_by_samples,
        "torch.cov and einsum": _taking_part_by_cov,
    },
    "likelihood-exponent": {
        "a mask": _likelihood(),
        "a loop": _likelihood_in_a_loop,
    },
    "mend-likelihood": {
        "three lines mended": _alpha(),
        "the mean of logarithms": _alpha_by_mean,
        "a loop": _alpha_in_a_loop,
    },
    "two-nn": {
        "centered": _dimension(),
        "differences": _dimension_by_differences,
        "a loop": _dimension_in_a_loop,
    },
    "sign-attack": {
        "autograd.grad": _attack(),
        "the chain rule by hand": _attack_by_hand,
        "backward, with the gradients kept aside": _attack_parameters_frozen,
    },
}

WRONG: dict[str, dict[str, object]] = {
    "covariance-spectrum": {
        "not centered": _spectrum(center=lambda rows: rows),
        "one mean for all features": _spectrum(center=lambda rows: rows - rows.mean()),
        "each sample centered": _spectrum(center=lambda r: r - r.mean(dim=1, keepdim=True)),
        "over n": _spectrum(less=0),
        "ascending": _spectrum(turn=lambda values: values),
        "square roots": _spectrum(turn=lambda values: values.clamp(min=0).flip(0).sqrt()),
        "always d×d": _spectrum(which=lambda rows: rows.T @ rows),
        "always n×n": _spectrum(which=lambda rows: rows @ rows.T),
        "shares of the sum": _spectrum(turn=lambda values: values.flip(0) / values.sum()),
    },
    "rank-exponent": {
        "the slope, with its sign": _slope(sign=1.0),
        "ranks from 1 whatever the first is": _slope(start=lambda first: 1),
        "ranks from 0": _slope(start=lambda first: first - 1),
        "one rank too few": _slope(chosen=lambda v, first, last: v[first - 1 : last - 1]),
        "indices for ranks": _slope(chosen=lambda v, first, last: v[first : last + 1]),
        "all ranks": _slope(chosen=lambda v, first, last: v, start=lambda first: 1),
        "half a logarithm": _slope(x_of=lambda ranks: ranks),
        "no logarithm": _slope(x_of=lambda ranks: ranks, y_of=lambda values: values),
        "two bases": _slope(x_of=torch.log10),
        "first and last only": _slope(fit=_by_ends),
        "x on y": _slope(fit=_other_way_round),
        "through the origin": _slope(fit=_through_zero),
    },
    "participation-ratio": {
        "not centered": _taking_part(center=lambda rows: rows),
        "the features' variances only": _taking_part(squares=lambda c: c.diagonal().square().sum()),
        "upside down": _taking_part(ratio=lambda trace, squares: squares / trace**2),
        "no square": _taking_part(ratio=lambda trace, squares: trace / squares),
        "a root": _taking_part(ratio=lambda trace, squares: trace / squares.sqrt()),
        "a tensor": _taking_part(kind=lambda value: value),
        "the sum of all entries": _taking_part(squares=lambda c: c.sum() ** 2),
        "each sample centered": _taking_part(center=lambda r: r - r.mean(dim=1, keepdim=True)),
    },
    "likelihood-exponent": {
        "without the 1": _likelihood(plus=0.0),
        "log10": _likelihood(log=torch.log10),
        "all values counted": _likelihood(count=lambda kept, values: len(values)),
        "nothing left out": _likelihood(kept=lambda values, x_min: values),
        "above x_min only": _likelihood(kept=lambda values, x_min: values[values > x_min]),
        "the smallest value for x_min": _its_own_x_min,
        "n − 1": _likelihood(count=lambda kept, values: len(kept) - 1),
        "the estimate over √n": _likelihood(error=lambda less, n: (1 + less) / n**0.5),
        "over n": _likelihood(error=lambda less, n: less / n),
        "the variance": _likelihood(error=lambda less, n: less**2 / n),
    },
    "mend-likelihood": {
        "as it was": _alpha(_first, lambda largest, values: values.min(), lambda gamma: gamma),
        "only the order": _alpha(x_min=lambda largest, values: values.min(), convert=lambda g: g),
        "only the formula": _alpha(_first, lambda largest, values: values.min()),
        "not the order": _alpha(_first),
        "not x_min": _alpha(x_min=lambda largest, values: values.min()),
        "not the formula": _alpha(convert=lambda gamma: gamma),
        "the smallest positive one": _alpha(x_min=_positive_minimum),
        "γ − 1": _alpha(convert=lambda gamma: gamma - 1),
        "1/γ": _alpha(convert=lambda gamma: 1 / gamma),
        "1 − 1/γ": _alpha(convert=lambda gamma: 1 - 1 / gamma),
    },
    "two-nn": {
        "repeated points counted": _dimension(unique=lambda points: points),
        "the default cdist, far from zero": _dimension(center=lambda points: points),
        "the point itself for a neighbor": _dimension(ratio=lambda near: near[:, 1] / near[:, 0]),
        "third over second": _dimension(ratio=lambda near: near[:, 3] / near[:, 2]),
        "third over first": _dimension(ratio=lambda near: near[:, 3] / near[:, 1]),
        "first over second": _dimension(ratio=lambda near: near[:, 1] / near[:, 2]),
        "the logarithm of the mean": _dimension(estimate=lambda ratios: 1 / ratios.mean().log()),
        "the mean of the logarithm": _dimension(estimate=lambda ratios: ratios.log().mean()),
        "one more": _dimension(estimate=lambda ratios: 1 + 1 / ratios.log().mean()),
        "the median": _dimension(estimate=lambda ratios: 1 / ratios.log().median()),
        "a line through the origin": _dimension(estimate=_by_the_line),
        "city blocks": _dimension(p=1.0),
    },
    "sign-attack": {
        "no sign": _attack(step=lambda gradient: gradient),
        "downhill": _attack(sign=-1.0),
        "never clipped": _attack(clip=lambda moved, images, e: moved),
        "clipped to −1 and 1": _attack(clip=lambda moved, images, e: moved.clamp(-1, 1)),
        "clipped below only": _attack(clip=lambda moved, images, e: moved.clamp(min=0)),
        "the step clipped": _attack(clip=lambda m, images, e: images + (m - images).clamp(-e, e)),
        "a step of length epsilon": _attack(step=lambda g: g / g.norm()),
        "the network's own answer": _attack(of=lambda logits, labels: logits.argmax(1)),
        "the first class": _attack(of=lambda logits, labels: torch.zeros_like(labels)),
        "the right logit": _attack(
            loss=lambda logits, labels: logits.gather(1, labels[:, None]).sum()
        ),
        "zero_grad and backward": _attack_by_backward,
        "in place": _attack_in_place,
        "the caller's images require a gradient": _attack_on_the_caller_s,
        "still on the graph": _attack_with_graph,
    },
}

# Mutants of the solutions that are right all the same, by their descriptions.
EQUIVALENT: dict[str, set[str]] = {
    # of a square table both products do; and a vector has one dimension, a table's last is 1
    "covariance-spectrum": {
        "line 11: features >= samples -> features > samples",
        "line 13: 0 -> -1",
    },
    "two-nn": {
        "line 11: torch.cdist(cloud, cloud).sort(dim=1) -> torch.cdist(cloud, cloud).sort()"
    },
}
