"""Cases and references of the exercises of chapter 8."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from helpers import hooks

from ..compare import shape_text
from ..definition import Case, Oracle
from ..inputs import integers, normal

State = dict[str, Tensor]


def _weights(random: random.Random, name: str, before: int, after: int, *kernel: int) -> State:
    """Weight and bias of a layer, of a size at which a network stays in bounds."""
    scale = (before * torch.Size(kernel).numel()) ** -0.5
    weight = normal(random, after, before, *kernel) * scale
    return {f"{name}.weight": weight, f"{name}.bias": normal(random, after) * 0.5}


# silence-channels


def _silence_cases(random: random.Random) -> Iterator[Case]:
    kinds = {"maps": (3, 3), "signals": (3,), "vectors": ()}

    def made(
        group: str, kind: str, place: int, out: int, channels: list[int], **more: bool
    ) -> Case:
        inside, behind = random.randint(2, 3), random.randint(2, 3)
        ones = [1] * len(kinds[kind])
        state = _weights(random, "0", inside, out, *kinds[kind])
        state |= _weights(random, "2", out, behind, *ones)
        sides = [random.randint(4, 6) for _ in ones]
        input = normal(random, random.randint(2, 4), inside, *sides)
        look = group if group in ("gradients", "removed") else "output"
        said = {"maps": "Conv2d", "signals": "Conv1d", "vectors": "Linear"}[kind]
        text = f"{'a Sigmoid behind ' if place else ''}{said} to {out} channels, "
        text += f"input {shape_text(input.shape)}, silence {channels}"
        text += {"gradients": ", and its gradients", "removed": ", and after remove()"}.get(
            look, ""
        )
        inputs = {"kind": kind, "place": place, "state": state, "channels": channels}
        return Case(group, text, inputs | {"input": input, "look": look}, **more)

    def some(out: int) -> list[int]:
        return sorted(random.sample(range(out), random.randint(1, out - 1)))

    yield made("maps", "maps", 0, 4, [1], fixed=True)
    yield made("signals and vectors", "vectors", 0, 3, [0, 2], fixed=True)
    yield made("gradients", "vectors", 1, 3, [1], fixed=True)
    yield made("removed", "maps", 0, 3, [2], fixed=True)
    for number in range(4):
        out = random.randint(4, 7)
        yield made("maps", "maps", number % 2, out, some(out))
        kind = ("signals", "vectors")[number % 2]
        yield made("signals and vectors", kind, number // 2, out, some(out))
        yield made("gradients", (*kinds, "maps")[number], 1, out, some(out))
        yield made("removed", (*kinds, "maps")[number], number % 2, out, some(out))


silence_channels = Oracle(_silence_cases, hooks.silence, rtol=1e-4, atol=1e-5)


# accept-bytes


def _accept_bytes(model: nn.Module) -> Any:
    def convert(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        images = args[0]
        if images.dtype is torch.uint8:
            images = torch.einsum("nhwc->nchw", images).to(torch.float32).div(255)
        return (images, *args[1:])

    return model.register_forward_pre_hook(convert)


def _accept_bytes_cases(random: random.Random) -> Iterator[Case]:
    def made(
        group: str,
        count: int,
        height: int,
        width: int,
        look: str,
        double: bool = False,
        **more: bool,
    ) -> Case:
        raw = integers(random, 0, 255, count, height, width, 3, dtype=torch.uint8)
        images = normal(random, count, 3, height, width) if group == "floats" else raw
        if group == "floats" and double:
            images = images.double()
        given = {"gain": random.uniform(2, 9), "shift": random.uniform(2, 9)}
        other = group == "other arguments"
        text = f"{str(images.dtype).removeprefix('torch.')} images, {shape_text(images.shape)}"
        text += {"removed": ", before and after remove()", "floats": ", then bytes"}.get(look, "")
        text += f", gain and shift {look}" if other else ""
        inputs = {"images": images, "raw": raw, "look": look, "more": given if other else {}}
        return Case(group, text, inputs, **more)

    yield made("bytes", 2, 2, 3, "", fixed=True)
    yield made("floats", 2, 2, 3, "floats", fixed=True)
    yield made("other arguments", 1, 2, 2, "by place", fixed=True)
    yield made("removed", 1, 2, 2, "removed", fixed=True)
    for number in range(4):
        sizes = random.randint(1, 4), random.randint(2, 6), random.randint(2, 6)
        yield made("bytes", *sizes, "")
        yield made("floats", *sizes, "floats", double=number % 2 == 1)
        yield made("other arguments", *sizes, ("by place", "by name")[number % 2])
        yield made("removed", *sizes, "removed")


accept_bytes = Oracle(_accept_bytes_cases, _accept_bytes)


# live-hooks


_HOOKS = ("forward_pre", "forward", "full_backward_pre", "full_backward")
_PARTS = ("", "body", "body.0", "body.1", "body.1.0", "body.1.1", "head", "tied")


def _live_hooks_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, hooks: list[tuple[str, str]], removed: list[int], **more: bool) -> Case:
        nested = group in ("nested", "removed")
        told = ", ".join(f"{kind} on {name or 'the network'}" for name, kind in hooks)
        text = "parts in parts, head also has the name tied" if nested else "one Linear"
        text += f": {told or 'no hook'}"
        text += f"; then {len(removed)} of them removed" if removed else ""
        inputs = {"nested": nested, "hooks": [list(hook) for hook in hooks], "removed": removed}
        return Case(group, text, inputs, **more)

    yield made("one layer", [("", "forward"), ("", "forward")], [], fixed=True)
    yield made("four kinds", [("", kind) for kind in _HOOKS], [], fixed=True)
    yield made("nested", [("", "forward"), ("body.0", "forward"), ("tied", "forward")], [],
               fixed=True)  # fmt: skip
    yield made("removed", [("head", "forward"), ("body", "forward_pre")], [0], fixed=True)
    for number in range(4):
        kinds = [*_HOOKS, *random.choices(_HOOKS, k=number)]
        random.shuffle(kinds)
        yield made("one layer", [("", random.choice(_HOOKS[:2]))] * (number + 1), [])
        yield made("four kinds", [("", kind) for kind in kinds], [])
        parts = [*_PARTS, *random.choices(_PARTS, k=number)]
        many = [(name, random.choice(_HOOKS)) for name in parts]
        yield made("nested", many, [])
        gone = random.sample(range(len(many)), random.randint(2, len(many) - 1))
        yield made("removed", many, gone)


live_hooks = Oracle(_live_hooks_cases, hooks.count_hooks)


# output-recorder


def _recorder_cases(random: random.Random) -> Iterator[Case]:
    layers = ("body.0", "body.1", "body.2", "body", "head")

    def made(group: str, names: Sequence[str], look: str, **more: bool) -> Case:
        early = group == "no hook left"
        sizes = [random.randint(2, 5) for _ in range(4)]
        pairs = {"body.0": sizes[:2], "body.2": sizes[1:3], "head": sizes[2:]}
        state: State = {}
        for name, (before, after) in pairs.items():
            state |= _weights(random, name, before, after)
        inputs = [normal(random, random.randint(2, 4), sizes[0]) for _ in range(3)]
        said = {
            "": "one run in the block, two after it",
            "again": "then a second block with two runs",
            "detached": "then backward() from what was kept",
            "exception": "an exception ends the block, two more runs",
        }[look]
        said += ", and a run before the block" if early else ""
        given = {"sizes": sizes, "state": state, "names": list(names), "inputs": inputs}
        looks = {"look": look, "early": early}
        return Case(group, f"{', '.join(names)}; {said}", given | looks, **more)

    yield made("outputs", ["body.0", "head"], "", fixed=True)
    yield made("detached", ["body.1"], "detached", fixed=True)
    yield made("no hook left", ["body.0"], "", fixed=True)
    yield made("after an exception", ["body.0"], "exception", fixed=True)
    for number in range(4):
        some = random.sample(layers, number + 1)
        yield made("outputs", some, ("", "again")[number % 2])
        yield made("detached", random.sample(layers, 2), "detached")
        yield made("no hook left", some, ("again", "")[number % 2])
        yield made("after an exception", random.sample(layers, 2), "exception")


output_recorder = Oracle(_recorder_cases, hooks.ActivationRecorder, rtol=1e-4, atol=1e-5)


# mend-shares


def _negative_shares(model: nn.Module, input: Tensor) -> dict[str, float]:
    with hooks.ActivationRecorder(model, nn.Linear) as recorder:
        model(input)
    return {name: (kept < 0).double().mean().item() for name, kept in recorder.outputs.items()}


def _mend_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, count: int, **more: bool) -> Case:
        inplace, own = group != "what stays behind", random.randint(1, 4)
        sizes = [random.randint(4, 9) for _ in range(4)]
        state: State = {}
        for name, before, after in zip(
            ("first", "second", "third"), sizes, sizes[1:], strict=False
        ):
            state |= _weights(random, name, before, after)
            for numbers in (state[f"{name}.weight"], state[f"{name}.bias"]):
                numbers[0] = 0  # a unit that always gives 0, which is not negative
        look = {"what stays behind": "hooks", "both": "both"}.get(group, "")
        text = f"Linear {' → '.join(map(str, sizes))}, {count} samples, "
        text += f"{'in-place' if inplace else 'plain'} ReLU, {'nested, ' if look == 'both' else ''}"
        text += f"{own} hook{'s' if own > 1 else ''} of its own"
        inputs = {"state": state, "input": normal(random, count, sizes[0]), "inplace": inplace}
        return Case(group, text, inputs | {"own": own, "look": look}, **more)

    for group in ("the numbers", "what stays behind", "both"):
        yield made(group, 5, fixed=True)
    for _ in range(4):
        for group in ("the numbers", "what stays behind", "both"):
            yield made(group, random.randint(20, 40))


mend_shares = Oracle(_mend_cases, _negative_shares, rtol=1e-5, atol=1e-6)


# scale-gradient


class _Scaled(torch.autograd.Function):
    """The input as it is; its gradient times a factor."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return input.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return gradient * ctx.factor, None


