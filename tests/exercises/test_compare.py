"""Comparison of plain data: what counts as equal, and how a difference is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.exercises.compare import compare
from helpers.exercises.plain import NotPlain, to_plain


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6),
    st.sampled_from([torch.float32, torch.float64]),
    st.floats(-1e-3, 1e-3),
)
def test_tensors_agree_exactly_when_torch_says_so(
    values: list[float], dtype: torch.dtype, change: float
) -> None:
    expected = torch.tensor(values, dtype=dtype)
    actual = expected + change
    try:
        torch.testing.assert_close(actual, expected)
        close = True
    except AssertionError:
        close = False
    assert (compare(actual, expected) is None) == close


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (3, 4, "your answer is 3, the right one is 4"),
        (3.0, 3, "your answer is a float, the right one is an int"),
        (True, 1, "your answer is True or False, the right one is an int"),
        (None, 1, "your answer is None (is a return missing?), the right one is an int"),
        ((1, 2), (1, 3), "your answer is (1, 2), the right one is (1, 3)"),
        ([1], [1, 2], "yours has 1 entries, [1]; the right one has 2, [1, 2]"),
        ({"a": 1}, {"a": 1, "b": 2}, "'b' is missing"),
        ({"a": 1, "b": 2}, {"a": 1}, "'b' should not be there"),
        ({"a": [torch.zeros(2)]}, {"a": [torch.ones(2)]},
         "a: entry 0: 2 of 2 values differ; first at [0]: yours 0, right 1"),
        (torch.zeros(2, 3), torch.zeros(3, 2), "your output is 2×3, the right one is 3×2"),
        (torch.zeros(2), torch.zeros(2, dtype=torch.int64),
         "your output has dtype torch.float32, the right one has torch.int64"),
        (torch.zeros(()), torch.ones(3),
         "your output is a single number, the right one is of length 3"),
        (1.0, torch.ones(1), "your answer is a float, the right one is a tensor"),
    ],
)  # fmt: skip
def test_differences_are_told(actual: Any, expected: Any, message: str) -> None:
    difference = compare(actual, expected)
    assert difference is not None and difference.message == message


@pytest.mark.parametrize(
    ("actual", "expected"),
    [(5, 4), ([7, 8], [7, 9]), ({"a": 5.5}, {"a": 4.5}), (torch.ones(2), 4 * torch.ones(2))],
)
def test_the_public_text_holds_no_right_value(actual: Any, expected: Any) -> None:
    difference = compare(actual, expected)
    assert difference is not None
    assert not any(number in difference.public for number in ("4", "9"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_not_a_number_equals_only_itself(value: float) -> None:
    assert compare(value, value) is None
    assert compare(0.0, value) is not None and compare(value, 0.0) is not None


def test_relatives_of_plain_types_become_plain() -> None:
    class Sub(torch.Tensor):
        pass

    value = to_plain(
        {
            "size": torch.zeros(2, 3).shape,
            "int": np.int64(3),
            "float": np.float64(0.5),
            "array": np.arange(3),
            "sub": torch.ones(2).as_subclass(Sub),
            "parameter": torch.nn.Parameter(torch.ones(1)),
        }
    )
    assert value["size"] == (2, 3) and type(value["size"]) is tuple
    assert (type(value["int"]), type(value["float"])) == (int, float)
    assert torch.equal(value["array"], torch.arange(3))
    assert type(value["sub"]) is torch.Tensor and type(value["parameter"]) is torch.Tensor


def test_a_tensor_changed_later_does_not_change_what_was_returned() -> None:
    tensor = torch.zeros(2)
    kept = to_plain(tensor)
    tensor += 1
    assert kept.tolist() == [0.0, 0.0]


class Always(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


@pytest.mark.parametrize("value", [object(), Always(3), {1: 2}, [lambda: 0], torch.nn.Linear(1, 1)])
def test_other_objects_are_refused(value: Any) -> None:
    with pytest.raises(NotPlain):
        to_plain(value)
