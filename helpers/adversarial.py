"""Disturbed images: the fast gradient sign method, Gaussian noise, and accuracy under both.

A model is anything that takes images and gives logits: a module, a method, a function. Images are
pixels in [0, 1], and epsilon is in the same unit, so normalization belongs *inside* the model. The
model is used in the mode it is in: call ``eval()`` first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

#: From images, (N, …), to logits, (N, classes).
Model = Callable[[Tensor], Tensor]

#: The disturbances that `accuracy_curve` knows.
KINDS = ("fgsm", "noise")


def input_gradient(model: Model, images: Tensor, labels: Tensor) -> Tensor:
    """The gradient of each image's cross-entropy with respect to its own pixels.

    Parameters
    ----------
    model
        From images to logits. Its parameters' gradients are left alone.
    images
        Shape ``(N, …)``.
    labels
        Shape ``(N,)``, int64.

    Returns
    -------
    torch.Tensor
        The images' shape.

    Raises
    ------
    ValueError
        If no gradient reaches the images, or the lengths differ.
    """
    if len(images) != len(labels):
        raise ValueError(f"labels has {len(labels)} entries; allowed: {len(images)}, one an image")
    with torch.enable_grad():
        pixels = images.detach().clone().requires_grad_()
        # A sum: each image's gradient is then its own, however many there are in the batch.
        loss = F.cross_entropy(model(pixels), labels, reduction="sum")
        found = torch.autograd.grad(loss, pixels, allow_unused=True) if loss.requires_grad else ()
    if not found or found[0] is None:
        raise ValueError(
            "model gives logits through which no gradient reaches the images; allowed: one without "
            "detach() or no_grad() on the way"
        )
    return found[0]


def fgsm(
    model: Model,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    *,
    low: float = 0.0,
    high: float = 1.0,
) -> Tensor:
    """Move every pixel by epsilon in the direction that raises the loss.

    Parameters
    ----------
    model, images, labels
        As for `input_gradient`.
    epsilon
        How far, in the images' own unit; 0 or more.
    low, high
        Where pixels end.

    Returns
    -------
    torch.Tensor
        The images' shape; within ``low`` and ``high``, nowhere farther than ``epsilon`` from the
        images. A pixel whose gradient is exactly 0 stays.

    Raises
    ------
    ValueError
        If no gradient reaches the images, ``epsilon`` is negative or ``low`` is above ``high``.

    Notes
    -----
    Goodfellow, Shlens & Szegedy (2015), "Explaining and Harnessing Adversarial Examples".
    """
    _check(epsilon, low, high)
    sign = input_gradient(model, images, labels).sign()
    return (images.detach() + epsilon * sign).clamp(low, high)


def gaussian_noise(
    images: Tensor,
    std: float,
    *,
    generator: torch.Generator | None = None,
    low: float = 0.0,
    high: float = 1.0,
) -> Tensor:
    """Add to every pixel its own normal number, and cut off what leaves the range.

    Parameters
    ----------
    images
        Any shape.
    std
        The noise's standard deviation before cutting, in the images' own unit.
    generator
        Where the chance comes from, on the CPU: the same noise on every device.
    low, high
        Where pixels end.

    Returns
    -------
    torch.Tensor
        The images' shape.

    Raises
    ------
    ValueError
        If ``std`` is negative or ``low`` is above ``high``.
    """
    _check(std, low, high, name="std")
    noise = torch.randn(images.shape, generator=generator, dtype=torch.float32)
    return (images.detach() + std * noise.to(images)).clamp(low, high)


@torch.no_grad()
def accuracy_curve(
    model: Model,
    images: Tensor,
    labels: Tensor,
    epsilons: Iterable[float],
    *,
    kind: str = "fgsm",
    batch_size: int = 1024,
    generator: torch.Generator | None = None,
    low: float = 0.0,
    high: float = 1.0,
) -> list[float]:
    """The share of images told right, at each strength of a disturbance.

    Parameters
    ----------
    model, images, labels
        As for `input_gradient`.
    epsilons
        The strengths: FGSM's epsilon, or the noise's standard deviation.
    kind
        ``"fgsm"`` or ``"noise"``.
    batch_size
        Images at a time.
    generator
        The noise's chance, on the CPU. The same noise is used at every strength, only scaled.
    low, high
        Where pixels end.

    Returns
    -------
    list of float
        One share a strength, from 0 to 1.

    Raises
    ------
    ValueError
        If there is no such kind, there are no images, or an argument is out of bounds.
    """
    strengths = list(epsilons)
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; allowed: {', '.join(map(repr, KINDS))}")
    if len(images) != len(labels) or not len(images) or batch_size < 1:
        raise ValueError(
            f"there are {len(images)} images, {len(labels)} labels, batch_size is {batch_size}; "
            "allowed: as many labels as images, 1 or more, 1 or more"
        )
    for strength in strengths:
        _check(strength, low, high)
    right = [0] * len(strengths)
    for batch, answers in zip(images.split(batch_size), labels.split(batch_size), strict=True):
        if kind == "fgsm":  # the gradient is the same at every strength
            step = input_gradient(model, batch, answers).sign()
        else:
            step = torch.randn(batch.shape, generator=generator, dtype=torch.float32).to(batch)
        for place, strength in enumerate(strengths):
            disturbed = (batch + strength * step).clamp(low, high)
            right[place] += int((model(disturbed).argmax(dim=-1) == answers).sum())
    return [count / len(images) for count in right]


def _check(strength: float, low: float, high: float, name: str = "epsilon") -> None:
    if not strength >= 0:
        raise ValueError(f"{name} is {strength}; allowed: 0 or more")
    if not low <= high:
        raise ValueError(f"low is {low}; allowed: up to high, which is {high}")