def _scale_gradient(module: nn.Module, factor: float) -> Any:
    return module.register_forward_hook(lambda part, args, output: _Scaled.apply(output, factor))


def _scale_cases(random: random.Random) -> Iterator[Case]:
    looks = {"without gradients": "no_grad", "removed": "removed"}

    def made(group: str, factor: float, place: int, **more: bool) -> Case:
        inside, hidden, out = (random.randint(3, 6) for _ in range(3))
        state = _weights(random, "0", inside, hidden) | _weights(random, "2", hidden, out)
        input = normal(random, random.randint(4, 8), inside)
        inplace = group == "in-place ReLU behind"
        layer = ("the first Linear", "the ReLU", "the last Linear")[place]
        text = f"factor {factor:g} at {layer} of {inside} → {hidden} → {out}"
        text += ", in-place ReLU" if inplace else ""
        text += {"no_grad": ", a run under no_grad first", "removed": ", then removed"}.get(
            looks.get(group, ""), ""
        )
        inputs = {"state": state, "input": input, "factor": factor, "place": place}
        more_inputs = {"inplace": inplace, "look": looks.get(group, "")}
        return Case(group, text, inputs | more_inputs, **more)

    groups = ("weights and input", "in-place ReLU behind", "without gradients", "removed")
    for group, factor in zip(groups, (10.0, -1.0, 2.0, 0.0), strict=True):
        yield made(group, factor, 0, fixed=True)
    for number in range(4):
        for group in groups:
            factor = (-1.0, 0.0, 0.5, 3.0)[number] * random.choice((1.0, 1.5))
            place = 0 if group == "in-place ReLU behind" else number % 3
            yield made(group, factor, place)


