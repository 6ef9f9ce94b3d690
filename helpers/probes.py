"""What a layer's outputs hold, as numbers: neighbors, classes, what a linear layer can read.

All take features of shape ``(n, d)``, a row for each sample, on any device and of any
floating-point dtype; half precision is computed in float32. Outputs of another shape are
flattened first: ``outputs.flatten(start_dim=1)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

#: Samples whose distances to all others are held at once.
_ROWS = 1024


def knn_purity(features: Tensor, labels: Tensor, k: int = 10) -> Tensor:
    """Of each sample's nearest neighbors, the share that has its label.

    Parameters
    ----------
    features
        Shape ``(n, d)``, a floating-point dtype. Near is meant in the Euclidean distance.
    labels
        Shape ``(n,)``.
    k
        How many neighbors, from 1 to ``n - 1``; a sample is not its own neighbor.

    Returns
    -------
    Tensor
        Shape ``(n,)``, from 0 to 1, in the features' dtype. Its mean is the purity of them all.

    Raises
    ------
    ValueError
        If a shape or dtype is wrong, or there are not so many neighbors.

    Notes
    -----
    Distances are computed for 1,024 samples at a time, so memory grows with ``n`` and not with
    its square.
    """
    _check_labels(features, labels)
    if not 1 <= k < len(features):
        raise ValueError(f"k is {k}; allowed: 1 to {len(features) - 1}, the other samples")
    centered = _centered(features)  # the further from 0, the fewer digits a distance has left
    shares = []
    for start in range(0, len(centered), _ROWS):
        rows = centered[start : start + _ROWS]
        distances = torch.cdist(rows, centered)
        own = torch.arange(len(rows), device=rows.device)
        distances[own, own + start] = torch.inf
        near = distances.topk(k, largest=False).indices
        same = labels[near] == labels[start : start + _ROWS, None]
        shares.append(same.to(features.dtype).mean(dim=1))
    return torch.cat(shares)


def separability(features: Tensor, labels: Tensor) -> Tensor:
    """The share of the features' variance that lies between the classes' means.

    Parameters
    ----------
    features
        Shape ``(n, d)``, a floating-point dtype.
    labels
        Shape ``(n,)``; any whole numbers.

    Returns
    -------
    Tensor
        A single number: 0 if all classes have one mean, 1 if each class is one point. 0 also
        where nothing varies.

    Raises
    ------
    ValueError
        If a shape or dtype is wrong.

    Notes
    -----
    With class means m_c of n_c samples each and the mean m of all:
    Σ n_c ‖m_c − m‖² / Σ ‖x_i − m‖². Both are traces of Fisher's scatter matrices. By chance alone
    it is about (classes − 1) / (n − 1), not 0.
    """
    _check_labels(features, labels)
    centered = _centered(features)
    _, own = labels.unique(return_inverse=True)
    classes = torch.nn.functional.one_hot(own).to(centered.dtype)
    means = classes.mT @ centered / classes.sum(dim=0)[:, None]
    total = centered.square().sum()
    between = means[own].square().sum()
    return torch.where(total > 0, between / total, 0.0).to(features.dtype)


@dataclass(frozen=True)
class LinearProbe:
    """A linear classifier that reads labels from features.

    Attributes
    ----------
    weight
        Shape ``(classes, d)``.
    bias
        Shape ``(classes,)``.
    """

    weight: Tensor
    bias: Tensor

    def scores(self, features: Tensor) -> Tensor:
        """Shape ``(n, classes)``: the greatest is the class that is told."""
        return features @ self.weight.mT + self.bias

    def accuracy(self, features: Tensor, labels: Tensor) -> float:
        """The share of samples told right."""
        return (self.scores(features).argmax(dim=1) == labels).double().mean().item()


def linear_probe(features: Tensor, labels: Tensor, ridge: float = 0.01) -> LinearProbe:
    """Fit a linear classifier to features, by least squares with a ridge.

    Parameters
    ----------
    features
        Shape ``(n, d)``, a floating-point dtype. Score it on *other* samples.
    labels
        Shape ``(n,)``, int64, from 0.
    ridge
        How strongly the weights are held back, in units of the features' mean variance; more
        than 0.

    Returns
    -------
    LinearProbe
        On the features' device, in their dtype.

    Raises
    ------
    ValueError
        If a shape or dtype is wrong, or ``ridge`` is not positive.

    Notes
    -----
    With centered features X and centered one-hot labels Y: W = (XᵀX + λI)⁻¹ XᵀY with
    λ = ridge · trace(XᵀX) / d. The scores do not change if the features are shifted, rotated or
    multiplied by a number, so layers of different scale can be compared. With fewer samples than
    features the same W is computed as Xᵀ (XXᵀ + λI)⁻¹ Y.

    References
    ----------
    G. Alain and Y. Bengio, *Understanding intermediate layers using linear classifier probes*
    (2016), who use logistic regression.
    """
    _check_labels(features, labels)
    if not ridge > 0:
        raise ValueError(f"ridge is {ridge}; allowed: more than 0")
    if labels.dtype != torch.int64 or labels.min() < 0:
        raise ValueError("labels holds other than classes; allowed: int64 from 0")
    mean, count = _wide(features).mean(dim=0), min(features.shape)
    x = features - mean
    y = torch.nn.functional.one_hot(labels).to(x.dtype)
    level = y.mean(dim=0)
    strength = ridge * x.square().sum() / features.shape[1]
    strength = strength.clamp_min(torch.finfo(x.dtype).tiny)  # where nothing varies
    held = strength * torch.eye(count, dtype=x.dtype, device=x.device)
    if features.shape[1] <= len(features):
        weight = torch.linalg.solve(x.mT @ x + held, x.mT @ (y - level))
    else:
        weight = x.mT @ torch.linalg.solve(x @ x.mT + held, y - level)
    bias = level - mean @ weight
    return LinearProbe(weight.mT.contiguous().to(features.dtype), bias.to(features.dtype))


def cka(x: Tensor, y: Tensor, *, debiased: bool = True) -> Tensor:
    """How alike two representations of the same samples are: linear CKA.

    Parameters
    ----------
    x, y
        Shapes ``(…, n, d)`` and ``(…, n, e)``, one floating-point dtype: row i of both belongs to
        sample i. At least two samples, four if debiased. ``d`` and ``e`` need not be equal.
    debiased
        Leave out every sample's product with itself, which makes representations alike that are
        not, the more so the more features there are.

    Returns
    -------
    Tensor
        Shape ``(…)``. From 0 to 1; debiased from −1 to 1, and near 0 for independent ones. It
        does not change if either representation is shifted, rotated or multiplied by a number.
        NaN where a representation does not vary.

    Raises
    ------
    ValueError
        If shapes or dtypes do not go together.

    Notes
    -----
    ‖XᵀY‖² / (‖XᵀX‖ ‖YᵀY‖) for centered X and Y; debiased, each of the three is replaced by the
    unbiased estimate of Song et al. The n×n matrices XXᵀ and YYᵀ in terms of which both are
    defined are made only where they are smaller than XᵀY.

    References
    ----------
    S. Kornblith, M. Norouzi, H. Lee and G. Hinton, *Similarity of Neural Network Representations
    Revisited* (2019); L. Song et al., *Feature Selection via Dependence Maximization* (2012).

    Examples
    --------
    >>> x = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
    >>> round(cka(x, 3 * x.flip(dims=[1]) + 1).item(), 4)
    1.0
    """
    least = 4 if debiased else 2
    for name, value in (("x", x), ("y", y)):
        if value.ndim < 2 or value.shape[:-1] != x.shape[:-1] or value.shape[-2] < least:
            raise ValueError(
                f"{name} has shape {tuple(value.shape)}; allowed: (…, n, features) with the same "
                f"{least} or more samples in x and y"
            )
        if not value.is_floating_point() or value.dtype != x.dtype:
            raise ValueError(f"{name} is {value.dtype}; allowed: one floating-point dtype for both")
    dtype, (x, y) = x.dtype, (_scaled(_centered(value)) for value in (x, y))
    measure = _unbiased_hsic if debiased else _cross
    return (measure(x, y) / (measure(x, x) * measure(y, y)).sqrt()).to(dtype)


def _cross(x: Tensor, y: Tensor) -> Tensor:
    """‖XᵀY‖², which is also the sum of the products of XXᵀ's and YYᵀ's entries."""
    count = x.shape[-2]
    if x.shape[-1] * y.shape[-1] <= count * count:
        return (x.mT @ y).square().sum(dim=(-2, -1))
    return ((x @ x.mT) * (y @ y.mT)).sum(dim=(-2, -1))


def _unbiased_hsic(x: Tensor, y: Tensor) -> Tensor:
    """Song's estimate for linear kernels, times n(n − 3), which cancels."""
    n = x.shape[-2]
    own_x, own_y = x.square().sum(dim=-1), y.square().sum(dim=-1)  # the diagonals of XXᵀ, YYᵀ
    # Rows of the centered XXᵀ add up to 0, so without its diagonal to minus that.
    both = _cross(x, y) - (own_x * own_y).sum(dim=-1)
    totals = own_x.sum(dim=-1) * own_y.sum(dim=-1) / ((n - 1) * (n - 2))
    return both + totals - 2 / (n - 2) * (own_x * own_y).sum(dim=-1)


def _wide(features: Tensor) -> Tensor:
    return features.to(torch.promote_types(features.dtype, torch.float32))


def _centered(features: Tensor) -> Tensor:
    return features - _wide(features).mean(dim=-2, keepdim=True)


def _scaled(features: Tensor) -> Tensor:
    """Of size 1, so that the fourth powers of small features do not vanish."""
    size = features.square().mean(dim=(-2, -1), keepdim=True).sqrt()
    return features / torch.where(size > 0, size, 1)


def _check_labels(features: Tensor, labels: Tensor) -> None:
    if features.ndim != 2 or not features.numel():
        shape = tuple(features.shape)
        raise ValueError(f"features has shape {shape}; allowed: (samples, features), not empty")
    if not features.is_floating_point():
        raise ValueError(f"features is {features.dtype}; allowed: a floating-point dtype")
    if labels.shape != features.shape[:1]:
        raise ValueError(
            f"labels has shape {tuple(labels.shape)}; allowed: ({len(features)},), one a sample"
        )
