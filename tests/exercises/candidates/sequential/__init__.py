"""Right and wrong answers to the exercises of chapter 7."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .answers import (
    _copies,
    _counting,
    _deep,
    _features_by_formula,
    _features_of_a_copy,
    _fits,
    _flat_names,
    _fresh,
    _head_inside,
    _held,
    _in_order_of_making,
    _late_name,
    _lenet,
    _LeNetOfParts,
    _load_and_trust_missing_keys,
    _load_by_copying,
    _load_filled,
    _load_in_order,
    _load_loosely,
    _load_parameters,
    _loading,
    _nested,
    _nested_blocks,
    _nested_by_a_dry_run,
    _no_relu,
    _numbers,
    _one_relu,
    _pool_first,
    _put_back_outside,
    _shared,
    _summarizer,
    _summary_by_walking,
    _summary_of_a_copy,
    _unnamed,
)

RIGHT: dict[str, dict[str, object]] = {
    "lenet-module": {
        "functions": _lenet(),
        "a list of steps, adaptive pooling": _LeNetOfParts,
        "flatten by reshape": _lenet(flatten=lambda maps: maps.reshape(len(maps), -1)),
    },
    "nested-sequential": {
        "dictionaries": _nested(),
        "attributes and a dry run": _nested_by_a_dry_run,
    },
    "network-summary": {
        "hooks with a default argument": _summarizer(),
        "a copy and a dictionary of names": _summary_of_a_copy,
    },
    "flat-features": {
        "numel in evaluation mode": _counting(_numbers),
        "a copy": _features_of_a_copy,
        "the formula for sizes": _features_by_formula,
    },
    "mend-network": {
        "a comprehension": _deep(_fresh),
        "deep copies": _deep(_copies),
        "one ReLU for all": _deep(_one_relu),
    },
    "load-matching": {
        "a filtered dictionary": _loading(_fits),
        "copying one by one": _load_by_copying,
        "its own state dict, written over": _load_filled,
    },
}

WRONG: dict[str, dict[str, object]] = {
    "lenet-module": {
        "ReLU": _lenet(squash=F.relu),
        "max pooling": _lenet(pool=F.max_pool2d),
        "tanh on the logits": _lenet(last=torch.tanh),
        "softmax on the logits": _lenet(last=lambda logits: logits.softmax(1)),
        "no tanh after the convolutions": _lenet(squash=_pool_first),
        "no tanh between the linear layers": _lenet(between=_pool_first),
        "the batch flattened too": _lenet(flatten=lambda maps: maps.flatten()),
        "one image only": _lenet(flatten=lambda maps: maps[:1].flatten(1)),
        "flattened with channels last": _lenet(flatten=lambda m: m.permute(0, 2, 3, 1).flatten(1)),
        "detached between": _lenet(flatten=lambda maps: maps.detach().flatten(1)),
    },
    "nested-sequential": {
        "no padding": _nested(lambda m, n: nn.Conv2d(m, n, 5)),
        "a kernel of 3": _nested(lambda m, n: nn.Conv2d(m, n, 3, padding=1)),
        "always 3 input channels": _nested(lambda m, n: nn.Conv2d(3, n, 5, padding=2)),
        "1024 for every depth": _nested(side=lambda depth: 4),
        "one halving too many": _nested(side=lambda depth: 32 // 2 ** (depth + 1)),
        "counted from 0": _nested(inner=lambda place: place),
        "average pooling": _nested(pool=lambda: nn.AvgPool2d(2)),
        "other names": _nested(names=("body", "classifier")),
        "an activation": _nested(between=[nn.ReLU()]),
        "not nested": _flat_names,
        "parts without names": _unnamed,
        "head first": _head_inside,
        "no bias": _nested(lambda m, n: nn.Conv2d(m, n, 5, padding=2, bias=False)),
    },
    "network-summary": {
        "walks the children": _summary_by_walking,
        "the loop's last name": _late_name,
        "with the batch dimension": _summarizer(lambda output: tuple(output.shape)),
        "shapes as lists": _summarizer(lambda output: list(output.shape[1:])),
        "weights only": _summarizer(held=lambda m: m.weight.numel() if _held(m) else 0),
        "tensors, not numbers": _summarizer(held=lambda m: len(list(m.parameters()))),
        "all modules, containers too": _summarizer(layers=lambda n: list(n.named_modules())),
        "the first level only": _summarizer(layers=lambda n: list(n.named_children())),
        "hooks left behind": _summarizer(remove=False),
        "hooks left behind, a copy returned": _summarizer(remove=False, rows_of=list),
        "each layer once, sorted": _summarizer(rows_of=_in_order_of_making),
        "last part of the name": _summarizer(name_of=lambda name: name.split(".")[-1]),
        "lower case": _summarizer(kind=lambda module: type(module).__name__.lower()),
        "no rows without parameters": _summarizer(rows_of=lambda rows: [r for r in rows if r[3]]),
    },
    "flat-features": {
        "left in evaluation mode": _counting(_numbers, restore=False),
        "in the mode it was in": _counting(_numbers, before=lambda features: None),
        "only the module itself put back": _put_back_outside,
        "always back to training": lambda features, shape: _counting(_numbers)(
            features.train(), shape
        ),
        "channels only": _counting(lambda output: output.shape[1]),
        "one map": _counting(lambda output: output[0, 0].numel()),
        "as if square": _counting(lambda output: output.shape[1] * output.shape[2] ** 2),
        "rows and columns swapped and squared": _counting(
            lambda output: output.shape[1] * output.shape[3] ** 2
        ),
        "the input's numbers": lambda features, shape: shape[0] * shape[1] * shape[2],
        "a shape": _counting(lambda output: tuple(output.flatten(1).shape)),
        "a tensor": _counting(lambda output: torch.tensor(output.numel())),
    },
    "mend-network": {
        "as it was": _deep(_shared, lambda size: size * size),
        "only the linear layer mended": _deep(_shared),
        "only the blocks mended": _deep(_fresh, lambda size: size * size),
        "a quarter, rounded late": _deep(_fresh, lambda size: size * size // 4),
        "rounded up": _deep(_fresh, lambda size: ((size + 1) // 2) ** 2),
        "one block too many": _deep(_fresh, extra=1),
        "one block too few": _deep(lambda c, d: _fresh(c, max(d - 1, 0))),
        "no first convolution": _deep(_fresh, first=False),
        "no ReLU in the blocks": _deep(_no_relu),
        "nested blocks": _deep(_nested_blocks),
    },
    "load-matching": {
        "strict=False alone": _load_loosely,
        "the missing keys": _load_and_trust_missing_keys,
        "names only": _loading(lambda name, tensor, own: name in own),
        "sizes for shapes": _loading(
            _fits, lambda own, kept: [n for n in own if own[n].numel() not in (1, *map(len, kept))]
        ),
        "by place": _load_in_order,
        "parameters only": _load_parameters,
        "says what was loaded": _loading(_fits, lambda own, kept: list(kept)),
        "a set": _loading(_fits, lambda own, kept: tuple(n for n in own if n not in kept)),
        "sorted": _loading(_fits, lambda own, kept: sorted(own.keys() - kept.keys())),
        "loads nothing": _loading(lambda name, tensor, own: False),
        "weights only": _loading(lambda n, t, own: _fits(n, t, own) and "weight" in n),
        "says nothing": _loading(_fits, lambda own, kept: None),
    },
}

# Mutants of the solutions that are right all the same, by their descriptions.
EQUIVALENT: dict[str, set[str]] = {
    # 33 halved and rounded down is 32 halved, and so on
    "nested-sequential": {"line 18: 32 -> 33"},
    # a row is told without its batch dimension, so two samples, or none, tell as much as one
    "network-summary": {"line 25: 1 -> 2", "line 25: 1 -> 0"},
    "flat-features": {"line 14: 1 -> 2", "line 14: 1 -> 0"},
    # a file of tensors loads the same with less care, and weights_only is the default
    "load-matching": {
        "line 9: torch.load(file, weights_only=True) -> torch.load(file)",
        "line 9: True -> False",
    },
}
