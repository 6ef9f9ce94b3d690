"""Activations in forms that hold far from zero, and what is measured about them.

The textbook's formulas overflow: ``exp(100)`` is more than float32 holds, and where a formula
meets infinity, its gradient often is not a number. Each function here takes exponentials of
negative numbers only, so that values and gradients stay finite. Two things recur:

- what is not selected must be finite too, for `torch.where` gives the other side a gradient of
  zero, and zero times infinity is not a number;
- autograd takes the slope of ``abs`` at 0 to be 0, and so loses the gradient there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Activation = Callable[[Tensor], Tensor]


def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-input))``, exact to the last digits on both sides.

    Parameters
    ----------
    input
        Any shape, a floating-point dtype.

    Returns
    -------
    torch.Tensor
        Of the input's shape and dtype, from 0 to 1.

    Raises
    ------
    ValueError
        If the input's dtype is not a floating-point one.

    Notes
    -----
    For ``x < 0`` it is ``exp(x) / (1 + exp(x))``: the same number, with nothing that overflows.

    Examples
    --------
    >>> sigmoid(torch.tensor([-1000.0, 0.0, 4.0]))
    tensor([0.0000, 0.5000, 0.9820])
    """
    _check_floating(input)
    small = torch.exp(_minus_abs(input))
    return torch.where(input >= 0, 1, small) / (1 + small)


def tanh(input: Tensor) -> Tensor:
    """``(exp(x) - exp(-x)) / (exp(x) + exp(-x))``. Shapes and errors as `sigmoid`.

    Notes
    -----
    ``expm1(y)`` is ``exp(y) - 1`` without losing the digits of a small ``y``.
    """
    _check_floating(input)
    less = torch.expm1(2 * _minus_abs(input))  # from -1 to 0
    return torch.where(input >= 0, -less, less) / (2 + less)


