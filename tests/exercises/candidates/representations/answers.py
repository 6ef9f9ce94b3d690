"""Right and wrong answers to the exercises of chapter 9."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

# gather-features


def _layer_by_layer(network: nn.Sequential, depth: int, images: Tensor, batch_size: int) -> Tensor:
    """A table made beforehand, filled batch by batch."""
    modes = {part: part.training for part in network.modules()}
    network.eval()
    filled, start = None, 0
    with torch.inference_mode():
        while start < len(images):
            value = images[start : start + batch_size]
            for layer in list(network)[:depth]:
                value = layer(value)
            value = value.reshape(len(value), -1)
            if filled is None:
                filled = torch.empty(len(images), value.shape[1])
            filled[start : start + len(value)] = value
            start += len(value)
    for part, mode in modes.items():
        part.training = mode
    assert filled is not None
    return filled.clone()


def _one_by_one(network: nn.Sequential, depth: int, images: Tensor, batch_size: int) -> Tensor:
    was = network.training
    network.train(False)
    rows = [network[:depth](image[None]).detach().flatten() for image in images]
    network.train(was)
    return torch.stack(rows)


def _by_hook(network: nn.Sequential, depth: int, images: Tensor, batch_size: int) -> Tensor:
    rows: list[Tensor] = []
    was = network.training
    handle = network[depth - 1].register_forward_hook(
        lambda module, inputs, output: rows.append(output.detach().clone().flatten(1))
    )
    network.eval()
    for batch in images.split(batch_size):
        network(batch)
    network.train(was)
    handle.remove()
    return torch.cat(rows)


def _gather(
    mode: bool | None = False,
    restore: bool | None = None,
    batches: Callable[[Tensor, int], Any] = lambda images, size: images.split(size),
    keep: Callable[[Tensor], Tensor] = lambda rows: rows.detach(),
    depth_off: int = 0,
    flat: int = 1,
) -> Callable[..., Tensor]:
    """The right one, tampered with. ``mode`` None: as found; ``restore`` None: as found."""

    def gather(network: nn.Sequential, depth: int, images: Tensor, batch_size: int) -> Tensor:
        was = network.training
        if mode is not None:
            network.train(mode)
        first = network[: depth + depth_off]
        rows = [keep(first(batch).flatten(flat)) for batch in batches(images, batch_size)]
        network.train(was if restore is None else restore)
        return torch.cat(rows)

    return gather


# pca-coordinates


def _pca(
    center: Callable[[Tensor], Tensor] = lambda x: x - x.mean(0),
    power: int = 2,
    total: Callable[[Tensor, int], Tensor] = lambda squares, k: squares.sum(),
    order: Callable[[Tensor, int], Tensor] = lambda v, k: v[:k],
    project: Callable[[Tensor, Tensor], Tensor] = lambda x, v: x @ v.T,
) -> Callable[..., Any]:
    def pca_coordinates(features: Tensor, k: int) -> tuple[Tensor, Tensor]:
        x = center(features)
        _, sizes, directions = torch.linalg.svd(x, full_matrices=False)
        squares = sizes**power
        return project(x, order(directions, k)), (squares / total(squares, k))[:k]

    return pca_coordinates


def _by_covariance(features: Tensor, k: int) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(torch.cov(features.T))
    values = values.flip(0)
    return (features - features.mean(0)) @ vectors.flip(1)[:, :k], values[:k] / values.sum()


def _by_gram(features: Tensor, k: int) -> tuple[Tensor, Tensor]:
    x = features - features.mean(0)
    values, vectors = torch.linalg.eigh(x @ x.T)
    values, vectors = values.flip(0), vectors.flip(1)
    return vectors[:, :k] * values[:k].clamp_min(0).sqrt(), values[:k] / values.sum()


def _in_numpy(features: Tensor, k: int) -> tuple[np.ndarray, np.ndarray]:
    x = features.numpy() - features.numpy().mean(0)
    left, sizes, _ = np.linalg.svd(x, full_matrices=False)
    shares = torch.from_numpy(sizes**2 / (sizes**2).sum())
    return torch.from_numpy(left * sizes)[:, :k], shares[:k]


def _lowrank(features: Tensor, k: int) -> tuple[Tensor, Tensor]:
    left, sizes, _ = torch.pca_lowrank(features, min(features.shape), center=True)
    return (left * sizes)[:, :k], (sizes**2 / (sizes**2).sum())[:k]


def _smallest_first(features: Tensor, k: int) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(torch.cov(features.T))
    return (features - features.mean(0)) @ vectors[:, :k], values[:k] / values.sum()


# neighborhood-purity


def _sample_by_sample(features: Tensor, labels: Tensor, k: int) -> Tensor:
    shares = []
    for i in range(len(features)):
        far = [((features[i] - features[j]) ** 2).sum().item() for j in range(len(features))]
        others = sorted((j for j in range(len(features)) if j != i), key=lambda j: far[j])
        shares.append(sum(int(labels[j] == labels[i]) for j in others[:k]) / k)
    return torch.tensor(shares)


def _by_sorting(features: Tensor, labels: Tensor, k: int) -> Tensor:
    gaps = (features[:, None] - features[None]).pow(2).sum(-1)
    gaps = gaps + torch.diag(torch.full((len(features),), 1e9))
    near = gaps.argsort(dim=1)[:, :k]
    return labels[near].eq(labels.unsqueeze(1)).to(torch.float32).mean(1)


def _purity(
    own: float | None = torch.inf,
    largest: bool = False,
    extra: int = 0,
    start: int = 0,
    p: float = 2.0,
    mean: Callable[[Tensor], Tensor] = lambda same: same.float().mean(1),
    whose: Callable[[Tensor], Tensor] = lambda labels: labels[:, None],
) -> Callable[..., Tensor]:
    def purity(features: Tensor, labels: Tensor, k: int) -> Tensor:
        distances = torch.cdist(features, features, p=p)
        if own is not None:
            distances.fill_diagonal_(own)
        near = distances.topk(k + extra, largest=largest).indices[:, start:]
        return mean(labels[near] == whose(labels))

    return purity


# class-separability


def _by_one_hot(features: Tensor, labels: Tensor) -> Tensor:
    same = (labels[:, None] == labels[None]).to(features.dtype)
    means = same @ features / same.sum(1, keepdim=True)
    return (means - features.mean(0)).square().sum() / (features - features.mean(0)).square().sum()


def _by_what_is_left(features: Tensor, labels: Tensor) -> float:
    """One minus the share within the classes."""
    within = sum(
        (features[labels == c] - features[labels == c].mean(0)).square().sum()
        for c in labels.unique()
    )
    return float(1 - within / (features.var(0, correction=0).sum() * len(features)))


def _separability(
    weight: Callable[[Tensor], float] = len,
    center: Callable[[Tensor, Tensor], Tensor] = lambda x, labels: x.mean(0),
    total: Callable[[Tensor], Tensor] = lambda x: (x - x.mean(0)).square().sum(),
    kinds: Callable[[Tensor], Any] = lambda labels: labels.unique(),
    finish: Callable[[Any, Any], Any] = lambda between, total: between / total,
) -> Callable[..., Any]:
    def separability(features: Tensor, labels: Tensor) -> Any:
        between: Any = 0.0
        for kind in kinds(labels):
            mine = features[labels == kind]
            gap = mine.mean(0) - center(features, labels)
            between = between + weight(mine) * gap.square().sum()
        return finish(between, total(features))

    return separability


def _mean_of_means(features: Tensor, labels: Tensor) -> Tensor:
    return torch.stack([features[labels == c].mean(0) for c in labels.unique()]).mean(0)


# probe-scores


def _dual(features: Tensor, labels: Tensor, others: Tensor, ridge: float) -> Tensor:
    """A kernel's way: n equations in place of d."""
    mean = features.mean(0)
    x, y = features - mean, torch.eye(int(labels.max()) + 1, dtype=features.dtype)[labels]
    strength = ridge * x.square().sum() / features.shape[1]
    solved = torch.linalg.solve(
        x @ x.T + strength * torch.eye(len(x), dtype=x.dtype), y - y.mean(0)
    )
    return (others - mean) @ x.T @ solved + y.mean(0)


