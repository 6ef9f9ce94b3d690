"""Images: what scikit-learn ships, which needs no network, and torchvision's data sets by name.

`digits` gives a small labeled data set with fixed splits, `photograph` one color photograph,
`color_images` a batch of small color images; all are ordinary tensors on the CPU.
`torchvision_data` gives one of torchvision's data sets. Nothing is downloaded unless a data set is
named, as an argument or by the environment variable ``LAYERWISE_DATASET``.
"""

from __future__ import annotations

import os
import time
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

#: The splits of `digits`: fit on the first, choose on the second, report on the third.
SPLITS = ("train", "validation", "measurement")
#: The photographs that scikit-learn ships.
PHOTOGRAPHS = ("china", "flower")

#: torchvision's data sets that this course knows, by the names of its classes in lower case.
DATASETS = {"mnist": "MNIST", "fashionmnist": "FashionMNIST", "cifar10": "CIFAR10"}

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


def color_images(
    count: int = 64, *, size: int = 32, dataset: str | None = None
) -> tuple[torch.Tensor, str]:
    """A batch of small color images of the real world, and where they come from.

    Parameters
    ----------
    count
        How many, at least 1.
    size
        Height and width in pixels; CIFAR-10's images are 32×32 and are enlarged if need be.
    dataset
        ``"cifar10"`` for the first images of CIFAR-10's test set; by default the value of
        ``LAYERWISE_DATASET``. Anything else, or CIFAR-10 where it cannot be had: patches of
        scikit-learn's two photographs, in turn, from places that are always the same.

    Returns
    -------
    images
        float32 in [0, 1], shape (count, 3, size, size).
    source
        Where they come from, in words.

    Raises
    ------
    ValueError
        If ``count`` is not positive, or ``size`` is not from 1 to 427.
    """
    if count < 1:
        raise ValueError(f"count is {count}; allowed: 1 or more")
    height, width = 427, 640
    if not 1 <= size <= height:
        raise ValueError(f"size is {size}; allowed: 1 to {height}")
    if (dataset or os.environ.get("LAYERWISE_DATASET")) == "cifar10":
        try:
            pixels = torch.from_numpy(torchvision_data("cifar10", train=False).data[:count])
            images = pixels.permute(0, 3, 1, 2).to(torch.float32) / 255
            return (images if size == 32 else _enlarge(images, size)), "CIFAR-10's test set"
        except FileNotFoundError as error:
            warnings.warn(f"{error}; patches of photographs are used instead", stacklevel=2)
    photographs = [photograph(name) for name in PHOTOGRAPHS]
    corners = [height - size + 1, width - size + 1]
    places = np.random.RandomState(0).randint(corners, size=(count, 2)).tolist()
    patches = [photographs[i % 2][:, y : y + size, x : x + size] for i, (y, x) in enumerate(places)]
    return torch.stack(patches), "patches of scikit-learn's two photographs"


def torchvision_data(name: str, *, train: bool = True, transform: Any = None) -> Any:
    """One of torchvision's data sets, downloaded if it is not there yet.

    It is looked for in the folder named by ``LAYERWISE_DATA``, by default ``layerwise`` in the
    user's cache folder; torchvision shows a progress bar and compares checksums.

    Parameters
    ----------
    name
        One of `DATASETS`: ``"mnist"``, ``"fashionmnist"`` or ``"cifar10"``.
    train
        The training images, or the test images.
    transform
        Applied to each image, as in torchvision.

    Raises
    ------
    ValueError
        If the course knows no such data set.
    FileNotFoundError
        If it is not there and three attempts to download it failed; the message says where it
        was looked for.
    """
    if name not in DATASETS:
        raise ValueError(f"name is {name!r}; allowed: {', '.join(map(repr, DATASETS))}")
    import torchvision

    kind = getattr(torchvision.datasets, DATASETS[name])
    cache_folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = Path(os.environ.get("LAYERWISE_DATA") or cache_folder / "layerwise")
    try:
        return kind(root, train=train, transform=transform)
    except RuntimeError:
        root.mkdir(parents=True, exist_ok=True)
    for attempt in range(_ATTEMPTS):
        try:
            return kind(root, train=train, transform=transform, download=True)
        except (RuntimeError, OSError) as error:  # no network, a broken file
            reason = error
            time.sleep(attempt * _WAIT)
    raise FileNotFoundError(
        f"{DATASETS[name]} is not in {root} and could not be downloaded ({reason})"
    ) from None


_ATTEMPTS, _WAIT = 3, 1.0
