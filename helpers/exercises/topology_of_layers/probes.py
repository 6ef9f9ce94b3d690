"""How the answers to the exercises of chapter 13 are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

#: The dictionaries in which torch keeps the hooks of a module.
_KINDS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


def median_scale(answer: Any, distances: Tensor) -> Any:
    """The matrix over its median; a tensor is asked for."""
    return answer(distances.clone())


# layer-clouds


def _network(state: Mapping[str, Tensor], runs: list[bool]) -> nn.Sequential:
    """A small network with all that a recorder can stumble over, and these weights.

    Each run of it, or of a copy, is written into ``runs``: whether gradients were on.
    """

    class Tally(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            runs.append(torch.is_grad_enabled())
            return images

    channels, width = state["conv.weight"].shape[0], state["linear.weight"].shape[0]
    network = nn.Sequential()
    network.add_module("tally", Tally())
    network.add_module("conv", nn.Conv2d(1, channels, 2))
    network.add_module("norm", nn.BatchNorm2d(channels))
    network.add_module("relu", nn.ReLU(inplace=True))
    network.add_module("drop", nn.Dropout(0.5))
    network.add_module("flat", nn.Flatten())
    network.add_module("linear", nn.Linear(state["linear.weight"].shape[1], width))
    network.add_module("act", nn.LeakyReLU(0.1, inplace=True))
    network.add_module("head", nn.Linear(width, 3))
    network.double().load_state_dict(dict(state))
    return network


def layer_clouds(
    answer: Any,
    state: Mapping[str, Tensor],
    names: Sequence[str],
    images: Tensor,
    training: bool,
    look: str,
) -> Any:
    """Distance matrices of named layers; perhaps what is left in the network afterward."""
    runs: list[bool] = []
    network = _network(state, runs).train(training)
    torch.manual_seed(1)
    found = answer(network, list(names), images.clone())
    if not isinstance(found, Mapping):
        kind = "None (is a return missing?)" if found is None else type(found).__name__
        raise TypeError(f"a dict from names to matrices is asked for, and not {kind}")
    said: dict[str, Any] = {f"distances at {name!r}": value for name, value in found.items()}
    if look == "one run, evaluated":
        said["runs of the network"] = len(runs)
        said["runs with gradients on"] = sum(runs)
        said["matrices that ask for a gradient"] = sum(
            isinstance(value, Tensor) and value.requires_grad for value in found.values()
        )
    if look == "left as it was":
        said["hooks on the network"] = sum(
            len(getattr(part, kind)) for part in network.modules() for kind in _KINDS
        )
        came, left = (("evaluation", "training")[mode] for mode in (training, network.training))
        said[f"the network came in {came} mode; the mode in which it is left"] = left
        said |= {
            f"{name} afterward": buffer.clone()
            for name, buffer in network.named_buffers()
            if "running" in name
        }
        torch.manual_seed(0)
        with torch.no_grad():
            said["output afterward, in the mode it was in"] = network(images)
    return said


# disjoint-subsamples


def disjoint_subsamples(answer: Any, count: int, size: int, number: int, seed: int) -> Any:
    """The indices; where they take all there are, also what one subsample more does."""
    found = answer(count, size, number, torch.Generator().manual_seed(seed))
    said: dict[str, Any] = {"indices": found}
    if count == size * number:
        try:
            answer(count, size, number + 1, torch.Generator().manual_seed(seed))
            said["one subsample too many"] = "no error"
        except Exception as error:
            said["one subsample too many"] = type(error).__name__
    return said


def curve_irregularity(answer: Any, diagrams: Sequence[Tensor]) -> Any:
    """One number for some tables of bars."""
    found = answer([bars.clone() for bars in diagrams])
    return found.item() if isinstance(found, Tensor) and found.numel() == 1 else found


def shared_or_own(answer: Any, images: Tensor, corners: Tensor, size: int, own: bool) -> Any:
    """Windows of images."""
    return answer(images.clone(), corners.clone(), size, own)


def gaussian_cloud(answer: Any, points: Tensor, noise: Tensor) -> Any:
    """Where a cloud lies and how it spreads, for noise that has exactly the covariance 1.

    The columns of ``noise`` are orthonormal, so whichever root of the covariance is used, the
    products of the cloud with itself are the covariance. A row of zeros shows the center.
    """
    still = torch.zeros(1, noise.shape[1], dtype=noise.dtype)
    cloud = answer(points.clone(), torch.cat([noise, still]))
    if not isinstance(cloud, Tensor):
        kind = "None (is a return missing?)" if cloud is None else type(cloud).__name__
        raise TypeError(f"a tensor is to be returned, and not {kind}")
    if cloud.shape != (len(noise) + 1, points.shape[1]):
        return {"shape of the cloud": tuple(cloud.shape)}
    around = cloud[:-1] - cloud[-1]
    return {
        "shape of the cloud": tuple(cloud.shape),
        "where the noise is 0": cloud[-1],
        "the covariance that your cloud would have": around.T @ around,
    }


def choose_control(answer: Any, claim: int, codes: Mapping[str, int]) -> Any:
    """A control as a number of this case, so that what is told gives no control away."""
    word = answer(claim)
    if word is None:
        raise TypeError("control_for returned None (is a return missing?)")
    if not isinstance(word, str) or word not in codes:
        raise ValueError(f"{word!r} is none of the controls: {', '.join(sorted(codes))}")
    return {"not this control (the numbers are codes, new in each case)": codes[word]}


def mend_interval(answer: Any, one: Tensor, other: Tensor, factor: float) -> Any:
    """The middle and the two ends."""
    found = answer(one.clone(), other.clone(), factor)
    if not isinstance(found, (tuple, list)) or len(found) != 3:
        kind = "None (is a return missing?)" if found is None else type(found).__name__
        raise TypeError(f"paired_interval returned {kind}; three numbers are asked for")
    names = ("mean difference", "lower end", "upper end")
    plain = (value.item() if isinstance(value, Tensor) else value for value in found)
    return dict(zip(names, plain, strict=True))
