"""Batches of data, and tensors made beforehand that fill up batch by batch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader


def batches(data: Any, batch_size: int) -> Iterator[Tensor]:
    """The batches of a tensor of samples, or of what gives batches: a data loader, a list.

    Of a batch that is a tuple or a list, the first entry.

    Raises
    ------
    ValueError
        If ``batch_size`` is not positive.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; allowed: 1 or more")
    for batch in data.split(batch_size) if isinstance(data, Tensor) else data:
        yield batch[0] if isinstance(batch, (list, tuple)) else batch


def count_samples(data: Any) -> int:
    """How many samples ``data`` holds, as in `batches`, without reading them.

    Raises
    ------
    ValueError
        If it cannot tell: a stream, or a loader with a batch sampler of its own.
    """
    if isinstance(data, Tensor):
        return len(data)
    if isinstance(data, (list, tuple)):
        return sum(len(batch) for batch in batches(data, 1))
    if isinstance(data, DataLoader) and data.batch_size is not None:
        try:
            count = len(data.sampler)  # type: ignore[arg-type]
        except TypeError:  # a stream
            count = 0
        if count:
            return count - (count % data.batch_size if data.drop_last else 0)
    raise ValueError("count is None; allowed: the number of samples, for data cannot tell it")


class Store:
    """Tensors made beforehand, one a name, that fill up batch by batch.

    Parameters
    ----------
    count
        The number of samples.
    to
        A device or a dtype for the tensors; None for those of what comes.
    limit, folder
        Beyond so many bytes, tensors lie in files in this folder, made if need be.
    """

    def __init__(self, count: int, to: Any, limit: int | None, folder: str | Path | None) -> None:
        if count < 1:
            raise ValueError(f"count is {count}; allowed: 1 or more samples")
        self.count, self.to, self.limit = count, to, limit
        self.folder = None if folder is None else Path(folder)
        self.tensors: dict[str, Tensor] = {}
        self.filled: dict[str, int] = {}
        self.begin = self.end = self.bytes = 0

    def start(self, size: int) -> None:
        """A batch of ``size`` samples comes; every name must have had the one before."""
        self._complete()
        self.begin, self.end = self.end, self.end + size
        if self.end > self.count:
            raise ValueError(f"count is {self.count}; allowed: {self.end} or more, as data holds")

    def put(self, name: str, tensor: Tensor) -> None:
        """Copy what belongs to ``name`` for the running batch to its place."""
        size = self.end - self.begin
        if tensor.ndim == 0 or len(tensor) != size:
            raise ValueError(
                f"{name} gives the shape {tuple(tensor.shape)} for a batch of {size}; "
                "allowed: the batch as first dimension (transform can bring it there)"
            )
        if name not in self.tensors:
            if self.begin:
                raise ValueError(f"{name} runs for some batches only; allowed: for all or none")
            self.tensors[name] = self._empty(name, tensor)
        into = self.tensors[name]
        if into.shape[1:] != tensor.shape[1:]:
            raise ValueError(
                f"{name} gives {tuple(tensor.shape[1:])} for each sample after "
                f"{tuple(into.shape[1:])}; allowed: the same for all"
            )
        into[self.begin : self.end].copy_(tensor)
        self.filled[name] = self.end

    def _empty(self, name: str, tensor: Tensor) -> Tensor:
        like = tensor.new_empty(0) if self.to is None else tensor.new_empty(0).to(self.to)
        shape = (self.count, *tensor.shape[1:])
        numbers = torch.Size(shape).numel()
        needed = self.bytes + numbers * like.element_size()
        if self.limit is None or needed <= self.limit:
            self.bytes = needed
            return like.new_empty(shape)
        if self.folder is None:
            raise ValueError(
                f"limit is {self.limit:,} bytes; allowed: {needed:,} or more for all up to {name}, "
                "or a folder for what goes beyond"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        safe = re.sub(r"[^\w.#-]", "_", name)
        path = self.folder / f"{len(self.tensors):03}-{safe}.bin"
        path.unlink(missing_ok=True)  # another gathering's tensor may still read the old one
        flat = torch.from_file(str(path), shared=True, size=numbers, dtype=like.dtype)
        return flat.reshape(shape)

    def _complete(self) -> None:
        late = [name for name, filled in self.filled.items() if filled != self.end]
        if late:
            raise ValueError(f"{late[0]} runs for some batches only; allowed: for all or none")

    def finished(self) -> dict[str, Tensor]:
        """Name → the tensor of all samples, in the order of the first batch."""
        self._complete()
        return {name: tensor[: self.end] for name, tensor in self.tensors.items()}


def device_of(model: nn.Module) -> torch.device | None:
    """Where a model computes; None if it has no tensors, so that data stay where they are."""
    tensors = (*model.parameters(), *model.buffers())
    return tensors[0].device if tensors else None
