"""Attacks against a gradient worked out by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.adversarial import accuracy_curve, fgsm, gaussian_noise, input_gradient

examples = settings(deadline=None, max_examples=60)
SEEDS = st.integers(0, 10_000)
SIZES = st.integers(1, 6)
FLOATS = st.sampled_from([torch.float32, torch.float64])


def _problem(
    seed: int, count: int, features: int, classes: int, dtype: torch.dtype = torch.float64
) -> tuple[nn.Linear, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    model = nn.Linear(features, classes).to(dtype)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    images = torch.rand(count, features, generator=generator, dtype=dtype)
    return model, images, torch.randint(classes, (count,), generator=generator)


@given(SEEDS, SIZES, SIZES, st.integers(2, 5), FLOATS)
@examples
def test_the_gradient_is_softmax_minus_one_hot_times_the_weight(
    seed: int, count: int, features: int, classes: int, dtype: torch.dtype
) -> None:
    model, images, labels = _problem(seed, count, features, classes, dtype)
    with torch.no_grad():
        by_hand = (model(images).softmax(1) - F.one_hot(labels, classes)) @ model.weight
    found = input_gradient(model, images, labels)
    assert found.dtype == dtype and not found.requires_grad
    torch.testing.assert_close(found, by_hand)
    assert all(parameter.grad is None for parameter in model.parameters())


@given(SEEDS, SIZES, SIZES, st.floats(0, 2))
@examples
def test_a_step_stays_within_epsilon_and_within_the_range(
    seed: int, count: int, features: int, epsilon: float
) -> None:
    model, images, labels = _problem(seed, count, features, 3)
    before = images.clone()
    moved = fgsm(model, images, labels, epsilon)
    assert torch.equal(images, before)
    assert moved.min() >= 0 and moved.max() <= 1
    assert (moved - images).abs().max() <= epsilon + 1e-12
    sign = input_gradient(model, images, labels).sign()
    torch.testing.assert_close(moved, torch.clamp(images + epsilon * sign, 0, 1))


def test_the_worked_example() -> None:
    model = nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, -2.0, 0.5], [0.0, 0.0, 0.0]]))
    image = torch.tensor([[0.5, 0.2, 0.05]])
    moved = fgsm(model, image, torch.tensor([0]), 0.1)
    torch.testing.assert_close(moved, torch.tensor([[0.4, 0.3, 0.0]]))
    assert model(image)[0, 0] > 0 > model(moved)[0, 0]


def test_a_gradient_under_no_grad_and_for_a_function() -> None:
    model, images, labels = _problem(0, 4, 3, 2)
    with torch.no_grad():
        found = input_gradient(lambda pixels: model(2 * pixels - 1), images, labels)
    assert found.abs().min() > 0


def test_each_images_gradient_is_its_own() -> None:
    model, images, labels = _problem(1, 6, 4, 3)
    together = input_gradient(model, images, labels)
    alone = [input_gradient(model, images[i : i + 1], labels[i : i + 1]) for i in range(6)]
    torch.testing.assert_close(together, torch.cat(alone))


@pytest.mark.parametrize("kind", ["detach", "no_grad"])
def test_a_model_that_cuts_the_gradient_is_named(kind: str) -> None:
    model, images, labels = _problem(0, 4, 3, 2)

    def cut(pixels: Tensor) -> Tensor:
        if kind == "detach":
            return model(pixels.detach())
        with torch.no_grad():
            return model(pixels)

    with pytest.raises(ValueError, match="no gradient reaches the images"):
        fgsm(cut, images, labels, 0.1)


@given(SEEDS, st.floats(0, 1))
@examples
def test_noise_has_its_size_and_its_seed(seed: int, std: float) -> None:
    images = torch.full((20_000,), 0.5)
    generator = torch.Generator().manual_seed(seed)
    noisy = gaussian_noise(images, std, generator=generator, low=-99, high=99)
    assert abs((noisy - 0.5).std().item() - std) < 0.03 * std + 1e-6
    again = gaussian_noise(images, std, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(again, noisy.clamp(0, 1))


@pytest.mark.parametrize("kind", ["fgsm", "noise"])
@pytest.mark.parametrize("batch_size", [3, 1000])
def test_a_curve_is_what_its_parts_say(kind: str, batch_size: int) -> None:
    model, images, labels = _problem(3, 50, 5, 4)
    strengths = [0.0, 0.1, 0.5]
    made = accuracy_curve(
        model, images, labels, strengths, kind=kind, batch_size=batch_size,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    assert made[0] == (model(images).argmax(1) == labels).double().mean().item()
    if kind == "fgsm":
        for strength, share in zip(strengths, made, strict=True):
            moved = fgsm(model, images, labels, strength)
            assert share == (model(moved).argmax(1) == labels).double().mean().item()
        assert made == sorted(made, reverse=True)
    elif batch_size == 1000:
        noisy = gaussian_noise(images, 0.5, generator=torch.Generator().manual_seed(0))
        assert made[2] == (model(noisy).argmax(1) == labels).double().mean().item()


def test_bad_input_is_named() -> None:
    model, images, labels = _problem(0, 4, 3, 2)
    with pytest.raises(ValueError, match="epsilon is -1"):
        fgsm(model, images, labels, -1)
    with pytest.raises(ValueError, match="std is -1"):
        gaussian_noise(images, -1)
    with pytest.raises(ValueError, match="low is 2"):
        gaussian_noise(images, 1, low=2)
    with pytest.raises(ValueError, match="labels has 3 entries"):
        fgsm(model, images, labels[:3], 0.1)
    with pytest.raises(ValueError, match="kind is 'pgd'"):
        accuracy_curve(model, images, labels, [0.1], kind="pgd")
    with pytest.raises(ValueError, match="0 images"):
        accuracy_curve(model, images[:0], labels[:0], [0.1])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu() -> None:
    model, images, labels = _problem(0, 20, 5, 3, torch.float32)
    there = fgsm(model.cuda(), images.cuda(), labels.cuda(), 0.1)
    assert there.is_cuda
    torch.testing.assert_close(there.cpu(), fgsm(model.cpu(), images, labels, 0.1))
