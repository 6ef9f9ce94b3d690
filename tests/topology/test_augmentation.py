"""Flips, crops and blurs, shared and own."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms.v2.functional import gaussian_blur, resized_crop

from helpers.topology import augmentation as a
from helpers.topology import pairwise_distances


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", a.AUGMENTATIONS)
@pytest.mark.parametrize("shape", [(4, 1, 28, 28), (3, 3, 20, 24)])
def test_what_is_shared_does_not_depend_on_the_other_images(kind: str, shape: tuple[int]) -> None:
    images = torch.rand(shape, generator=seeded())
    change = a.AUGMENTATIONS[kind]
    together = change(images, False, seeded(1))
    alone = torch.cat([change(image[None], False, seeded(1)) for image in images])
    assert together.shape == images.shape and together.dtype == images.dtype
    torch.testing.assert_close(together, alone)
    own = change(images.repeat(5, 1, 1, 1), True, seeded(1))
    again = own.reshape(5, *shape)
    assert not torch.allclose(again[0], again[1]) or not torch.allclose(again[0], again[2])


def test_a_shared_flip_is_an_isometry() -> None:
    images = torch.rand(6, 1, 8, 8, generator=seeded())
    before = pairwise_distances(images.flatten(1), "l1")
    torch.testing.assert_close(pairwise_distances(a.flip(images, False).flatten(1), "l1"), before)


def test_against_torchvision() -> None:
    images = torch.rand(2, 3, 28, 28, generator=seeded())
    g = seeded(3)
    top, left = (torch.randint(7, (1,), generator=g).item() for _ in range(2))
    expected = resized_crop(images, top, left, 22, 22, [28, 28], antialias=False)
    torch.testing.assert_close(a.crop(images, False, seeded(3)), expected)
    middle = gaussian_blur(images, [7, 7], [1.0, 1.0])[:, :, 6:-6, 6:-6]
    found = a.blur(images, False, deviations=(1.0, 1.0))[:, :, 6:-6, 6:-6]
    torch.testing.assert_close(found, middle, atol=1e-5, rtol=1e-4)


def test_bad_arguments_are_told() -> None:
    images = torch.rand(2, 1, 8, 8)
    with pytest.raises(ValueError, match="images has shape"):
        a.flip(images[0], True)
    with pytest.raises(ValueError, match="share is 0"):
        a.crop(images, True, share=0)
    with pytest.raises(ValueError, match="deviations"):
        a.blur(images, True, deviations=(2.0, 1.0))
