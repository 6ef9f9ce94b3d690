"""Many features in two: principal components, computed by torch, and t-SNE, by scikit-learn.

`pca` is a linear map that one can write down, apply to other samples and undo. `tsne` is none of
that: it places the samples given, and only those, and keeps who is near whom.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class PCA:
    """The principal components of some samples; called, it gives others' coordinates.

    Attributes
    ----------
    mean
        Shape ``(d,)``: the mean sample.
    directions
        Shape ``(components, d)``: orthonormal rows, that of the greatest variance first. The
        entry of the greatest size in each is positive.
    variances
        Shape ``(components,)``: of the samples along each direction, divided by ``n - 1``.
    shares
        The same as shares of the variance in all directions together.
    """

    mean: Tensor
    directions: Tensor
    variances: Tensor
    shares: Tensor

    def __call__(self, features: Tensor) -> Tensor:
        """Coordinates, of shape ``(…, components)``, of features of shape ``(…, d)``."""
        return (features - self.mean) @ self.directions.mT

    def inverse(self, coordinates: Tensor) -> Tensor:
        """Features, of shape ``(…, d)``: the nearest that these components can say."""
        return coordinates @ self.directions + self.mean


def pca(features: Tensor, components: int = 2) -> PCA:
    """The directions in which samples vary most.

    Parameters
    ----------
    features
        Shape ``(n, d)``, a floating-point dtype, on any device; at least two samples.
    components
        How many directions, from 1 to the smaller of ``n`` and ``d``.

    Returns
    -------
    PCA
        On the features' device, in their dtype.

    Raises
    ------
    ValueError
        If ``features`` is no table of at least two samples, or there are not so many components.

    Notes
    -----
    By the singular value decomposition of the centered features: the covariance matrix is never
    made, which would square the numbers and lose half of their digits.

    References
    ----------
    K. Pearson, *On lines and planes of closest fit to systems of points in space*, Philosophical
    Magazine 2 (1901).

    Examples
    --------
    >>> found = pca(torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]]), components=1)
    >>> found.directions
    tensor([[0.6000, 0.8000]])
    >>> found(torch.tensor([[3.0, 4.0]]))
    tensor([[0.]])
    """
    _check(features, least=2)
    most = min(features.shape)
    if not 1 <= components <= most:
        raise ValueError(f"components is {components}; allowed: 1 to {most}")
    wide = features.to(torch.promote_types(features.dtype, torch.float32))  # float16 has no SVD
    mean = wide.mean(dim=0)
    _, sizes, directions = torch.linalg.svd(wide - mean, full_matrices=False)
    variances = sizes.square() / (len(features) - 1)
    shares = variances / variances.sum().clamp_min(torch.finfo(sizes.dtype).tiny)
    chosen = directions[:components]
    greatest = chosen.gather(1, chosen.abs().argmax(dim=1, keepdim=True))
    turned = torch.where(greatest < 0, -chosen, chosen)  # else the sign is anybody's
    found = (mean, turned, variances[:components], shares[:components])
    return PCA(*(part.to(features.dtype) for part in found))


def tsne(
    features: Tensor,
    components: int = 2,
    *,
    perplexity: float = 30.0,
    seed: int = 0,
    reduce_to: int | None = 50,
) -> Tensor:
    """Places for samples on a plane, so that who was near stays near: t-SNE.

    Parameters
    ----------
    features
        Shape ``(n, d)``, a floating-point dtype, on any device; computed on the CPU.
    components
        Dimensions of the places, 1 to 3.
    perplexity
        About how many neighbors each sample keeps near; more than 0 and less than ``n``.
    seed
        The same seed gives the same places, on the same machine with the same libraries.
    reduce_to
        Features are first reduced to so many by `pca`, which takes away noise and time. None
        leaves them as they are.

    Returns
    -------
    Tensor
        Shape ``(n, components)``, on the features' device, in their dtype.

    Raises
    ------
    ValueError
        If ``features`` is no table, or ``components``, ``perplexity`` or ``reduce_to`` is not
        allowed.

    Notes
    -----
    Starts from the first principal components (``init="pca"``), so that what is far apart has a
    chance to remain so. The places' distances, sizes and directions mean little.

    References
    ----------
    L. van der Maaten and G. Hinton, *Visualizing Data using t-SNE*, Journal of Machine Learning
    Research 9 (2008); `sklearn.manifold.TSNE`.
    """
    _check(features, least=4)
    count = len(features)
    if not 1 <= components <= min(3, *features.shape):
        allowed = f"1 to {min(3, *features.shape)}"
        raise ValueError(f"components is {components}; allowed: {allowed}")
    if not 0 < perplexity < count:
        raise ValueError(f"perplexity is {perplexity}; allowed: between 0 and {count}, the samples")
    if reduce_to is not None and reduce_to < components:
        raise ValueError(f"reduce_to is {reduce_to}; allowed: {components} or more, or None")
    from sklearn.manifold import TSNE  # takes a second, so only when asked for

    values = features.detach().to("cpu", torch.float32)
    if reduce_to is not None and reduce_to < min(values.shape):
        values = pca(values, reduce_to)(values)
    model = TSNE(components, perplexity=perplexity, init="pca", random_state=seed)
    return torch.from_numpy(model.fit_transform(values.numpy())).to(features)


def _check(features: Tensor, least: int) -> None:
    if features.ndim != 2 or len(features) < least or not features.shape[1]:
        raise ValueError(
            f"features has shape {tuple(features.shape)}; allowed: (samples, features), with "
            f"{least} samples or more"
        )
    if not features.is_floating_point():
        raise ValueError(f"features is {features.dtype}; allowed: a floating-point dtype")
