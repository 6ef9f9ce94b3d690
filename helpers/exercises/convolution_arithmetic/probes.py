"""How the answers to the exercises of chapter 2 are used."""

from __future__ import annotations

from typing import Any

import torch


def cross_correlation(answer: Any, input: torch.Tensor, weight: torch.Tensor) -> Any:
    return answer(input, weight)


def conv_output_size(answer: Any, input_size: int, kernel_size: int, **options: int) -> Any:
    return answer(input_size, kernel_size, **options)


def same_padding(answer: Any, kernel_size: int, **options: int) -> Any:
    return answer(kernel_size, **options)


def channels_first(answer: Any, images: torch.Tensor) -> Any:
    return answer(images)


def conv2d_batch_channels(
    answer: Any, input: torch.Tensor, weight: torch.Tensor, **options: Any
) -> Any:
    return answer(input, weight, **options)


def conv2d_stride_padding(
    answer: Any, input: torch.Tensor, weight: torch.Tensor, **options: Any
) -> Any:
    return answer(input, weight, **options)


def conv2d_dilation_groups(
    answer: Any,
    input: torch.Tensor,
    weight: torch.Tensor,
    gradient: torch.Tensor | None = None,
    **options: Any,
) -> Any:
    """The output, or, given the gradient of the output, what flows back to input and weight."""
    if gradient is None:
        return answer(input, weight, **options)
    output = answer(input.requires_grad_(), weight.requires_grad_(), **options)
    if problem := _no_way_back(output, gradient):
        raise ValueError(problem)
    (output * gradient).sum().backward()  # backward(gradient) makes torch import sympy
    return {
        f"gradient of the {name}": torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        for name, tensor in (("input", input), ("weight", weight))
    }


def _no_way_back(output: Any, gradient: torch.Tensor) -> str:
    """Why no gradient can flow back from an output, in words for its author."""
    if not isinstance(output, torch.Tensor):
        return f"no gradient can flow back: the output is {type(output).__name__}, not a tensor"
    if output.shape != gradient.shape:
        return "no gradient can flow back: the output has the wrong shape"
    if not output.requires_grad:
        return (
            "no gradient can flow back: the output does not know the input and the weight any "
            "more (did detach, no_grad, item or NumPy come between?)"
        )
    return ""


def conv_transpose_output_size(
    answer: Any, input_size: int, kernel_size: int, **options: int
) -> Any:
    return answer(input_size, kernel_size, **options)