scale_gradient = Oracle(_scale_cases, _scale_gradient, rtol=1e-3, atol=1e-4)


# heard-network


class _Heard(nn.Module):
    def __init__(self, features: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.first, self.act1 = nn.Linear(features, hidden), nn.GELU()
        self.second, self.act2 = nn.Linear(hidden, hidden), nn.GELU()
        self.last = nn.Linear(hidden, classes)

    def forward(self, input: Tensor) -> Tensor:
        hidden = self.act1(self.first(input))
        return self.last(hidden + self.act2(self.second(hidden)))


def _heard_cases(random: random.Random) -> Iterator[Case]:
    looks = {"what act1 hears": "act1", "what act2 hears": "act2", "learning": "learning"}
    said = {
        "act1": "a hook on act1",
        "act2": "a hook on act2",
        "learning": "hooks on both, and gradients",
    }

    def made(group: str, sizes: tuple[int, int, int], **more: bool) -> Case:
        features, hidden, classes = sizes
        state = _weights(random, "first", features, hidden)
        state |= _weights(random, "second", hidden, hidden)
        state |= _weights(random, "last", hidden, classes)
        look = looks[group]
        inputs = {"sizes": list(sizes), "state": state, "look": look}
        inputs["input"] = normal(random, random.randint(1, 4), features)
        text = f"{features} → {hidden} → {hidden} → {classes}, weights loaded by name"
        return Case(group, f"{text}, {said[look]}", inputs, **more)

    for group in looks:
        yield made(group, (2, 3, 2), fixed=True)
    for _ in range(4):
        for group in looks:
            yield made(group, (random.randint(2, 6), random.randint(2, 6), random.randint(2, 4)))


heard_network = Oracle(_heard_cases, _Heard, rtol=1e-4, atol=1e-5)