def _as_more_rows(features: Tensor, labels: Tensor, others: Tensor, ridge: float) -> Tensor:
    """Least squares with the ridge written as d further samples, by a pseudoinverse."""
    mean, d = features.mean(0), features.shape[1]
    x, y = features - mean, F.one_hot(labels).to(features.dtype)
    root = (ridge * x.square().mean() * len(x)).sqrt()
    longer = torch.cat([x, root * torch.eye(d, dtype=x.dtype)])
    targets = torch.cat([y - y.mean(0), torch.zeros(d, y.shape[1], dtype=x.dtype)])
    weight = torch.linalg.pinv(longer) @ targets
    return (others - mean) @ weight + y.mean(0)


def _scores(
    strength: Callable[[Tensor, float], Any] = lambda x, ridge: (
        ridge * x.square().sum() / x.shape[1]
    ),
    others_mean: Callable[[Tensor, Tensor], Any] = lambda features, others: features.mean(0),
    mean: Callable[[Tensor], Any] = lambda features: features.mean(0),
    level: Callable[[Tensor], Any] = lambda y: y.mean(0),
    finish: Callable[[Tensor], Tensor] = lambda scores: scores,
) -> Callable[..., Tensor]:
    def probe_scores(features: Tensor, labels: Tensor, others: Tensor, ridge: float) -> Tensor:
        x = features - mean(features)
        y = F.one_hot(labels).to(features.dtype)
        held = x.T @ x + strength(x, ridge) * torch.eye(x.shape[1], dtype=x.dtype)
        weight = torch.linalg.solve(held, x.T @ y)
        return finish((others - others_mean(features, others)) @ weight + level(y))

    return probe_scores


