"""Plain data: the only thing that passes between a learner's answer and the judge."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

_SCALARS = (bool, int, float, str)


class NotPlain(TypeError):
    """An answer returned something that is not a number, a text, a tensor, or a list of these."""


def to_plain(value: Any) -> Any:
    """``value`` with torch's and NumPy's relatives of plain types made plain.

    ``torch.Size`` becomes a tuple, NumPy scalars become Python's, arrays and parameters become
    detached tensors without their subclass. Tensors are copied, so that nothing that happens
    later changes what was returned.

    Raises
    ------
    NotPlain
        For anything else (an object of the learner's own, a function, a module).
    """
    if value is None or type(value) in _SCALARS:
        return value
    if isinstance(value, torch.Tensor):
        plain = torch.Tensor.detach(value).as_subclass(torch.Tensor)
        if plain.layout != torch.strided or plain.is_quantized or plain.is_nested:
            raise NotPlain("a sparse, nested or quantized tensor; a dense one was expected")
        if plain.is_meta:
            raise NotPlain("a tensor on the device 'meta', which has no numbers")
        return plain.to("cpu", copy=True).contiguous()
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.array(value))
    if isinstance(value, np.generic):
        return to_plain(value.item())
    if isinstance(value, tuple):
        return tuple(to_plain(item) for item in tuple.__iter__(value))
    if isinstance(value, list):
        return [to_plain(item) for item in list.__iter__(value)]
    if isinstance(value, dict):
        return {_key(key): to_plain(item) for key, item in dict.items(value)}
    for kind in _SCALARS:
        if isinstance(value, kind):
            raise NotPlain(f"an object of {type(value).__name__}, a subclass of {kind.__name__}")
    raise NotPlain(f"an object of type {type(value).__name__}")


def _key(key: Any) -> str:
    if type(key) is not str:
        raise NotPlain(f"a dict with the key {key!r}; only texts are keys here")
    return key
