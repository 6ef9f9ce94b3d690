"""`helpers.data` against scikit-learn's own arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_sample_image

from helpers import data

SIZES = {"train": 1269, "validation": 267, "measurement": 261}


@pytest.mark.parametrize(("split", "size"), SIZES.items())
def test_digits_have_the_documented_shape_type_and_range(split: str, size: int) -> None:
    images, labels = data.digits(split)
    assert images.shape == (size, 1, 28, 28)
    assert images.dtype == torch.float32
    assert labels.shape == (size,)
    assert labels.dtype == torch.int64
    assert images.min() >= 0
    assert images.max() <= 1


def test_splits_share_no_image_and_together_hold_all() -> None:
    # At size 8 nothing is interpolated, so the images can be matched with the originals.
    rows = [row for split in data.SPLITS for row in _rows(*data.digits(split, size=8))]
    found = load_digits()
    originals = _rows(torch.from_numpy(found.images / 16), torch.from_numpy(found.target))
    assert sorted(rows) == sorted(originals)


def _rows(images: torch.Tensor, labels: torch.Tensor) -> list[tuple[float, ...]]:
    flat = torch.cat([images.reshape(len(images), -1).float(), labels[:, None].float()], dim=1)
    return [tuple(row) for row in flat.tolist()]


@pytest.mark.parametrize("split", data.SPLITS)
def test_every_split_holds_every_class_in_nearly_equal_shares(split: str) -> None:
    labels = data.digits(split)[1]
    shares = labels.bincount(minlength=10) / len(labels)
    assert shares.min() > 0.085
    assert shares.max() < 0.115


def test_splits_are_shuffled_and_always_the_same() -> None:
    images, labels = data.digits()
    assert labels[:8].tolist() == [2, 8, 2, 6, 6, 7, 1, 9]
    again, same = data.digits()
    torch.testing.assert_close(images, again, rtol=0, atol=0)
    torch.testing.assert_close(labels, same, rtol=0, atol=0)


def test_a_caller_may_write_into_what_it_got() -> None:
    images, labels = data.digits(size=8)
    images.zero_()
    labels.zero_()
    assert data.digits(size=8)[0].sum() > 0
    assert data.digits(size=8)[1].sum() > 0


def test_normalized_training_images_have_mean_0_and_deviation_1() -> None:
    images, _ = data.digits(normalize=True)
    torch.testing.assert_close(images.mean(), torch.tensor(0.0), atol=1e-4, rtol=0)
    torch.testing.assert_close(images.std(), torch.tensor(1.0), atol=1e-4, rtol=0)


def test_other_splits_are_normalized_by_the_training_images() -> None:
    seen = data.digits()[0]
    plain, normalized = (data.digits("measurement", normalize=n)[0] for n in (False, True))
    torch.testing.assert_close(normalized * seen.std() + seen.mean(), plain, atol=1e-5, rtol=0)


def test_color_repeats_the_gray_image() -> None:
    color = data.digits("validation", channels=3, size=32)[0]
    assert color.shape == (267, 3, 32, 32)
    torch.testing.assert_close(color[:, 0], color[:, 2])
    torch.testing.assert_close(color[:, :1], data.digits("validation", size=32)[0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"split": "test"}, "split is 'test'; allowed: 'train', 'validation', 'measurement'"),
        ({"channels": 0}, "channels is 0"),
        ({"size": -1}, "size is -1"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        data.digits(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", data.PHOTOGRAPHS)
def test_photographs_are_channels_first_in_unit_range(name: str) -> None:
    image = data.photograph(name)
    assert image.shape == (3, 427, 640)
    assert image.dtype == torch.float32
    pixels = np.moveaxis(load_sample_image(f"{name}.jpg"), 2, 0)
    torch.testing.assert_close(image, torch.from_numpy(pixels / 255).float())


def test_an_unknown_photograph_is_named() -> None:
    with pytest.raises(ValueError, match=r"name is 'china.jpg'; allowed: 'china', 'flower'"):
        data.photograph("china.jpg")


@pytest.fixture
def tiny_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    """Three test images in torchvision's own layout, in the folder of ``LAYERWISE_DATA``."""
    images = torch.randint(256, (3, 28, 28), dtype=torch.uint8)
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name in ("t10k", "train"):
        heads = {"images-idx3": (2051, 3, 28, 28), "labels-idx1": (2049, 3)}
        for kind, head in heads.items():
            body = bytes(images.flatten().tolist()) if "images" in kind else bytes([7, 0, 1])
            numbers = b"".join(number.to_bytes(4, "big") for number in head)
            (folder / f"{name}-{kind}-ubyte").write_bytes(numbers + body)
    monkeypatch.setenv("LAYERWISE_DATA", str(tmp_path))
    return images


def test_torchvision_data_reads_what_is_there(tiny_mnist: torch.Tensor) -> None:
    found = data.torchvision_data("mnist", train=False)
    assert torch.equal(found.data, tiny_mnist) and found.targets.tolist() == [7, 0, 1]
    with pytest.raises(ValueError, match="name is 'imagenet'; allowed: 'mnist'"):
        data.torchvision_data("imagenet")


def test_what_cannot_be_had_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import CIFAR10

    calls = []

    def offline(self: CIFAR10) -> None:
        calls.append(self.root)
        raise OSError("no network")

    monkeypatch.setattr(CIFAR10, "download", offline)
    monkeypatch.setattr(data, "_WAIT", 0.0)
    monkeypatch.setenv("LAYERWISE_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="CIFAR10 is not in"):
        data.torchvision_data("cifar10")
    assert len(calls) == 3
    with pytest.warns(UserWarning, match="patches of photographs are used instead"):
        images, source = data.color_images(4, dataset="cifar10")
    assert images.shape == (4, 3, 32, 32) and "photographs" in source


@pytest.mark.parametrize("size", [32, 427])
def test_color_images_are_patches_of_the_photographs(size: int) -> None:
    images, source = data.color_images(6, size=size)
    assert images.shape == (6, 3, size, size) and images.dtype == torch.float32
    assert images.min() >= 0 and images.max() <= 1 and "scikit-learn" in source
    again, _ = data.color_images(3, size=size)
    assert torch.equal(again, images[:3])
    china = data.photograph("china")
    windows = (c for y in range(428 - size) for c in windows_of(china[:, y : y + size], size))
    assert any(torch.equal(images[0], window) for window in windows)


def windows_of(strip: torch.Tensor, size: int) -> torch.Tensor:
    """All windows of a strip of a photograph, one a column."""
    return strip.unfold(2, size, 1).movedim(2, 0)


@pytest.mark.parametrize(("argument", "value"), [("count", 0), ("size", 0), ("size", 428)])
def test_color_images_say_what_is_allowed(argument: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{argument} is {value}; allowed"):
        data.color_images(**{argument: value})
