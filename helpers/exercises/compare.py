"""Comparison of plain data, with a difference told in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

# torch.testing.assert_close's, by dtype; (rtol, atol).
_TOLERANCES: dict[torch.dtype, tuple[float, float]] = {
    torch.float16: (1e-3, 1e-5),
    torch.bfloat16: (1.6e-2, 1e-5),
    torch.float32: (1.3e-6, 1e-5),
    torch.float64: (1e-7, 1e-7),
    torch.complex64: (1.3e-6, 1e-5),
    torch.complex128: (1e-7, 1e-7),
}


#: Said of a whole answer that is None, and not of a part of it.
_MISSING = " (is a return missing?)"


@dataclass(frozen=True)
class Mismatch:
    """How an answer differs.

    Attributes
    ----------
    message
        The difference, with the right value: for cases that are public.
    public
        The difference without it: for feedback on cases made from the instructor's seed.
    """

    message: str
    public: str

    def within(self, place: str) -> Mismatch:
        """The same difference, found at ``place``."""
        message, public = (text.replace(_MISSING, "") for text in (self.message, self.public))
        return Mismatch(f"{place}: {message}", f"{place}: {public}")


def shape_text(shape: Any) -> str:
    """``(2, 3, 3)`` as ``2×3×3``, ``(3,)`` as ``of length 3``, ``()`` as ``a single number``."""
    if len(shape) == 1:
        return f"of length {shape[0]}"
    if len(shape) > 8:
        return f"of {len(shape):,} dimensions"
    return "×".join(str(size) for size in shape) or "a single number"


def brief(value: Any, limit: int = 60) -> str:
    """A short text for a plain value."""
    if isinstance(value, torch.Tensor):
        if value.ndim == 0:
            return _number(value.item())
        if value.numel() <= 9:
            return str(value.tolist())
        return f"a tensor, {shape_text(value.shape)}"
    if type(value) is float:
        return _number(value)
    try:
        text = repr(value)
    except ValueError:  # Python refuses to write an int of more than 4,300 digits
        text = "a huge number"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def compare(
    actual: Any,
    expected: Any,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    exact_dtype: bool = True,
) -> Mismatch | None:
    """The first difference between two plain values, or None if there is none.

    Floats and float tensors are compared within tolerances (by default those of
    `torch.testing.assert_close` for the dtype), all else exactly, types included.
    """
    options: Any = {"rtol": rtol, "atol": atol, "exact_dtype": exact_dtype}
    if isinstance(expected, torch.Tensor):
        return _compare_tensors(actual, expected, **options)
    if type(expected) is float and type(actual) in (float, int):
        tolerance = _tolerance(torch.float64, rtol, atol)
        return None if _close(_float(actual), expected, *tolerance) else _values(actual, expected)
    if type(actual) is not type(expected):
        return _types(actual, expected)
    if isinstance(expected, dict):
        return _compare_dicts(actual, expected, **options)
    if isinstance(expected, (list, tuple)):
        return _compare_sequences(actual, expected, **options)
    return None if actual == expected else _values(actual, expected)


def _tolerance(dtype: torch.dtype, rtol: float | None, atol: float | None) -> tuple[float, float]:
    default = _TOLERANCES.get(dtype, (0.0, 0.0))
    return (default[0] if rtol is None else rtol), (default[1] if atol is None else atol)


def _float(number: float) -> float:
    """As a float; an integer that is too large for one is infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _close(actual: float, expected: float, rtol: float, atol: float) -> bool:
    if math.isnan(expected) or math.isinf(expected):
        return actual == expected or (math.isnan(actual) and math.isnan(expected))
    return abs(actual - expected) <= atol + rtol * abs(expected)


def _values(actual: Any, expected: Any) -> Mismatch:
    return Mismatch(
        f"your answer is {brief(actual)}, the right one is {brief(expected)}",
        "the value is wrong",
    )


def kind_text(value: Any) -> str:
    """What sort of plain value this is, in words."""
    if value is None:
        return f"None{_MISSING}"
    if isinstance(value, torch.Tensor):
        return "a tensor"
    names = {bool: "True or False", int: "an int", float: "a float", str: "a str"}
    names |= {list: "a list", tuple: "a tuple", dict: "a dict"}
    return names[type(value)]


def _types(actual: Any, expected: Any) -> Mismatch:
    text = f"your answer is {kind_text(actual)}, the right one is {kind_text(expected)}"
    return Mismatch(text, text)


def _compare_dicts(actual: Any, expected: Any, **options: Any) -> Mismatch | None:
    for key, value in expected.items():
        if key not in actual:
            text = f"{key!r} is missing"
            return Mismatch(text, text)
        if difference := compare(actual[key], value, **options):
            return difference.within(key)
    for key in actual:
        if key not in expected:
            text = f"{brief(key)} should not be there"
            return Mismatch(text, text)
    return None


def _compare_sequences(actual: Any, expected: Any, **options: Any) -> Mismatch | None:
    if len(actual) != len(expected):
        return Mismatch(
            f"yours has {len(actual)} entries, {brief(actual)}; "
            f"the right one has {len(expected)}, {brief(expected)}",
            "the number of entries is wrong",
        )
    simple = all(not isinstance(item, (dict, list, tuple, torch.Tensor)) for item in expected)
    for index, (one, other) in enumerate(zip(actual, expected, strict=True)):
        if difference := compare(one, other, **options):
            return _values(actual, expected) if simple else difference.within(f"entry {index}")
    return None


def _compare_tensors(
    actual: Any,
    expected: torch.Tensor,
    *,
    rtol: float | None,
    atol: float | None,
    exact_dtype: bool,
) -> Mismatch | None:
    if not isinstance(actual, torch.Tensor):
        return _types(actual, expected)
    if actual.shape != expected.shape:
        return Mismatch(
            f"your output is {shape_text(actual.shape)}, "
            f"the right one is {shape_text(expected.shape)}",
            f"the shape is wrong (yours is {shape_text(actual.shape)})",
        )
    if exact_dtype and actual.dtype != expected.dtype:
        text = f"your output has dtype {actual.dtype}, the right one has {expected.dtype}"
        return Mismatch(text, text)
    return _compare_values(actual, expected, *_tolerance(expected.dtype, rtol, atol))


def _compare_values(
    actual: torch.Tensor, expected: torch.Tensor, rtol: float, atol: float
) -> Mismatch | None:
    wide = torch.complex128 if expected.is_complex() else torch.float64
    exact = not (expected.is_floating_point() or expected.is_complex())
    if exact and actual.dtype == expected.dtype:
        wrong = actual != expected
    else:
        one, other = actual.to(wide), expected.to(wide)
        wrong = ~torch.isclose(one, other, rtol=rtol, atol=atol, equal_nan=True)
    count = int(wrong.sum())
    if not count:
        return None
    place = tuple(torch.nonzero(wrong)[0].tolist())
    where = f" at {list(place)}" if place else ""
    return Mismatch(
        f"{count} of {wrong.numel()} values differ; first{where}: "
        f"yours {_number(actual[place].item())}, right {_number(expected[place].item())}",
        f"the shape is right, {count} of {wrong.numel()} values are wrong",
    )
