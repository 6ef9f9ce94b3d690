"""The recorder and the small hooks against autograd and networks written out by hand."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from helpers import hooks
from helpers.hooks import ActivationRecorder

from .hooked import by_hand, examples, mlp, same


class Pair(nn.Module):
    """Gives a tuple and takes keywords."""

    def forward(self, a: Tensor, b: Tensor, *, scale: Any = None) -> Any:
        return a + b, {"difference": a - b, "none": None, "scale": scale}


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.act = nn.Linear(3, 3), nn.ReLU(inplace=True)

    def forward(self, input: Tensor) -> Tensor:
        return self.act(self.layer(self.act(self.layer(input))))


# what is recorded


@examples
@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    batch=st.integers(1, 4),
    inplace=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
    inference=st.booleans(),
)
def test_outputs_and_inputs(
    sizes: list[int], batch: int, inplace: bool, dtype: torch.dtype, inference: bool
) -> None:
    model, input = mlp(*sizes, inplace=inplace).to(dtype), torch.randn(batch, sizes[0]).to(dtype)
    with (
        torch.inference_mode(inference),
        ActivationRecorder(model, inputs=True) as recorder,
    ):
        output = model(input)
    with torch.no_grad():
        expected = by_hand(model, input)
    same(recorder.outputs, expected)
    places = list(expected)
    same(recorder.inputs, dict(zip(places, [input, *expected.values()], strict=False)))
    assert not any(kept.requires_grad for kept in recorder.outputs.values())
    torch.testing.assert_close(output, expected[places[-1]])


@examples
@given(sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4), inplace=st.booleans())
def test_gradients_are_autograds(sizes: list[int], inplace: bool) -> None:
    model, input = mlp(*sizes, inplace=inplace).double(), torch.randn(3, sizes[0]).double()
    with ActivationRecorder(model, gradients=True) as recorder:
        model(input).square().sum().backward()
    plain = copy.deepcopy(model)
    for part in plain[1::2]:
        part.inplace = False
    outputs, value = {}, input
    for name, layer in plain.named_children():
        value = outputs[name] = layer(value)
    gradients = torch.autograd.grad(value.square().sum(), list(outputs.values()))
    same(recorder.gradients, dict(zip(outputs, gradients, strict=True)))


def test_a_new_call_is_a_new_record_and_backward_counts_for_the_last() -> None:
    model = mlp(2, 3)
    with ActivationRecorder(model, gradients=True) as recorder:
        first = model(torch.ones(1, 2))
        model(torch.ones(4, 2))
        assert recorder.outputs["0"].shape == (4, 3)
        first.sum().backward()
        assert recorder.gradients == {}
        with torch.no_grad():
            model(torch.ones(5, 2))
    assert recorder.outputs["1"].shape == (5, 3) and recorder.gradients == {}


def test_a_module_that_runs_again_is_numbered() -> None:
    model, input = Twice(), torch.randn(2, 3)
    with ActivationRecorder(model, inputs=True, gradients=True) as recorder:
        model(input).sum().backward()
    names = ["layer", "act", "layer#2", "act#2"]
    assert list(recorder.outputs) == names == list(recorder.gradients)
    first = model.layer(input)
    torch.testing.assert_close(recorder.outputs["layer"], first.detach())
    torch.testing.assert_close(recorder.inputs["layer#2"], first.relu().detach())


def test_a_shared_module_goes_by_the_first_name_asked_for() -> None:
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    for asked, expected in ((None, ["0", "1", "0#2"]), (["2", "0"], ["2", "2#2"])):
        with ActivationRecorder(model, asked) as recorder:
            model(torch.ones(1, 2))
        assert list(recorder.outputs) == expected


def test_tuples_dictionaries_and_keywords() -> None:
    model, a, b = nn.ModuleDict({"pair": Pair()}), torch.ones(2), torch.arange(2.0)
    with ActivationRecorder(model["pair"], inputs=True) as recorder:
        model["pair"](a, b, scale=torch.tensor(3.0))
    assert list(recorder.outputs) == ["[0]", "[1]['difference']", "[1]['scale']"]
    same(recorder.inputs, {"[0]": a, "[1]": b, "['scale']": torch.tensor(3.0)})
    lstm = nn.Sequential(nn.LSTM(3, 4, batch_first=True))
    with ActivationRecorder(lstm) as recorder:
        lstm(torch.ones(2, 5, 3))
    assert [tuple(t.shape) for t in recorder.outputs.values()] == [(2, 5, 4), (1, 2, 4), (1, 2, 4)]
    assert list(recorder.outputs) == ["0[0]", "0[1][0]", "0[1][1]"]


def test_attached_outputs_lead_gradients_back() -> None:
    model = mlp(2, 3, 1, inplace=True)
    with ActivationRecorder(model, "0", detach=False) as recorder:
        model(torch.ones(4, 2))
    recorder.outputs["0"].sum().backward()
    torch.testing.assert_close(model[0].bias.grad, torch.full((3,), 4.0))


@pytest.mark.parametrize("to", [torch.float64, torch.float16, "cpu", torch.device("cpu")])
def test_kept_elsewhere_or_in_another_dtype(to: Any) -> None:
    model, input = mlp(2, 3, inplace=True), torch.randn(4, 2)
    with ActivationRecorder(model, to=to) as recorder:
        model(input)
    same(recorder.outputs, {n: t.detach().to(to) for n, t in by_hand(model, input).items()})
    gathered = recorder.gather(input, batch_size=3)
    assert all(torch.equal(gathered[n], t) for n, t in recorder.outputs.items())


def test_without_a_copy_an_overwritten_output_is_told() -> None:
    model, input = mlp(2, 3, inplace=True), torch.randn(8, 2)
    with ActivationRecorder(model, copy=False) as recorder:
        output = model(input)
    with pytest.warns(UserWarning, match="outputs of 0 were written over"):
        assert recorder.outputs["1"].data_ptr() == output.data_ptr()
    model[1].inplace = False
    with ActivationRecorder(model, copy=False, inputs=True) as recorder:
        model(input)
    same(recorder.outputs, by_hand(model, input))  # a warning would be an error here
    assert recorder.inputs["0"].data_ptr() == input.data_ptr()


# which layers


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("body.0", ["body.0"]),
        ("body.*", ["body.0", "body.1"]),
        (["head", "body.0"], ["body.0", "head"]),
        (nn.Linear, ["body.0", "head"]),
        (nn.Sequential, ["body", ""]),
        (lambda name, module: name.startswith("h"), ["head"]),
        (["body", nn.ReLU, "head"], ["body.1", "body", "head"]),
    ],
)
def test_layers_by_name_glob_type_and_predicate(layers: Any, expected: list[str]) -> None:
    model = nn.Sequential()
    model.add_module("body", mlp(2, 3))
    model.add_module("head", nn.Linear(3, 1))
    with ActivationRecorder(model, layers) as recorder:
        model(torch.ones(1, 2))
    assert list(recorder.outputs) == expected


@pytest.mark.parametrize(
    ("layers", "said"),
    [("headd", "did you mean 'head'"), (nn.Conv2d, "stands for a module of"), (3, "globs"),
     (["head", "x*"], r"'x\*'")],
)  # fmt: skip
def test_layers_that_are_not_there(layers: Any, said: str) -> None:
    model = nn.Sequential()
    model.add_module("head", nn.Linear(3, 1))
    with pytest.raises(ValueError, match=said):
        ActivationRecorder(model, layers)


# no hook is left behind


def test_hooks_are_gone_also_after_an_exception() -> None:
    model = mlp(2, 3)
    own = model.register_forward_hook(lambda *args: None)
    recorder = ActivationRecorder(model, inputs=True, gradients=True)
    for bad in (torch.ones(1, 5), "no tensor"):
        with pytest.raises((RuntimeError, TypeError)), recorder:
            model(bad)
        with pytest.raises((RuntimeError, ValueError)):
            recorder.gather(bad)
        assert hooks.count_hooks(model) == 1
    with pytest.raises(KeyError), recorder:
        model(torch.ones(1, 2))
        raise KeyError
    assert list(recorder.outputs) == ["0", "1"] and hooks.count_hooks(model) == 1
    model(torch.ones(7, 2))
    assert recorder.outputs["0"].shape == (1, 3)
    own.remove()
    assert hooks.count_hooks(model) == 0


def test_gradient_hooks_end_with_the_block() -> None:
    model = mlp(2, 3)
    with ActivationRecorder(model, gradients=True) as recorder:
        output = model(torch.ones(1, 2))
    output.sum().backward()
    assert recorder.gradients == {}


def test_a_second_entry_is_refused_and_harms_nothing() -> None:
    model = mlp(2, 3)
    with ActivationRecorder(model) as recorder:
        with pytest.raises(RuntimeError, match="listens already"):
            recorder.__enter__()
        model(torch.ones(1, 2))
    assert len(recorder.outputs) == 2 and hooks.count_hooks(model) == 0


def test_a_copy_of_the_model_is_not_heard() -> None:
    model = mlp(2, 3)
    with ActivationRecorder(model) as recorder:
        model(torch.ones(1, 2))
        copy.deepcopy(model)(torch.ones(9, 2))
        assert recorder.outputs["0"].shape == (1, 3)


class _Saved:
    """Stands for what autograd saved."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor.detach()  # else it would hold the graph itself