def _column_of_ones(features: Tensor, labels: Tensor, others: Tensor, ridge: float) -> Tensor:
    """The bias as one more weight, which the ridge then holds back too."""
    x = torch.cat([features, torch.ones(len(features), 1, dtype=features.dtype)], 1)
    z = torch.cat([others, torch.ones(len(others), 1, dtype=features.dtype)], 1)
    strength = ridge * (features - features.mean(0)).square().sum() / features.shape[1]
    held = x.T @ x + strength * torch.eye(x.shape[1], dtype=x.dtype)
    return z @ torch.linalg.solve(held, x.T @ F.one_hot(labels).to(x.dtype))


# linear-cka, debiased-cka


def _by_singular_values(x: Tensor, y: Tensor) -> Tensor:
    x, y = x - x.mean(0), y - y.mean(0)
    sizes = [torch.linalg.svdvals(matrix) for matrix in (x.T @ y, x.T @ x, y.T @ y)]
    cross, one, two = (size.square().sum() for size in sizes)
    return cross / (one * two).sqrt()


def _by_einsum(x: Tensor, y: Tensor) -> float:
    x, y = x - x.mean(0, keepdim=True), y - y.mean(0, keepdim=True)

    def total(a: Tensor, b: Tensor) -> Tensor:
        return torch.einsum("ni,nj->ij", a, b).pow(2).sum()

    return (total(x, y) / total(x, x).sqrt() / total(y, y).sqrt()).item()


def _by_gram_matrices(x: Tensor, y: Tensor) -> Tensor:
    x, y = x - x.mean(0), y - y.mean(0)
    k, m = x @ x.T, y @ y.T
    return (k * m).sum() / (k.norm() * m.norm())


def _cka(
    center: Callable[[Tensor], Tensor] = lambda x: x - x.mean(0),
    finish: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda cross, one, two: (
        cross**2 / (one * two)
    ),
) -> Callable[..., Tensor]:
    def linear_cka(x: Tensor, y: Tensor) -> Tensor:
        x, y = center(x), center(y)
        return finish((x.T @ y).norm(), (x.T @ x).norm(), (y.T @ y).norm())

    return linear_cka


def _by_trace(x: Tensor, y: Tensor) -> Tensor:
    """Song's formula as it stands in the paper, with traces and vectors of ones."""
    n = len(x)
    ones = torch.ones(n, dtype=x.dtype)
    mask = 1 - torch.eye(n, dtype=x.dtype)

    def hsic(a: Tensor, b: Tensor) -> Tensor:
        first = torch.trace(a @ b)
        second = (ones @ a @ ones) * (ones @ b @ ones) / (n - 1) / (n - 2)
        return (first + second - 2 * (ones @ a @ b @ ones) / (n - 2)) / (n * (n - 3))

    k, m = (x @ x.T) * mask, (y @ y.T) * mask
    return hsic(k, m) / torch.sqrt(hsic(k, k) * hsic(m, m))


def _by_u_centering(x: Tensor, y: Tensor) -> float:
    """Székely and Rizzo's: rows and columns centered without the diagonal, then a cosine."""

    def centered(x: Tensor) -> Tensor:
        n, k = len(x), x @ x.T
        k.fill_diagonal_(0)
        rows = k.sum(1) / (n - 2)
        k = k - rows[:, None] - rows[None] + k.sum() / ((n - 1) * (n - 2))
        return k.fill_diagonal_(0)

    k, m = centered(x), centered(y)
    return ((k * m).sum() / (k.norm() * m.norm())).item()


def _debiased(
    diagonal: float | None = 0.0,
    second: Callable[[int], float] = lambda n: 1 / ((n - 1) * (n - 2)),
    third: Callable[[int], float] = lambda n: 2 / (n - 2),
    finish: Callable[[Any, Any, Any], Any] = lambda cross, one, two: cross / (one * two) ** 0.5,
    center: Callable[[Tensor], Tensor] = lambda x: x,
) -> Callable[..., Any]:
    def debiased_cka(x: Tensor, y: Tensor) -> Any:
        n = len(x)

        def kernel(x: Tensor) -> Tensor:
            k = center(x) @ center(x).T
            return k if diagonal is None else k.fill_diagonal_(diagonal)

        def u(k: Tensor, m: Tensor) -> Tensor:
            sums = k.sum() * m.sum() * second(n)
            return (k * m).sum() + sums - third(n) * (k.sum(0) @ m.sum(0))

        k, m = kernel(x), kernel(y)
        return finish(u(k, m), u(k, k), u(m, m))

    return debiased_cka
