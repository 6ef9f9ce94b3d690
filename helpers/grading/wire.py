"""What crosses between the judge and the process that runs a learner's code: plain data only.

A message is two lengths, a JSON text and a safetensors blob. Nothing is unpickled, and whoever
reads treats every byte as hostile: lengths are bounded, types are exact, the rest is refused.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

_HEADER = struct.Struct("!II")
MAX_JSON = 4 * 2**20
MAX_BLOB = 16 * 2**20
_MAX_DEPTH = 12
#: Bytes that a pipe takes at once when it is ready to be written to.
_PIPE = select.PIPE_BUF


class WireError(ValueError):
    """A message that is not one: too large, malformed, or of a type that does not travel."""


class Closed(EOFError):
    """The other side is gone."""


class TimeIsUp(TimeoutError):
    """No whole message came in time."""


def encode(value: Any) -> bytes:
    """A plain value as the bytes of one message."""
    tensors: dict[str, torch.Tensor] = {}
    tree = _tree(value, tensors, 0)
    try:
        text = json.dumps(tree).encode()
        blob = save_tensors(tensors) if tensors else b""
    except (ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise WireError(f"this does not travel: {error}") from None
    if len(text) > MAX_JSON or len(blob) > MAX_BLOB:
        raise WireError(f"an answer of {len(text) + len(blob):,} bytes is larger than allowed")
    return _HEADER.pack(len(text), len(blob)) + text + blob


def _tree(value: Any, tensors: dict[str, torch.Tensor], depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise WireError(f"an answer is nested deeper than {_MAX_DEPTH}")
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is torch.Tensor:
        tensors[str(len(tensors))] = value.detach().clone().contiguous()
        return ["tensor", len(tensors) - 1]
    if type(value) in (list, tuple):
        return [type(value).__name__, *(_tree(item, tensors, depth + 1) for item in value)]
    if type(value) is dict:
        if not all(type(key) is str for key in value):
            raise WireError("the keys of a dict must be texts")
        return {key: _tree(item, tensors, depth + 1) for key, item in value.items()}
    raise WireError(f"an object of type {type(value).__name__} does not travel")


def decode(text: bytes, blob: bytes) -> Any:
    """The plain value of a message, or `WireError`."""
    try:
        tree = json.loads(text.decode("utf-8"))
        tensors = load_tensors(blob) if blob else {}
    except (ValueError, RecursionError, SafetensorError, KeyError) as error:
        raise WireError(f"malformed: {error}") from None
    return _value(tree, tensors, 0)


def _value(tree: Any, tensors: dict[str, torch.Tensor], depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise WireError("nested too deep")
    if isinstance(tree, dict):
        return {key: _value(item, tensors, depth + 1) for key, item in tree.items()}
    if not isinstance(tree, list):
        return tree
    kind, *items = tree or [None]
    if kind == "tensor" and len(items) == 1 and str(items[0]) in tensors:
        return tensors[str(items[0])]
    if kind in ("list", "tuple"):
        made = [_value(item, tensors, depth + 1) for item in items]
        return made if kind == "list" else tuple(made)
    raise WireError(f"malformed: {str(tree)[:60]}")


def send(descriptor: int, value: Any, timeout: float | None = None) -> None:
    """Write one message; with ``timeout`` (seconds), all of it must be read in that time.

    Raises
    ------
    TimeIsUp, Closed
        If the other side does not read, or is gone.
    """
    data = memoryview(encode(value))
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        while data:
            _, ready, _ = select.select([], [descriptor], [], _left(deadline))
            if not ready:
                raise TimeIsUp("the other side does not read")
            data = data[os.write(descriptor, data[:_PIPE]) :]
    except TimeIsUp:
        raise
    except OSError:
        raise Closed("the other side is gone") from None


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def receive(descriptor: int, timeout: float | None = None) -> Any:
    """Read one message; with ``timeout`` (seconds), all of it must come in that time.

    Raises
    ------
    TimeIsUp, Closed, WireError
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    lengths = _HEADER.unpack(_read(descriptor, _HEADER.size, deadline))
    if lengths[0] > MAX_JSON or lengths[1] > MAX_BLOB:
        raise WireError(f"a message of {sum(lengths):,} bytes is larger than allowed")
    text = _read(descriptor, lengths[0], deadline)
    return decode(text, _read(descriptor, lengths[1], deadline))


def _read(descriptor: int, size: int, deadline: float | None) -> bytes:
    data = bytearray()
    while len(data) < size:
        ready, _, _ = select.select([descriptor], [], [], _left(deadline))
        if not ready:
            raise TimeIsUp("no whole message came in time")
        part = os.read(descriptor, min(size - len(data), 2**20))
        if not part:
            raise Closed("the other side is gone")
        data += part
    return bytes(data)
