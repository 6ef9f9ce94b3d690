"""Where a training keeps its data: on the device up to a limit, beyond it in files; checkpoints."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

#: What a training may keep on a CPU if nobody says otherwise, in bytes.
_CPU_LIMIT = 2**32


class Memory:
    """Keeps tensors on a device as long as there is room.

    Parameters
    ----------
    device
        Where the training runs.
    limit
        In bytes; None for half of a GPU's free memory, or 4 GiB.
    folder
        For files that hold what there is no room for. They are mapped into memory, so the operating
        system keeps as much of them there as it can spare.
    """

    def __init__(self, device: torch.device, limit: int | None, folder: str) -> None:
        if limit is not None and limit < 0:
            raise ValueError(f"memory_limit is {limit}; allowed: 0 or more bytes")
        if limit is None:
            free = torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else _CPU_LIMIT
            limit = free
        self.device, self.left, self.folder = device, limit, Path(folder)
        self.held: dict[int, int] = {}

    def hold(self, tensor: Tensor) -> Tensor:
        """The tensor on the device if there is room for it, else where it is."""
        size = tensor.numel() * tensor.element_size()
        if tensor.device == self.device or size > self.left:
            return tensor  # the caller's own takes no room of ours
        moved = tensor.to(self.device)
        self._count(moved, size)
        return moved

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Room for a tensor, on the device or in a file."""
        numbers = math.prod(shape)
        size = numbers * dtype.itemsize
        if size <= self.left:
            made = torch.empty(shape, dtype=dtype, device=self.device)
            self._count(made, size)
            return made
        file = self.folder / f"{len(list(self.folder.iterdir()))}.bin"
        mapped = torch.from_file(str(file), shared=True, size=numbers, dtype=dtype)
        return mapped.reshape(shape)

    def free(self, tensor: Tensor) -> None:
        """Count a tensor's room as free again; it is given back when nobody refers to it."""
        self.left += self.held.pop(id(tensor), 0)

    def _count(self, tensor: Tensor, size: int) -> None:
        self.left -= size
        self.held[id(tensor)] = size


def save_checkpoint(path: str | Path, **content: Any) -> None:
    """Write a checkpoint, in one go: the file is the old one or the new one, never half of one."""
    path = Path(path)
    unfinished = path.with_name(f"{path.name}.part")
    torch.save(content, unfinished)
    unfinished.replace(path)


def load_checkpoint(
    path: str | Path | None, told: dict[str, Any], device: torch.device
) -> dict[str, Any]:
    """What was written there, or nothing.

    Raises
    ------
    ValueError
        If it was written by a training that was told something else.
    """
    if path is None or not Path(path).is_file():
        return {}
    found: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    for name, value in told.items():
        if found["told"].get(name) != value:
            raise ValueError(
                f"checkpoint {Path(path).name} is of another training: its {name} is "
                f"{found['told'].get(name)}; allowed: {value}, or another file"
            )
    return found
