"""How `pairwise_distances` fills a matrix: by tiles, each pair of points once, within a memory.

L1 distances are sums of differences, L2 and cosine distances come from matrix products.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

#: Rows, columns and features of a tile, at most: so that it stays near the processor.
_CPU, _GPU = (192, 2048, 4096), (2048, 4096, 8192)
#: Features of one sum in float32: a longer one would lose digits.
_SUM = 512
#: The relative error that a distance may have, in float64 and in anything less.
_FINE, _COARSE = 1e-10, 1e-8
#: Squares of which float32 has a root.
_SMALL, _LARGE = 1e-30, 1e37


def fill_l1(out: Tensor, points: Tensor, memory: int) -> None:
    """The sums of absolute differences of ``points``, ``(n, d)``, into ``out``, ``(n, n)``.

    On the CPU by `torch.nn.functional.pdist`, which uses the processor's vector instructions (of
    pairs of tiles, if there is no memory for all at once); elsewhere by `torch.cdist` of tiles.
    """
    wide = _at_least_single(points.dtype)
    if points.device.type != "cpu":
        height, width, depth = _sizes(points, wide.itemsize, memory)
        block = partial(_l1_block, points, wide, depth)
        _fill(out, height, width, block)
        return
    count, depth = len(points), min(_SUM, points.shape[1])
    whole = 2 * count * count + count * depth  # numbers: two triangles, a square, some features
    if whole * wide.itemsize <= memory:
        _put_triangle(out, points, wide)
        return
    side = count
    while (2 * side * side + side * depth) * wide.itemsize > memory and side > 2:
        side = -(-side // 2)
    if (2 * side * side + side * depth) * wide.itemsize > memory:
        least = (8 + 2 * depth) * wide.itemsize
        raise ValueError(f"memory_limit is {memory}; allowed: {least:,} bytes or more")
    tiles = pieces(count, side // 2)
    for place, rows in enumerate(tiles):
        for columns in tiles[place + 1 :]:
            both = torch.cat([torch.arange(count)[rows], torch.arange(count)[columns]])
            square = out.new_empty(len(both), len(both))
            _put_triangle(square, points[both], wide)
            out[both.unsqueeze(1), both] = square


def _put_triangle(out: Tensor, points: Tensor, wide: torch.dtype) -> None:
    parts = [points[:, part].to(wide).contiguous() for part in pieces(points.shape[1], _SUM)]
    triangle = reduce(Tensor.add_, (F.pdist(part, 1) for part in parts))
    begin, count = 0, len(out)
    for row in range(count - 1):
        end = begin + count - 1 - row
        out[row, row + 1 :] = triangle[begin:end]
        begin = end
    out.diagonal().zero_()
    for place, rows in enumerate(tiles := pieces(count, 512)):
        for columns in tiles[place + 1 :]:
            out[columns, rows] = out[rows, columns].mT.contiguous()
        _mirror(out[rows, rows])


def _l1_block(points: Tensor, wide: torch.dtype, depth: int, rows: slice, columns: slice) -> Tensor:
    parts = pieces(points.shape[1], depth)
    return reduce(
        Tensor.add_,
        (torch.cdist(points[rows, p].to(wide), points[columns, p].to(wide), p=1) for p in parts),
    )


def fill_squares(
    out: Tensor, points: Tensor, memory: int, finish: Any, *more: float, directions: bool = False
) -> None:
    """``finish`` (an operation in place) of the squared L2 distances of ``points``, into ``out``.

    With ``directions``, of the points scaled to length 1; a point of zeros, which has no direction,
    is then at the squared distance 2 from all that are not zeros.
    """
    cloud = _Cloud(points, memory, directions)
    tolerance = _FINE if points.dtype == torch.float64 else _COARSE
    unsure = torch.finfo(cloud.dtype).eps * points.shape[1] ** 0.5 / tolerance
    narrow = _at_least_single(points.dtype)
    buffer = cloud.squares.new_empty(cloud.height * cloud.width)

    def block(rows: slice, columns: slice) -> Tensor:
        one, other = cloud.squares[rows], cloud.squares[columns]
        found = buffer[: len(one) * len(other)].view(len(one), len(other))
        torch.add(one.unsqueeze(1), other, out=found)
        for part in cloud.parts:
            found.addmm_(cloud.take(rows, part), cloud.take(columns, part).mT, alpha=-2)
        if rows.start == columns.start:
            found.diagonal().fill_(torch.inf)
        most = float(one.max() + other.max())
        if most < _LARGE and float(found.min()) > max(unsure * most, _SMALL):
            return finish(found.to(narrow), *more)
        near = found <= (one.unsqueeze(1) + other).mul_(unsure)
        if rows.start == columns.start:
            near.triu_(1)
        _mend(found, near, cloud, rows, columns)
        return finish(found, *more)

    _fill(out, cloud.height, cloud.width, block)
    if directions:
        far = finish(cloud.squares.new_tensor(2.0), *more).item()
        out.masked_fill_(cloud.zero != cloud.zero.unsqueeze(1), far)


class _Cloud:
    """Points, centered, in float64: all at once where there is memory, else when they are asked."""

    def __init__(self, points: Tensor, memory: int, directions: bool) -> None:
        self.points = points
        # a device of Apple's has no float64
        self.dtype = torch.float32 if points.device.type == "mps" else torch.float64
        self.height, self.width, depth = _sizes(points, self.dtype.itemsize, memory)
        count, features = points.shape
        self.parts = pieces(features, depth)
        self.chunks = pieces(count, self.height)
        self.scales: Tensor | None = None
        self.mean: Tensor | None = None
        self.kept: Tensor | None = None
        if directions:
            norms = self._squares().sqrt_()
            self.zero = norms == 0
            self.scales = norms.masked_fill_(self.zero, 1).reciprocal_()
        sums = [
            reduce(Tensor.add_, (self.take(r, p).sum(dim=0) for r in self.chunks))
            for p in self.parts
        ]
        self.mean = torch.cat(sums).div_(count)
        tile = self.height * (self.width + 2 * depth) + self.width * (self.height + depth)
        if (count * features + tile) * self.dtype.itemsize <= memory:
            self.kept = self.take(slice(0, count), slice(0, features))
        self.squares = self._squares()
        if not bool(self.squares.isfinite().all()):
            raise ValueError("points has numbers whose squares are not finite; allowed: smaller")

    def _squares(self) -> Tensor:
        """The squared distance of each point from the origin."""
        norms = ([self.take(r, p).norm(dim=1) for p in self.parts] for r in self.chunks)
        return torch.cat([torch.stack(of).square_().sum(dim=0) for of in norms])

    def take(self, rows: slice | Tensor, part: slice) -> Tensor:
        """Some features of some points."""
        if self.kept is not None:
            return self.kept[rows, part]
        made = self.points[rows, part].to(self.dtype, copy=True)
        if self.scales is not None:
            made *= self.scales[rows].unsqueeze(1)
        return made if self.mean is None else made.sub_(self.mean[part])


def _mend(found: Tensor, near: Tensor, cloud: _Cloud, rows: slice, columns: slice) -> None:
    """Put squared distances of differences in the place of those that are marked as near."""
    many = int(near.sum())
    if many > found.numel() // 16:  # gathering pairs costs more than the whole tile
        exact = torch.zeros_like(found)
        for part in cloud.parts:
            far = torch.cdist(
                cloud.take(rows, part),
                cloud.take(columns, part),
                compute_mode="donot_use_mm_for_euclid_dist",
            )
            exact += far.square_()
        found.copy_(torch.where(near, exact, found))
    elif many:
        depth = cloud.parts[0].stop
        for pairs in near.nonzero().split(max(1, cloud.height * cloud.width // (4 * depth))):
            one, other = pairs.unbind(dim=1)
            starts = rows.start + one, columns.start + other
            parts = ([cloud.take(place, part) for place in starts] for part in cloud.parts)
            found[one, other] = reduce(
                Tensor.add_, ((a - b).square_().sum(dim=1) for a, b in parts)
            )


def _fill(out: Tensor, height: int, width: int, block: Callable[[slice, slice], Tensor]) -> None:
    """Fill a symmetric matrix with what ``block`` gives for tiles on and above its diagonal."""
    count = len(out)
    for rows in pieces(count, height):
        for columns in pieces(count, width, rows.start):
            part = block(rows, columns).to(out.dtype)
            out[columns, rows] = part.mT.contiguous()
            out[rows, columns] = part
        _mirror(out[rows, rows])


def _mirror(square: Tensor) -> None:
    """Put what is above the diagonal below it, too, and zeros on it."""
    above = square.triu(1)
    torch.add(above, above.mT, out=square)


def pieces(length: int, step: int, begin: int = 0) -> list[slice]:
    """The slices of ``step`` places, the last perhaps smaller, from ``begin`` to ``length``."""
    return [slice(start, min(start + step, length)) for start in range(begin, length, step)]


def _at_least_single(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype


def _sizes(points: Tensor, itemsize: int, memory: int) -> tuple[int, int, int]:
    """Rows, columns and features of a tile: those of the device, or so few that they fit."""
    count, features = points.shape
    limits = _CPU if points.device.type == "cpu" else _GPU
    height, width, depth = map(min, limits, (count, count, features))
    fixed = (3 * count + features) * itemsize

    def needed() -> int:
        numbers = 3 * height * width + 2 * (height + width) * depth
        return fixed + numbers * itemsize

    while needed() > memory and max(height, width, depth) > 1:
        if depth >= max(height, width):
            depth = -(-depth // 2)
        elif width >= height:
            width = -(-width // 2)
        else:
            height = -(-height // 2)
    if needed() > memory:
        raise ValueError(f"memory_limit is {memory}; allowed: {needed():,} bytes or more")
    return height, width, depth
