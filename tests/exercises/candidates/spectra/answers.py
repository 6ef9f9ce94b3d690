"""Right and wrong answers to the exercises of chapter 11."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


def _centered(outputs: Tensor) -> Tensor:
    return outputs - outputs.mean(dim=0)


# covariance-spectrum


def _spectrum(
    center: Callable[[Tensor], Tensor] = _centered,
    less: int = 1,
    turn: Callable[[Tensor], Tensor] = lambda values: values.flip(0),
    which: Callable[[Tensor], Tensor] = lambda rows: (
        rows.T @ rows if rows.shape[0] >= rows.shape[1] else rows @ rows.T
    ),
) -> Callable[[Tensor], Tensor]:
    def eigenspectrum(outputs: Tensor) -> Tensor:
        product = which(center(outputs)) / (len(outputs) - less)
        return turn(torch.linalg.eigvalsh(product))

    return eigenspectrum


def _spectrum_by_singular_values(outputs: Tensor) -> Tensor:
    return torch.linalg.svdvals(_centered(outputs)) ** 2 / (len(outputs) - 1)


def _spectrum_by_cov(outputs: Tensor) -> Tensor:
    """All d eigenvalues of torch's covariance, and as many of them as are asked for."""
    values = torch.linalg.eigh(torch.cov(outputs.T))[0]
    return values.sort(descending=True).values[: min(outputs.shape)]


# rank-exponent


def _slope(
    x_of: Callable[[Tensor], Tensor] = torch.log,
    y_of: Callable[[Tensor], Tensor] = torch.log,
    sign: float = -1.0,
    chosen: Callable[[Tensor, int, int], Tensor] = lambda v, first, last: v[first - 1 : last],
    start: Callable[[int], int] = lambda first: first,
    fit: Callable[[Tensor, Tensor], Any] | None = None,
) -> Callable[[Tensor, int, int], float]:
    def rank_exponent(eigenvalues: Tensor, first: int, last: int) -> float:
        values = chosen(eigenvalues, first, last)
        ranks = torch.arange(start(first), start(first) + len(values), dtype=values.dtype)
        return sign * float((fit or _least_squares)(x_of(ranks), y_of(values)))

    return rank_exponent


def _least_squares(x: Tensor, y: Tensor) -> Tensor:
    return ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()


def _by_lstsq(x: Tensor, y: Tensor) -> Tensor:
    table = torch.stack([x, torch.ones_like(x)], dim=1)
    return torch.linalg.lstsq(table, y[:, None]).solution[0, 0]


def _by_polyfit(x: Tensor, y: Tensor) -> Any:
    return np.polyfit(x.numpy(), y.numpy(), 1)[0]


def _by_ends(x: Tensor, y: Tensor) -> Tensor:
    return (y[-1] - y[0]) / (x[-1] - x[0])


def _other_way_round(x: Tensor, y: Tensor) -> Tensor:
    return 1 / _least_squares(y, x)


def _through_zero(x: Tensor, y: Tensor) -> Tensor:
    return (x * y).sum() / x.square().sum()


# participation-ratio


def _taking_part(
    center: Callable[[Tensor], Tensor] = _centered,
    squares: Callable[[Tensor], Tensor] = lambda c: c.square().sum(),
    ratio: Callable[[Tensor, Tensor], Tensor] = lambda trace, squares: trace**2 / squares,
    kind: Callable[[Tensor], Any] = float,
) -> Callable[[Tensor], Any]:
    def participation_ratio(outputs: Tensor) -> Any:
        rows = center(outputs)
        covariance = rows.T @ rows / (len(rows) - 1)
        return kind(ratio(covariance.trace(), squares(covariance)))

    return participation_ratio


def _taking_part_by_samples(outputs: Tensor) -> float:
    """By the inner products of the samples."""
    rows = _centered(outputs)
    products = rows @ rows.T
    return float(products.diagonal().sum().square() / products.pow(2).sum())


def _taking_part_by_cov(outputs: Tensor) -> float:
    covariance = torch.cov(outputs.T)
    return (covariance.trace().square() / torch.einsum("ij,ij->", covariance, covariance)).item()


# likelihood-exponent


def _likelihood(
    kept: Callable[[Tensor, float], Tensor] = lambda values, x_min: values[values >= x_min],
    log: Callable[[Tensor], Tensor] = torch.log,
    count: Callable[[Tensor, Tensor], int] = lambda kept, values: len(kept),
    plus: float = 1.0,
    error: Callable[[float, int], float] = lambda less, n: less / n**0.5,
) -> Callable[[Tensor, float], Any]:
    def likelihood_exponent(values: Tensor, x_min: float) -> Any:
        chosen = kept(values, x_min)
        n = count(chosen, values)
        less = n / float(log(chosen / x_min).sum())
        return plus + less, error(less, n)

    return likelihood_exponent


def _likelihood_in_a_loop(values: Tensor, x_min: float) -> tuple[float, float]:
    total, n = 0.0, 0
    for value in values.tolist():
        if value >= x_min:
            total, n = total + math.log(value) - math.log(x_min), n + 1
    return 1 + n / total, math.sqrt(n) / total


def _its_own_x_min(values: Tensor, x_min: float) -> tuple[float, float]:
    answer: tuple[float, float] = _likelihood()(values, values.min().item())
    return answer


# mend-likelihood


