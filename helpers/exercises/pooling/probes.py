"""How the answers to the exercises of chapter 4 are used."""

from __future__ import annotations

from typing import Any

import torch


def pool_output_size(answer: Any, input_size: int, kernel_size: int, **options: Any) -> Any:
    return answer(input_size, kernel_size, **options)


def max_pool(answer: Any, input: torch.Tensor, kernel_size: Any, **options: Any) -> Any:
    return answer(input, kernel_size, **options)


def avg_pool(answer: Any, input: torch.Tensor, kernel_size: int, **options: Any) -> Any:
    return answer(input, kernel_size, **options)


def max_unpool(
    answer: Any, input: torch.Tensor, indices: torch.Tensor, output_size: tuple[int, int]
) -> Any:
    return answer(input, indices, output_size)


def max_pool_gradient(
    answer: Any, input: torch.Tensor, gradient: torch.Tensor, kernel_size: int, stride: int
) -> Any:
    return answer(input, gradient, kernel_size, stride)


def adaptive_bins(answer: Any, input_size: int, output_size: int) -> Any:
    """The bins; whether one is a tuple or a list makes no difference."""
    bins = answer(input_size, output_size)
    if isinstance(bins, (list, tuple)):
        return [tuple(one) if isinstance(one, list) else one for one in bins]
    return bins


def blur_pool(answer: Any, input: torch.Tensor, **options: int) -> Any:
    return answer(input, **options)
