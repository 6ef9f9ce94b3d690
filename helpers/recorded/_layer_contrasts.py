"""What the results of `layer_regularity` say, by the rules of its protocol and no others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..topology.regularity import paired_interval, verdict

#: The named layer of each network: its last hidden one.
NAMED = {"LeNet": 4, "MLP": 3}
#: Name → (row, row without it); {} stands for the named layer, "pixels" rows are the controls'.
PRIMARY = {
    "A1": ("fresh | {} | shared crop", "fresh | {} | none"),
    "B1": ("backpropagation | {} | none", "fresh | {} | none"),
    "C1": ("fresh | {} | none", "pixels | none"),
}
SUPPORTING = {
    "A2": ("fresh | {} | shared crop", "fresh | {} | own crop"),
    "B2": ("true 2000 | {} | none", "shuffled | {} | none"),
    "C2": ("random ReLU | {} | none", "pixels | none"),
    "C3": ("fresh | {} | none", "fresh | {} | Gaussian"),
}
#: Further tables of the protocol: title → (name → rows, column of a row's numbers).
SECONDARY: dict[str, tuple[dict[str, tuple[str, str]], int]] = {
    "local errors − matched backpropagation, irregularity": (
        {"last layer": ("local errors | {} | none", "matched | {} | none")},
        0,
    ),
    "total persistence in H1": ({**PRIMARY, **SUPPORTING}, 1),
    "fresh networks under other augmentations, irregularity": (
        {
            f"{way} {kind} − none": (f"fresh | {{}} | {way} {kind}", "fresh | {} | none")
            for kind in ("flip", "blur")
            for way in ("shared", "own")
        },
        0,
    ),
}
SAYS = {
    "A1": "fresh: shared crop − none",
    "B1": "no augmentation: trained − fresh",
    "C1": "no augmentation: fresh − pixels",
    "A2": "fresh: shared crop − own crops",
    "B2": "right labels − shuffled labels",
    "C2": "random ReLU layers − pixels",
    "C3": "fresh − Gaussian cloud like it",
}

Results = Mapping[str, Mapping[str, Mapping[str, Any]]]


class Contrast(NamedTuple):
    """A mean difference of log irregularity with its interval, and the protocol's word for it."""

    mean: float
    low: float
    high: float
    verdict: str


def complete(results: Results) -> dict[str, Any]:
    """The seeds of which all three parts are there."""
    return {seed: found for seed, found in results.items() if len(found) == 3}


def value(found: Mapping[str, Mapping[str, Any]], network: str, row: str, column: int = 0) -> float:
    """A number of one seed, by the row's name."""
    part = "pixels" if row.startswith("pixels") else network
    number: float = found[part]["measured"][row.format(NAMED[network])][column]
    return number


def contrast(
    results: Results, network: str, rows: Sequence[str], family: int, column: int = 0
) -> Contrast:
    """The mean over seeds of log(first row / second row), with the interval of a family.

    Raises
    ------
    ValueError
        If fewer than two seeds are complete.
    """
    seeds = complete(results).values()
    one, other = ([value(found, network, row, column) for found in seeds] for row in rows)
    logs = [math.log(a / b) for a, b in zip(one, other, strict=True)]
    mean, low, high = paired_interval(logs, family)
    return Contrast(mean, low, high, verdict(low, high))


def family(
    results: Results, asked: Mapping[str, Sequence[str]], column: int = 0
) -> dict[str, Contrast]:
    """All of `PRIMARY` or of `SUPPORTING` in both networks: "A1, LeNet" → contrast."""
    size = len(asked) * len(NAMED)
    return {
        f"{name}, {network}": contrast(results, network, rows, size, column)
        for network in NAMED
        for name, rows in asked.items()
    }


def secondary(results: Results, title: str) -> dict[str, Contrast]:
    """One of the tables of `SECONDARY`, in both networks."""
    return family(results, *SECONDARY[title])


def earlier_layers(results: Results) -> dict[str, Contrast]:
    """The primary contrasts at all layers but the named one, corrected for their number."""
    asked = {
        (f"{name}, {network}, layer {layer}", network): [row.format(layer) for row in rows]
        for network, last in NAMED.items()
        for name, rows in PRIMARY.items()
        for layer in range(1, last)
    }
    return {
        name: contrast(results, network, rows, len(asked))
        for (name, network), rows in asked.items()
    }


def conclusions(results: Results) -> list[str]:
    """The protocol's verdicts in words, network by network."""
    if len(complete(results)) < 2:
        return ["Fewer than two seeds are complete: nothing can be said."]
    found = family(results, PRIMARY) | family(results, SUPPORTING)
    return [sentence for network in NAMED for sentence in _of(network, found)]


def _of(network: str, found: Mapping[str, Contrast]) -> list[str]:
    said = {name.split(",")[0]: c for name, c in found.items() if name.endswith(network)}
    lower = {name for name, c in said.items() if "lower" in c.verdict}
    higher = {name for name, c in said.items() if "higher" in c.verdict}
    small = {name for name, c in said.items() if "small" in c.verdict}

    def explained(supported: bool, failed: bool) -> str:
        return "supported" if supported else "fails" if failed else "undecided"

    first = explained("A1" in lower and "A2" not in higher, bool({"A1"} & (higher | small)))
    second = explained({"B1", "B2"} <= lower, bool({"B1"} & (higher | small)))
    third = "supported" if "C1" in lower else "undecided"
    ratios = {name: f"{math.exp(c.mean):.2f}" for name, c in said.items()}
    seen = "reproduced" if "C1" in lower else f"not reproduced (C1 is {said['C1'].verdict})"
    sentences = [
        f"{network}: the observation is {seen}; a fresh network's last hidden layer has "
        f"{ratios['C1']} times the irregularity of the pixels.",
        f"{network}: explanation 1, the shared augmentation: {first} ({ratios['A1']} times).",
        f"{network}: explanation 2, learning: {second} ({ratios['B1']} times; right against "
        f"shuffled labels {ratios['B2']} times).",
        f"{network}: explanation 3, the map before it learns: {third} ({ratios['C1']} times).",
    ]
    if {"C1", "C2"} <= lower:
        sentences.append(f"{network}: random weights with ReLU are enough for that.")
    if "C1" in lower and "C3" in small:
        sentences.append(f"{network}: a Gaussian cloud of the layer's covariance does the same.")
    return sentences
