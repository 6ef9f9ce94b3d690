"""Images flipped, cropped or blurred: all in one way, or each in its own.

Each function takes images of shape (N, C, H, W) on any device and gives new ones of that shape.
``own=False`` draws once and treats all images alike; ``own=True`` draws for each.

>>> images = torch.rand(5, 1, 28, 28)
>>> seeded = torch.Generator().manual_seed(0)
>>> {name: tuple(change(images, True, seeded).shape) for name, change in AUGMENTATIONS.items()}
{'flip': (5, 1, 28, 28), 'crop': (5, 1, 28, 28), 'blur': (5, 1, 28, 28)}
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


def flip(images: Tensor, own: bool, generator: Generator | None = None) -> Tensor:
    """Left and right exchanged: in all images, or in each with probability 1/2.

    All alike, it is an isometry: no distance between two images changes.
    """
    _checked(images)
    mirrored = images.flip(3)
    if not own:
        return mirrored
    which = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(which.to(images.device)[:, None, None, None], mirrored, images)


def crop(
    images: Tensor, own: bool, generator: Generator | None = None, share: float = 22 / 28
) -> Tensor:
    """A window at a random place, ``share`` of the image a side, enlarged to the whole.

    Raises
    ------
    ValueError
        If ``images`` has not four dimensions, or ``share`` is not above 0 and at most 1.
    """
    _checked(images)
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; allowed: above 0, at most 1")
    count, channels, height, width = images.shape
    high, wide = max(1, round(share * height)), max(1, round(share * width))
    draws = count if own else 1
    tops = torch.randint(height - high + 1, (draws,), generator=generator)
    lefts = torch.randint(width - wide + 1, (draws,), generator=generator)
    rows = (tops[:, None] + torch.arange(high)).to(images.device)[:, None, :, None]
    columns = (lefts[:, None] + torch.arange(wide)).to(images.device)[:, None, None, :]
    sample = torch.arange(count, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[None, :, None, None]
    return F.interpolate(images[sample, channel, rows, columns], (height, width), mode="bilinear")


def blur(
    images: Tensor,
    own: bool,
    generator: Generator | None = None,
    deviations: tuple[float, float] = (0.5, 2.5),
) -> Tensor:
    """A Gaussian blur whose deviation in pixels is drawn uniformly; black outside.

    Raises
    ------
    ValueError
        If ``images`` has not four dimensions, or ``deviations`` is no range of positive numbers.
    """
    _checked(images)
    low, high = deviations
    if not 0 < low <= high:
        raise ValueError(f"deviations is {deviations}; allowed: two positive numbers in order")
    count, channels, height, width = images.shape
    drawn = low + (high - low) * torch.rand(count if own else 1, generator=generator)
    reach = int(3 * high)
    steps = torch.arange(-reach, reach + 1)
    weights = torch.exp(-(steps**2) / (2 * drawn[:, None] ** 2))
    weights = (weights / weights.sum(dim=1, keepdim=True)).to(images).expand(count, -1)
    kernels = weights.repeat_interleave(channels, dim=0)[:, None, None, :]
    rows = images.reshape(1, -1, height, width)
    rows = F.conv2d(rows, kernels, padding=(0, reach), groups=count * channels)
    both = F.conv2d(rows, kernels.transpose(2, 3), padding=(reach, 0), groups=count * channels)
    return both.reshape(images.shape)


#: By name.
AUGMENTATIONS: dict[str, Callable[[Tensor, bool, Generator | None], Tensor]] = {
    "flip": flip,
    "crop": crop,
    "blur": blur,
}


def _checked(images: Tensor) -> None:
    if images.ndim != 4:
        raise ValueError(f"images has shape {tuple(images.shape)}; allowed: (N, C, H, W)")
