"""How the answers to the exercises of chapter 11 are used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


def covariance_spectrum(answer: Any, outputs: Tensor) -> Any:
    """The eigenvalues; a tensor is asked for."""
    return answer(outputs)


def rank_exponent(answer: Any, eigenvalues: Tensor, first: int, last: int) -> Any:
    """The exponent over a range of ranks."""
    return answer(eigenvalues, first, last)


def participation_ratio(answer: Any, outputs: Tensor) -> Any:
    """The ratio, from the outputs themselves."""
    return answer(outputs)


def likelihood_exponent(answer: Any, values: Tensor, x_min: float, look: str) -> Any:
    """The estimate, its standard error, or both."""
    told = answer(values, x_min)
    if not isinstance(told, (tuple, list)) or len(told) != 2:
        kind = "None (is a return missing?)" if told is None else type(told).__name__
        raise TypeError(f"likelihood_exponent returned {kind}; two numbers are asked for")
    both = {"estimate": told[0], "standard error": told[1]}
    return {look: both[look]} if look in both else both


def mend_likelihood(answer: Any, eigenvalues: Tensor, count: int) -> Any:
    """The exponent from the largest eigenvalues."""
    return answer(eigenvalues, count)


def two_nn(answer: Any, points: Tensor) -> Any:
    """The intrinsic dimension."""
    return answer(points)


def sign_attack(
    answer: Any,
    state: Mapping[str, Tensor],
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    look: str,
) -> Any:
    """Attack a small network; perhaps see what is left in it and in the images afterward."""
    hidden, pixels = state["1.weight"].shape
    classes = len(state["3.bias"])
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(pixels, hidden), nn.Tanh(), nn.Linear(hidden, classes)
    ).to(images.dtype)
    model.load_state_dict(dict(state))
    if look != "left as it was":
        return answer(model, images, labels, epsilon)
    for place, parameter in enumerate(model.parameters(), start=1):
        parameter.grad = torch.full_like(parameter, place)  # from the training step before
    attacked = answer(model, images, labels, epsilon)
    grads = {name: value.grad for name, value in model.named_parameters()}
    after = {f"gradient of {name} afterward": grad for name, grad in grads.items()}
    weights = {f"{name} afterward": value for name, value in model.named_parameters()}
    hangs = isinstance(attacked, Tensor) and attacked.requires_grad
    return {
        "images": images,
        "images.requires_grad afterward": images.requires_grad,
        **after,
        **weights,
        "attacked images": attacked,
        "requires_grad of the attacked images": hangs,
    }