def _alpha(
    largest: Callable[[Tensor, int], Tensor] = lambda values, count: values[-count:],
    x_min: Callable[[Tensor, Tensor], Tensor] = lambda largest, values: largest.min(),
    convert: Callable[[float], float] = lambda gamma: 1 / (gamma - 1),
) -> Callable[[Tensor, int], float]:
    def alpha_by_likelihood(eigenvalues: Tensor, count: int) -> float:
        chosen = largest(eigenvalues, count)
        start = x_min(chosen, eigenvalues)
        return convert(1 + count / (chosen / start).log().sum().item())

    return alpha_by_likelihood


def _alpha_by_mean(eigenvalues: Tensor, count: int) -> float:
    logs = eigenvalues.topk(count).values.log()
    return (logs.mean() - logs.min()).item()


def _alpha_in_a_loop(eigenvalues: Tensor, count: int) -> float:
    ordered = sorted(eigenvalues.tolist(), reverse=True)[:count]
    return sum(math.log(value / ordered[-1]) for value in ordered) / count


def _first(values: Tensor, count: int) -> Tensor:
    return values[:count]


def _positive_minimum(largest: Tensor, values: Tensor) -> Tensor:
    return values[values > 0].min()


# two-nn


def _dimension(
    unique: Callable[[Tensor], Tensor] = lambda points: points.unique(dim=0),
    center: Callable[[Tensor], Tensor] = _centered,
    ratio: Callable[[Tensor], Tensor] = lambda near: near[:, 2] / near[:, 1],
    estimate: Callable[[Tensor], Tensor] = lambda ratios: 1 / ratios.log().mean(),
    p: float = 2.0,
) -> Callable[[Tensor], float]:
    def two_nn(points: Tensor) -> float:
        different = center(unique(points))
        near = torch.cdist(different, different, p=p).sort(dim=1).values
        return float(estimate(ratio(near)))

    return two_nn


def _dimension_by_differences(points: Tensor) -> float:
    different = points.unique(dim=0)
    distances = (different[:, None] - different[None]).norm(dim=2)
    distances.fill_diagonal_(math.inf)
    near = distances.topk(2, largest=False).values.log()
    return len(near) / (near[:, 1] - near[:, 0]).sum().item()


def _dimension_in_a_loop(points: Tensor) -> float:
    rows = sorted(set(map(tuple, points.tolist())))
    total = 0.0
    for row in rows:
        first, second = sorted(math.dist(row, other) for other in rows if other != row)[:2]
        total += math.log(second / first)
    return len(rows) / total


def _by_the_line(ratios: Tensor) -> Tensor:
    """Facco's fit through the origin, all but the last tenth."""
    kept = int(0.9 * len(ratios))
    x = ratios.log().sort().values[:kept]
    y = -torch.log1p(-torch.arange(1, kept + 1, dtype=x.dtype) / len(ratios))
    return (x * y).sum() / x.square().sum()


# sign-attack


def _attack(
    step: Callable[[Tensor], Tensor] = torch.sign,
    sign: float = 1.0,
    clip: Callable[[Tensor, Tensor, float], Tensor] = lambda moved, images, e: moved.clamp(0, 1),
    of: Callable[[Tensor, Tensor], Tensor] = lambda logits, labels: labels,
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
) -> Callable[..., Tensor]:
    def fgsm(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
        pixels = images.detach().clone().requires_grad_()
        logits = model(pixels)
        value = loss(logits, of(logits, labels))
        (gradient,) = torch.autograd.grad(value, [pixels])
        return clip(images + sign * epsilon * step(gradient), images, epsilon)

    return fgsm


def _attack_by_hand(model: Any, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """The chain rule written out: softmax minus one-hot, back through every layer."""
    first, second = model[1], model[3]
    with torch.no_grad():
        hidden = torch.tanh(first(images.flatten(1)))
        slope = second(hidden).softmax(1) - F.one_hot(labels, len(second.bias))
        back = (slope @ second.weight * (1 - hidden**2)) @ first.weight
        return (images + epsilon * back.sign().reshape(images.shape)).clamp(0, 1)


def _attack_parameters_frozen(model: Any, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """backward(), with the parameters' own gradients kept aside."""
    kept = [parameter.grad for parameter in model.parameters()]
    model.zero_grad()  # sets them to None; backward() adds to what is there
    pixels = images.clone().requires_grad_()
    F.cross_entropy(model(pixels), labels, reduction="sum").backward()
    for parameter, grad in zip(model.parameters(), kept, strict=True):
        parameter.grad = grad
    assert pixels.grad is not None
    return (images + epsilon * pixels.grad.sign()).clamp(0, 1)


def _attack_by_backward(model: Any, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """What most tutorials show: it adds to the parameters' gradients, or forgets them."""
    model.zero_grad()
    pixels = images.clone().requires_grad_()
    F.cross_entropy(model(pixels), labels).backward()
    assert pixels.grad is not None
    return (images + epsilon * pixels.grad.sign()).clamp(0, 1)


def _attack_in_place(model: Any, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    moved = _attack()(model, images, labels, epsilon)
    return images.copy_(moved)


def _attack_on_the_caller_s(model: Any, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """The caller's images are told to require a gradient; what is returned does not."""
    images.requires_grad_()
    loss = F.cross_entropy(model(images), labels)
    (gradient,) = torch.autograd.grad(loss, images)
    return (images + epsilon * gradient.sign()).clamp(0, 1).detach()


def _attack_with_graph(model: Any, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """The step is added to the copy that requires a gradient."""
    pixels = images.clone().requires_grad_()
    loss = F.cross_entropy(model(pixels), labels)
    (gradient,) = torch.autograd.grad(loss, pixels)
    return (pixels + epsilon * gradient.sign()).clamp(0, 1)