def relu(input: Tensor) -> Tensor:
    """``max(0, input)``, of any shape and real dtype. Its slope at 0 is taken to be 0.

    Notes
    -----
    Nair & Hinton (2010), "Rectified Linear Units Improve Restricted Boltzmann Machines".
    """
    return torch.where(input <= 0, 0, input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """The input where it is positive, ``negative_slope`` times the input elsewhere.

    Shapes and errors as `sigmoid`. At 0 the slope is ``negative_slope``.

    Notes
    -----
    Maas, Hannun & Ng (2013), "Rectifier Nonlinearities Improve Neural Network Acoustic Models".
    """
    _check_floating(input)
    return torch.where(input > 0, input, negative_slope * input)


def elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """The input where it is positive, ``alpha (exp(input) - 1)`` elsewhere.

    Shapes and errors as `sigmoid`.

    Notes
    -----
    Clevert, Unterthiner & Hochreiter (2016), "Fast and Accurate Deep Network Learning by
    Exponential Linear Units (ELUs)".
    """
    _check_floating(input)
    below = torch.where(input > 0, 0, input)  # or the side not taken would overflow
    return torch.where(input > 0, input, alpha * torch.expm1(below))


def gelu(input: Tensor, approximate: Literal["none", "tanh"] = "none") -> Tensor:
    """The input times the probability that a standard normal number is smaller.

    Parameters
    ----------
    input
        Any shape, a floating-point dtype.
    approximate
        ``"none"`` for the normal distribution itself, ``"tanh"`` for a formula near it.

    Returns
    -------
    torch.Tensor
        Of the input's shape and dtype.

    Raises
    ------
    ValueError
        If ``approximate`` is something else, or the dtype is not a floating-point one.

    Notes
    -----
    Hendrycks & Gimpel (2016), "Gaussian Error Linear Units (GELUs)". ``(1 + tanh(u)) / 2`` is
    ``sigmoid(2u)``.
    """
    _check_floating(input)
    if approximate == "none":
        return input * (torch.erfc(-input / math.sqrt(2)) / 2)
    if approximate != "tanh":
        raise ValueError(f"approximate is {approximate!r}; allowed: 'none', 'tanh'")
    near = input.clamp(-10, 10)  # farther out the sigmoid is 0 or 1; the cube must not overflow
    return input * sigmoid(2 * math.sqrt(2 / math.pi) * (near + 0.044715 * near**3))


def silu(input: Tensor) -> Tensor:
    """``input * sigmoid(input)``, also called swish. Shapes and errors as `sigmoid`.

    Notes
    -----
    Elfwing, Uchibe & Doya (2018), "Sigmoid-Weighted Linear Units for Neural Network Function
    Approximation in Reinforcement Learning".
    """
    return input * sigmoid(input)


def softplus(input: Tensor) -> Tensor:
    """``log(1 + exp(input))``, a smooth ReLU. Shapes and errors as `sigmoid`.

    Notes
    -----
    ``log1p(y)`` is ``log(1 + y)`` without losing the digits of a small ``y``.
    """
    _check_floating(input)
    return torch.where(input >= 0, input, 0) + torch.log1p(torch.exp(_minus_abs(input)))


def logsumexp(input: Tensor, dim: int, keepdim: bool = False) -> Tensor:
    """``log(sum(exp(input)))`` over one dimension: a smooth maximum.

    Parameters
    ----------
    input
        Any shape, a floating-point dtype.
    dim
        The dimension that is summed over.
    keepdim
        Whether it stays, with size 1.

    Returns
    -------
    torch.Tensor
        Of the input's dtype; its shape without ``dim``.

    Raises
    ------
    ValueError
        If there is no such dimension, or the dtype is not a floating-point one.

    Notes
    -----
    Blanchard, Higham & Higham (2021), "Accurately computing the log-sum-exp and softmax
    functions": the largest number is taken out before, and put back after.
    """
    shifted, largest = _shifted(input, dim)
    output = shifted.exp().sum(dim, keepdim=True).log() + largest
    return output if keepdim else output.squeeze(dim)


def softmax(input: Tensor, dim: int) -> Tensor:
    """``exp(input) / sum(exp(input))``: positive numbers that add up to 1 along ``dim``.

    The output has the input's shape; arguments and errors as `logsumexp`.
    """
    shifted, _ = _shifted(input, dim)
    exponentials = shifted.exp()
    return exponentials / exponentials.sum(dim, keepdim=True)


def log_softmax(input: Tensor, dim: int) -> Tensor:
    """The logarithm of `softmax`, which is not computed: it may be 0 to the last digit.

    The output has the input's shape; arguments and errors as `logsumexp`.
    """
    shifted, _ = _shifted(input, dim)
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


def dead_units(output: Tensor) -> Tensor:
    """Which units give 0 for every sample.

    Parameters
    ----------
    output
        What an activation gave for a batch, shape ``(N, units, …)``: a unit is an entry of the
        second dimension, a whole feature map if there are dimensions after it.

    Returns
    -------
    torch.Tensor
        bool, shape ``(units,)``.

    Raises
    ------
    ValueError
        If the output has fewer than two dimensions.
    """
    if output.ndim < 2:
        shape = tuple(output.shape)
        raise ValueError(f"output has shape {shape}; allowed: (N, units) or (N, units, …)")
    return (output == 0).movedim(1, 0).flatten(1).all(dim=1)


def gain(activation: Activation) -> float:
    """The factor for weights of deviation ``gain / sqrt(fan_in)`` that keeps a stack's scale.

    Parameters
    ----------
    activation
        A function of a tensor, number by number.

    Returns
    -------
    float
        ``1 / sqrt(E[activation(z)²])`` for a standard normal ``z``, by quadrature.

    Raises
    ------
    ValueError
        If the activation gives nothing but zeros, or what is not finite.

    Notes
    -----
    He et al. (2015), "Delving Deep into Rectifiers", equation 10, where it is ``sqrt(2)`` for
    ReLU. Not `torch.nn.init.calculate_gain`, which has other numbers for tanh and SELU.

    Examples
    --------
    >>> round(gain(torch.relu), 4)
    1.4142
    """
    z = torch.linspace(-10, 10, 20_001, dtype=torch.float64)  # 0.001 apart
    density = torch.exp(-z.square() / 2)
    square = float((activation(z).square() * density).sum() / density.sum())
    if not 0 < square < math.inf:
        raise ValueError(f"activation has the mean square {square}; allowed: a positive number")
    return 1 / math.sqrt(square)


def _minus_abs(input: Tensor) -> Tensor:
    """``-abs(input)``, with a slope of -1 at 0 and not of 0."""
    return torch.where(input >= 0, -input, input)


def _shifted(input: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The input less its largest number along ``dim``, and that number, a constant to autograd."""
    _check_floating(input)
    if not -input.ndim <= dim < input.ndim:
        allowed = f"{-input.ndim} to {input.ndim - 1}" if input.ndim else "no dimension"
        raise ValueError(f"dim is {dim}; allowed: {allowed}, for shape {tuple(input.shape)}")
    largest = input.detach().amax(dim, keepdim=True)
    largest = torch.where(largest.isinf(), 0, largest)  # inf - inf is not a number
    return input - largest, largest


def _check_floating(input: Tensor) -> None:
    if not input.is_floating_point():
        raise ValueError(f"input is {input.dtype}; allowed: a floating-point dtype")
