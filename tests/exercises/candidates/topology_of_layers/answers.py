"""Right and wrong answers to the exercises of chapter 13."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

# median-scale


def _pairs(distances: Tensor) -> Tensor:
    i, j = torch.triu_indices(len(distances), len(distances), offset=1)
    return distances[i, j]


def _scaled(
    chosen: Callable[[Tensor], Tensor] = _pairs,
    middle: Callable[[Tensor], Any] = lambda values: values.quantile(0.5),
) -> Callable[[Tensor], Tensor]:
    def median_scaled(distances: Tensor) -> Tensor:
        return distances / middle(chosen(distances))

    return median_scaled


def _scaled_by_sorting(distances: Tensor) -> Tensor:
    count = len(distances)
    values = sorted(distances[a, b].item() for a, b in combinations(range(count), 2))
    low, high = values[(len(values) - 1) // 2], values[len(values) // 2]
    return distances * (2 / (low + high))


def _scaled_by_numpy(distances: Tensor) -> Tensor:
    off = ~np.eye(len(distances), dtype=bool)
    return distances / float(np.median(distances.numpy()[off]))


# layer-clouds


def _clouds(
    keep: Callable[[Tensor], Tensor] = lambda output: output.detach().clone(),
    rows: Callable[[Tensor], Tensor] = lambda output: output.flatten(1),
    p: float = 1.0,
    scale: Callable[[Tensor], Tensor] = lambda d: d / _pairs(d).quantile(0.5),
    evaluate: bool = True,
    restore: Callable[[bool], bool] | None = bool,
    gradients: bool = False,
    remove: bool = True,
    late: bool = False,
) -> Callable[[nn.Module, list[str], Tensor], dict[str, Tensor]]:
    def layer_distances(model: nn.Module, names: list[str], images: Tensor) -> dict[str, Tensor]:
        kept: dict[str, Tensor] = {}
        was, handles = model.training, []

        def listen(name: str) -> Any:
            def hook(module: nn.Module, args: Any, output: Tensor) -> None:
                kept[names[-1] if late else name] = keep(output)

            return hook

        for name in names:
            handles.append(model.get_submodule(name).register_forward_hook(listen(name)))
        if evaluate:
            model.eval()
        with torch.set_grad_enabled(gradients):
            model(images)
        if remove:
            for handle in handles:
                handle.remove()
        if restore:
            model.train(restore(was))
        return {n: scale(torch.cdist(rows(v), rows(v), p=p)) for n, v in kept.items()}

    return layer_distances


def _clouds_by_children(model: nn.Module, names: list[str], images: Tensor) -> dict[str, Tensor]:
    """Layer by layer, without hooks, and with broadcasting."""
    was = model.training
    model.eval()
    kept, value = {}, images
    with torch.no_grad():
        for name, layer in model.named_children():
            value = layer(value.clone())
            if name in names:
                row = value.reshape(len(value), -1)
                kept[name] = _scaled_by_sorting((row[:, None] - row[None]).abs().sum(dim=2))
    model.train(was)
    return kept


def _clouds_one_by_one(model: nn.Module, names: list[str], images: Tensor) -> dict[str, Tensor]:
    """A run for each layer."""
    return {name: _clouds()(model, [name], images)[name] for name in names}


def _clouds_of_a_copy(model: nn.Module, names: list[str], images: Tensor) -> dict[str, Tensor]:
    """A copy is run, and the network is not touched."""
    return _clouds(remove=False, restore=None)(copy.deepcopy(model), names, images)


def _clouds_in_training(model: nn.Module, names: list[str], images: Tensor) -> dict[str, Tensor]:
    """eval() comes after the run."""
    found = _clouds(evaluate=False)(model, names, images)
    model.eval()
    return found


# disjoint-subsamples


def _disjoint(
    draw: Callable[[int, int, int, Generator], Tensor] = lambda count, size, number, g: (
        torch.randperm(count, generator=g)[: number * size].reshape(number, size)
    ),
    refused: Callable[[int, int, int], bool] = lambda count, size, number: size * number > count,
) -> Callable[[int, int, int, Generator], Tensor]:
    def disjoint_subsamples(count: int, size: int, number: int, generator: Generator) -> Tensor:
        if refused(count, size, number):
            raise ValueError(f"{number} times {size} is more than {count}")
        return draw(count, size, number, generator)

    return disjoint_subsamples


def _dealt(count: int, size: int, number: int, generator: Generator) -> Tensor:
    """One subsample after another, from a list."""
    left = torch.randperm(count, generator=generator).tolist()
    hands = []
    for _ in range(number):
        if len(left) < size:
            raise ValueError("no points are left")
        hands.append(left[:size])
        left = left[size:]
    return torch.tensor(hands)


def _unfolded(count: int, size: int, number: int, generator: Generator) -> Tensor:
    if count // size < number:
        raise ValueError(f"only {count // size} subsamples of {size} fit")
    return torch.randperm(count, generator=generator).unfold(0, size, size)[:number]


def _bootstrap(count: int, size: int, number: int, g: Generator) -> Tensor:
    return torch.randint(count, (number, size), generator=g)


def _drawn_anew(count: int, size: int, number: int, g: Generator) -> Tensor:
    return torch.stack([torch.randperm(count, generator=g)[:size] for _ in range(number)])


# curve-irregularity


def _between(one: Tensor, other: Tensor) -> float:
    """Curves counted at the middle of each piece."""
    places = torch.cat([one.flatten(), other.flatten()]).unique()
    total = 0.0
    for low, high in pairwise(places.tolist()):
        middle = (low + high) / 2
        heights = [((b[:, 0] <= middle) & (middle < b[:, 1])).sum().item() for b in (one, other)]
        total += abs(heights[0] - heights[1]) * (high - low)
    return total


def _area(bars: Tensor) -> float:
    return (bars[:, 1] - bars[:, 0]).sum().item()


def _irregular(
    between: Callable[[Tensor, Tensor], float] = _between,
    area: Callable[[Tensor], float] = _area,
    pairs: Callable[[list[Tensor]], Any] = lambda diagrams: combinations(diagrams, 2),
    over: Callable[[list[float]], float] = lambda areas: sum(areas) / len(areas),
    mean: Callable[[list[float]], float] = lambda values: sum(values) / len(values),
) -> Callable[[list[Tensor]], float]:
    def irregularity(diagrams: list[Tensor]) -> float:
        found = [between(one, other) for one, other in pairs(diagrams)]
        return mean(found) / over([area(bars) for bars in diagrams])

    return irregularity


def _by_events(one: Tensor, other: Tensor) -> float:
    events = [(x.item(), s) for b, s in ((one, 1), (other, -1)) for x in b[:, 0]]
    events += [(x.item(), -s) for b, s in ((one, 1), (other, -1)) for x in b[:, 1]]
    height, total, last = 0, 0.0, 0.0
    for place, step in sorted(events):
        total += abs(height) * (place - last)
        height, last = height + step, place
    return total


def _by_searching(one: Tensor, other: Tensor) -> float:
    """Curves from sorted births and deaths."""
    places = torch.cat([one.flatten(), other.flatten()]).sort().values

    def curve(bars: Tensor) -> Tensor:
        born = torch.searchsorted(bars[:, 0].sort().values, places, right=True)
        gone = torch.searchsorted(bars[:, 1].sort().values, places, right=True)
        return born - gone

    return ((curve(one) - curve(other)).abs()[:-1] * places.diff()).sum().item()


def _on_a_grid(one: Tensor, other: Tensor) -> float:
    scales = torch.linspace(0, 6, 200, dtype=one.dtype)
    one_up, other_up = (
        ((bars[:, :1] <= scales) & (scales < bars[:, 1:])).sum(dim=0) for bars in (one, other)
    )
    return (one_up - other_up).abs().sum().item() * 6 / 199


def _of_areas(one: Tensor, other: Tensor) -> float:
    return abs(_area(one) - _area(other))


def _signed(one: Tensor, other: Tensor) -> float:
    return _area(one) - _area(other)


# shared-or-own


def _crops(
    first: int = 0,
    swapped: bool = False,
    turned: bool = False,
    end: Callable[[int, int], int] = lambda start, size: start + size,
) -> Callable[[Tensor, Tensor, int, bool], Tensor]:
    def crops(images: Tensor, corners: Tensor, size: int, own: bool) -> Tensor:
        if turned:
            own = not own
        places = corners if own else corners[first].expand(len(images), 2)
        found = []
        for image, place in zip(images, places.tolist(), strict=True):
            top, left = place[::-1] if swapped else place
            found.append(image[:, top : end(top, size), left : end(left, size)])
        return torch.stack(found)

    return crops


def _crops_by_indices(images: Tensor, corners: Tensor, size: int, own: bool) -> Tensor:
    corners = corners if own else corners[:1]
    steps = torch.arange(size)
    rows = (corners[:, :1] + steps)[:, None, :, None]
    columns = (corners[:, 1:] + steps)[:, None, None, :]
    sample = torch.arange(len(images))[:, None, None, None]
    channel = torch.arange(images.shape[1])[None, :, None, None]
    return images[sample, channel, rows, columns]


def _first_channel(images: Tensor, corners: Tensor, size: int, own: bool) -> Tensor:
    return _crops()(images[:, :1], corners, size, own)


def _always(own: bool) -> Callable[[Tensor, Tensor, int, bool], Tensor]:
    return lambda images, corners, size, _: _crops()(images, corners, size, own)


# gaussian-cloud


def _symmetric(covariance: Tensor) -> Tensor:
    values, axes = torch.linalg.eigh(covariance)
    return axes @ values.clamp(min=0).sqrt().diag() @ axes.T


def _gaussian(
    root: Callable[[Tensor], Tensor] = _symmetric,
    covariance: Callable[[Tensor], Tensor] = lambda points: torch.cov(points.T),
    mean: Callable[[Tensor], Any] = lambda points: points.mean(dim=0),
) -> Callable[[Tensor, Tensor], Tensor]:
    def gaussian_cloud(points: Tensor, noise: Tensor) -> Tensor:
        return mean(points) + noise @ root(covariance(points))

    return gaussian_cloud


def _gaussian_by_singular_values(points: Tensor, noise: Tensor) -> Tensor:
    middle = points.mean(dim=0)
    _, values, axes = torch.linalg.svd(points - middle, full_matrices=False)
    kept = noise @ axes.T
    return middle + kept * values / math.sqrt(len(points) - 1) @ axes


def _one_sided(covariance: Tensor) -> Tensor:
    values, axes = torch.linalg.eigh(covariance)
    return values.clamp(min=0).sqrt().diag() @ axes.T


def _one_sided_wrong(covariance: Tensor) -> Tensor:
    values, axes = torch.linalg.eigh(covariance)
    return axes @ values.clamp(min=0).sqrt().diag()


def _standardized(points: Tensor, noise: Tensor) -> Tensor:
    return points.mean(dim=0) + _gaussian()(points, (noise - noise.mean(dim=0)) / noise.std(dim=0))


# mend-interval


def _interval(
    middles: Callable[[Tensor], Tensor] = lambda table: table.mean(dim=1),
    spread: Callable[[Tensor, Tensor], Any] = lambda a, b: (a - b).std(),
    count: Callable[[Tensor], int] = len,
    share: Callable[[float], float] = lambda n: 1 / math.sqrt(n),
) -> Callable[[Tensor, Tensor, float], tuple[float, float, float]]:
    def paired_interval(one: Tensor, other: Tensor, factor: float) -> tuple[float, float, float]:
        a, b = middles(one), middles(other)
        middle = (a.mean() - b.mean()).item()
        reach = factor * float(spread(a, b)) * share(count(one))
        return middle, middle - reach, middle + reach

    return paired_interval


def _interval_by_numpy(one: Tensor, other: Tensor, factor: float) -> list[float]:
    differences = np.mean(one.numpy(), axis=1) - np.mean(other.numpy(), axis=1)
    middle = float(np.mean(differences))
    reach = factor * float(np.std(differences, ddof=1)) / len(differences) ** 0.5
    return [middle, middle - reach, middle + reach]


def _interval_in_a_loop(one: Tensor, other: Tensor, factor: float) -> tuple[float, float, float]:
    found = [
        sum(a) / len(a) - sum(b) / len(b) for a, b in zip(one.tolist(), other.tolist(), strict=True)
    ]
    middle = sum(found) / len(found)
    variance = sum((value - middle) ** 2 for value in found) / (len(found) - 1)
    reach = factor * math.sqrt(variance / len(found))
    return middle, middle - reach, middle + reach


def _pooled(one: Tensor, other: Tensor, factor: float) -> tuple[float, float, float]:
    reach = (one.var() / one.numel() + other.var() / other.numel()).sqrt().item() * factor
    middle = (one.mean() - other.mean()).item()
    return middle, middle - reach, middle + reach


def _paired_but_pooled(one: Tensor, other: Tensor, factor: float) -> Any:
    differences = (one - other[:, : one.shape[1]]).flatten()
    middle, reach = differences.mean().item(), factor * differences.std().item()
    reach = reach / math.sqrt(len(differences))
    return middle, middle - reach, middle + reach
