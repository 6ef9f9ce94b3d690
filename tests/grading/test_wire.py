"""Plain data crosses unchanged; nothing else crosses; no byte is trusted."""

from __future__ import annotations

import contextlib
import os
import struct
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.exercises.compare import compare
from helpers.grading import wire

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def there_and_back(value: Any) -> Any:
    data = wire.encode(value)
    text, blob = struct.unpack("!II", data[:8])
    return wire.decode(data[8 : 8 + text], data[8 + text : 8 + text + blob])


@given(plain)
def test_plain_data_crosses_unchanged(value: Any) -> None:
    back = there_and_back(value)
    assert back == value and type(back) is type(value)
    assert compare(back, value) is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.bool])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 4)])
def test_tensors_cross_unchanged(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    value = {"out": [torch.ones(shape).to(dtype), (1, 2.5)]}
    back = there_and_back(value)
    assert torch.equal(back["out"][0], value["out"][0]) and back["out"][0].dtype == dtype
    assert back["out"][1] == (1, 2.5)


class Cunning(int):
    """A subclass may answer as it likes, so it does not travel."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


@pytest.mark.parametrize("value", [Cunning(3), object(), {1: 2}, {"a": {4, 5}}, lambda: 1])
def test_nothing_else_crosses(value: Any) -> None:
    with pytest.raises(wire.WireError):
        wire.encode(value)


def test_deep_nesting_is_refused() -> None:
    value: Any = 0
    for _ in range(50):
        value = [value]
    with pytest.raises(wire.WireError, match="nested deeper"):
        wire.encode(value)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_hostile_bytes_only_raise_wire_errors(text: bytes, blob: bytes) -> None:
    with contextlib.suppress(wire.WireError):
        wire.decode(text, blob)


@pytest.mark.parametrize("text", [b'["tensor", 7]', b'["code", "x"]', b"[]", b"[" * 5000])
def test_malformed_trees_are_refused(text: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.decode(text, b"")


def test_a_message_too_large_is_refused_before_it_is_read() -> None:
    inward, outward = os.pipe()
    os.write(outward, struct.pack("!II", wire.MAX_JSON + 1, 0))
    with pytest.raises(wire.WireError, match="larger than allowed"):
        wire.receive(inward, 1.0)


def test_waiting_ends_in_time_and_at_the_end_of_the_pipe() -> None:
    inward, outward = os.pipe()
    os.write(outward, b"\0\0")
    with pytest.raises(wire.TimeIsUp):
        wire.receive(inward, 0.05)
    os.close(outward)
    with pytest.raises(wire.Closed):
        wire.receive(inward, 1.0)


def test_writing_to_who_does_not_read_ends_in_time() -> None:
    _inward, outward = os.pipe()
    with pytest.raises(wire.TimeIsUp):
        wire.send(outward, "x" * 10**6, 0.05)
