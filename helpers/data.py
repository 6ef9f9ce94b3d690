"""Data that needs no network: images that scikit-learn ships.

`digits` gives a small labeled data set with fixed splits, `photograph` one color photograph.
Both return ordinary tensors on the CPU.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch.nn import functional as F

#: The splits of `digits`: fit on the first, choose on the second, report on the third.
SPLITS = ("train", "validation", "measurement")
#: The photographs that scikit-learn ships.
PHOTOGRAPHS = ("china", "flower")

# Of every 20 images of a class, so many go to each split, in the order of SPLITS.
_SHARES = (14, 3, 3)


def digits(
    split: str = "train", *, channels: int = 1, size: int = 28, normalize: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Handwritten digits: 1,797 small gray images of 0 to 9, with their labels.

    The originals are 8×8; they are enlarged by bilinear interpolation. The splits are disjoint,
    always the same, and hold every class in nearly equal shares; their images come shuffled.

    Parameters
    ----------
    split
        ``"train"`` (1,269 images), ``"validation"`` (267) or ``"measurement"`` (261).
    channels
        1, or more for networks that expect color: the gray image is repeated.
    size
        Height and width of the images in pixels.
    normalize
        Subtract the mean of the training images and divide by their standard deviation.

    Returns
    -------
    images
        float32, shape (N, channels, size, size); in [0, 1] unless normalized.
    labels
        int64, shape (N,), from 0 to 9.

    Raises
    ------
    ValueError
        If there is no such split, or ``channels`` or ``size`` is not positive.

    References
    ----------
    E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning
    Repository (1998), by way of `sklearn.datasets.load_digits`.

    Examples
    --------
    >>> images, labels = digits("validation")
    >>> images.shape, labels[:3].shape
    (torch.Size([267, 1, 28, 28]), torch.Size([3]))
    """
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; allowed: {', '.join(map(repr, SPLITS))}")
    for name, value in (("channels", channels), ("size", size)):
        if value < 1:
            raise ValueError(f"{name} is {value}; allowed: 1 or more")
    small, labels = _small_digits()
    chosen = _split_indices()[split]
    images = _enlarge(small[chosen], size)
    if normalize:
        seen = _enlarge(small[_split_indices()["train"]], size)
        images = (images - seen.mean()) / seen.std()
    return images.repeat(1, channels, 1, 1), labels[chosen]


def _enlarge(images: torch.Tensor, size: int) -> torch.Tensor:
    return F.interpolate(images, (size, size), mode="bilinear")


@cache
def _small_digits() -> tuple[torch.Tensor, torch.Tensor]:
    """The 8×8 originals in [0, 1], shape (1797, 1, 8, 8), and their labels."""
    from sklearn.datasets import load_digits  # takes a second, so only when asked for

    found = load_digits()
    images = torch.from_numpy(found.images).to(torch.float32).unsqueeze(1) / 16
    return images, torch.from_numpy(found.target).to(torch.int64)


@cache
def _split_indices() -> dict[str, torch.Tensor]:
    """The indices of each split's images, shuffled."""
    labels = _small_digits()[1]
    # NumPy promises that RandomState's stream never changes; torch promises no such thing.
    order = torch.from_numpy(np.random.RandomState(0).permutation(len(labels)))
    shuffled = labels[order]
    rank = torch.empty_like(shuffled)  # of each image among those of its class
    for label in range(10):
        same = shuffled == label
        rank[same] = torch.arange(int(same.sum()))
    bounds = torch.tensor(_SHARES).cumsum(0)
    part = torch.bucketize(rank % sum(_SHARES), bounds, right=True)
    return {split: order[part == number] for number, split in enumerate(SPLITS)}


def photograph(name: str) -> torch.Tensor:
    """One of the two color photographs that scikit-learn ships.

    Parameters
    ----------
    name
        ``"china"`` (a temple) or ``"flower"``.

    Returns
    -------
    torch.Tensor
        float32 in [0, 1], shape (3, 427, 640): red, green, blue.

    Raises
    ------
    ValueError
        If there is no such photograph.

    References
    ----------
    `sklearn.datasets.load_sample_image`, whose documentation names the photographers.
    """
    if name not in PHOTOGRAPHS:
        raise ValueError(f"name is {name!r}; allowed: {', '.join(map(repr, PHOTOGRAPHS))}")
    from sklearn.datasets import load_sample_image

    pixels = torch.tensor(load_sample_image(f"{name}.jpg"))  # a copy: the file's is read-only
    return pixels.permute(2, 0, 1).contiguous().to(torch.float32) / 255