def test_nothing_of_the_graph_is_held() -> None:
    model, alive = mlp(2, 3), weakref.WeakSet()  # type: ignore[var-annotated]

    def pack(tensor: Tensor) -> _Saved:
        alive.add(saved := _Saved(tensor))
        return saved

    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda saved: saved.tensor),
        ActivationRecorder(model, gradients=True, inputs=True) as recorder,
    ):
        output = model(torch.ones(1, 2))
    assert alive
    del output
    gc.collect()
    assert not alive and len(recorder.outputs) == 2


# the small hooks


@examples
@given(
    shape=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    data=st.data(),
)
def test_silence(shape: list[int], data: st.DataObject) -> None:
    channels = data.draw(st.lists(st.integers(0, shape[1] - 1), unique=True))
    layer, input = nn.Identity(), torch.randn(shape)
    handle = hooks.silence(layer, channels)
    expected = input.index_fill(1, torch.tensor(channels, dtype=torch.int64), 0)
    torch.testing.assert_close(layer(input), expected)
    handle.remove()
    assert layer(input) is input


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("factor", [-1.0, 0.0, 2.5])
def test_scale_gradient(factor: float, inplace: bool) -> None:
    model, input = mlp(2, 3, inplace=inplace), torch.randn(4, 2)

    def gradients() -> list[Tensor]:
        model.zero_grad()
        model(input).sum().backward()
        return [p.grad.clone() for p in model.parameters() if p.grad is not None]

    plain, output = gradients(), model(input)
    handle = hooks.scale_gradient(model[0], factor)
    torch.testing.assert_close(model(input), output)
    torch.testing.assert_close(gradients(), [factor * g for g in plain])
    with torch.no_grad():
        model(input)
    handle.remove()
    torch.testing.assert_close(gradients(), plain)


def test_count_hooks_counts_four_kinds_once() -> None:
    layer = nn.Linear(1, 1)
    model = nn.Sequential(layer, nn.Sequential(layer))
    handles = [
        register(lambda *args: None)
        for part in (model, model[1], layer)
        for register in (
            part.register_forward_pre_hook,
            part.register_forward_hook,
            part.register_full_backward_pre_hook,
            part.register_full_backward_hook,
        )
    ]
    assert hooks.count_hooks(model) == 12
    for gone, handle in enumerate(handles, start=1):
        handle.remove()
        assert hooks.count_hooks(model) == 12 - gone
