"""The recorder against torchvision's extractor and against networks written out by hand."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from helpers import hooks
from helpers.hooks import ActivationRecorder

examples = settings(deadline=None, max_examples=40)
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def mlp(*sizes: int, inplace: bool = False) -> nn.Sequential:
    return nn.Sequential(
        *[p for a, b in pairwise(sizes) for p in (nn.Linear(a, b), nn.ReLU(inplace))]
    )


def by_hand(model: nn.Sequential, input: Tensor) -> dict[str, Tensor]:
    """What each layer gives, with nothing written over."""
    kept = {}
    for name, layer in model.named_children():
        input = layer(input.clone())
        kept[name] = input.clone()
    return kept


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert list(one) == list(other)
    for name in one:
        torch.testing.assert_close(one[name], other[name], msg=lambda m, n=name: f"{n}: {m}")


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


# resnet18, as torchvision ships it


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    import torchvision

    torch.manual_seed(0)
    return torchvision.models.resnet18(weights=None).eval()


def extracted(model: nn.Module, images: Tensor, names: list[str]) -> dict[str, Tensor]:
    """The same layers by torchvision's extractor, of a copy in which ReLU is not in place."""
    from torchvision.models.feature_extraction import create_feature_extractor

    copied = copy.deepcopy(model)
    for part in copied.modules():
        if isinstance(part, nn.ReLU):
            part.inplace = False
    nodes = [name.replace("#2", "_1") for name in names]
    extractor = create_feature_extractor(copied, dict(zip(nodes, names, strict=True)))
    with torch.no_grad():
        return dict(extractor(images))


@pytest.mark.parametrize("device", DEVICES)
def test_every_layer_of_resnet18_is_as_torchvision_extracts_it(
    resnet: nn.Module, device: str
) -> None:
    model, images = copy.deepcopy(resnet).to(device), torch.randn(3, 3, 64, 64, device=device)
    with ActivationRecorder(model) as recorder, torch.no_grad():
        model(images)
    assert len(recorder.outputs) == 60 and "layer1.0.relu#2" in recorder.outputs
    # what `out += identity` writes over, the extractor cannot know
    names = [name for name in recorder.outputs if name.endswith(".bn2")]
    kept = {n: t for n, t in recorder.outputs.items() if n not in names}
    found = extracted(model, images, list(kept))
    same(kept, {name: found[name] for name in kept})
    for name in names:
        block = model.get_submodule(name.removesuffix(".bn2"))
        torch.testing.assert_close(
            recorder.outputs[name], block.bn2(recorder.outputs[name.replace("bn2", "conv2")])
        )


def test_resnet18_gathered_is_resnet18_at_once(resnet: nn.Module) -> None:
    images = torch.randn(10, 3, 32, 32)
    chosen = ["layer*.?", "relu", nn.BatchNorm2d, lambda name, module: name == "fc"]
    with ActivationRecorder(resnet, chosen) as recorder, torch.no_grad():
        expected = resnet(images)
    gathered = recorder.gather(images, batch_size=4)
    assert set(gathered) == set(recorder.outputs) and len(gathered) == 8 + 3 + 1 + 20 + 1
    for name, kept in recorder.outputs.items():
        torch.testing.assert_close(gathered[name], kept, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(gathered["fc"], expected, rtol=1e-3, atol=1e-4)
    assert hooks.count_hooks(resnet) == 0


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


# gathering


class _Stream(IterableDataset):  # type: ignore[type-arg]
    def __iter__(self) -> Iterator[Tensor]:
        yield from torch.arange(10.0).reshape(10, 1)


@examples
@given(count=st.integers(1, 12), batch_size=st.integers(1, 13), inplace=st.booleans())
def test_gathered_is_all_at_once(count: int, batch_size: int, inplace: bool) -> None:
    model, input = mlp(3, 4, 2, inplace=inplace), torch.randn(count, 3)
    with torch.no_grad():
        expected = by_hand(model, input)
    recorder = ActivationRecorder(model)
    same(recorder.gather(input, batch_size), expected)
    loader = DataLoader(TensorDataset(input, torch.zeros(count)), batch_size)
    same(recorder.gather(loader), expected)
    same(recorder.gather(list(input.split(batch_size))), expected)
    joined: dict[str, list[Tensor]] = {name: [] for name in expected}
    for outputs in recorder.batches(input, batch_size):
        for name, kept in outputs.items():
            joined[name].append(kept)
    same({name: torch.cat(parts) for name, parts in joined.items()}, expected)
    assert hooks.count_hooks(model) == 0


def test_loaders_that_drop_or_cannot_count() -> None:
    model = nn.Sequential(nn.Linear(1, 2))
    recorder, data = ActivationRecorder(model), torch.arange(10.0).reshape(10, 1)
    dropped = recorder.gather(DataLoader(data, batch_size=4, drop_last=True))["0"]
    torch.testing.assert_close(dropped, model(data[:8]).detach())
    stream = DataLoader(_Stream(), batch_size=4)
    with pytest.raises(ValueError, match="count is None"):
        recorder.gather(stream)
    torch.testing.assert_close(recorder.gather(stream, count=10)["0"], model(data).detach())
    assert recorder.gather(stream, count=30)["0"].shape == (10, 2)
    with pytest.raises(ValueError, match="count is 9; allowed: 10 or more"):
        recorder.gather(stream, count=9)
    with pytest.raises(ValueError, match="batch_size is 0"):
        recorder.gather(data, batch_size=0)
    with pytest.raises(ValueError, match="count is 0"):
        recorder.gather(data[:0])


def test_what_cannot_be_gathered_is_told() -> None:
    lstm = nn.Sequential(nn.LSTM(3, 4, batch_first=True))
    input = torch.randn(6, 5, 3)
    with pytest.raises(ValueError, match=r"0\[1\]\[0\] gives the shape \(1, 2, 4\)"):
        ActivationRecorder(lstm).gather(input, 2)
    turned = ActivationRecorder(lstm).gather(
        input, 2, transform=lambda name, t: t if name == "0[0]" else t.transpose(0, 1)
    )
    expected, (hidden, _) = lstm(input)
    torch.testing.assert_close(turned["0[0]"], expected.detach())
    torch.testing.assert_close(turned["0[1][0]"][:, 0], hidden[0].detach())

    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Identity(), nn.Identity()

        def forward(self, input: Tensor) -> Tensor:
            return self.one(input) if input[0, 0] < 4 else self.two(self.one(input)[:, :1])

    numbers = torch.arange(12.0).reshape(6, 2)
    for layers, said in (("two", "runs for some"), (None, "runs for some|for each sample")):
        with pytest.raises(ValueError, match=said):
            ActivationRecorder(Odd(), layers).gather(numbers, 2)
    with pytest.raises(ValueError, match="one runs for some"):
        skipping = Odd()
        skipping.forward = lambda x: skipping.one(x) if x[0, 0] < 4 else x  # type: ignore[method-assign]
        ActivationRecorder(skipping, "one").gather(numbers, 2)


def test_transform_keeps_less() -> None:
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True))
    input = torch.randn(5, 1, 6, 6)
    kept = ActivationRecorder(model).gather(
        input, 2, transform=lambda name, t: t.mean((2, 3)) if name == "0" else None
    )
    torch.testing.assert_close(kept, {"0": model[0](input).mean((2, 3)).detach()})


def test_what_goes_beyond_the_limit_lies_in_files(tmp_path: Path) -> None:
    model, input = mlp(3, 4, 2), torch.randn(10, 3)
    recorder = ActivationRecorder(model)
    expected = recorder.gather(input)
    needed = [kept.nbytes for kept in expected.values()]
    same(recorder.gather(input, 3, limit=sum(needed)), expected)
    with pytest.raises(ValueError, match=f"limit is {needed[0]}.*{sum(needed[:2])} or more.*to 1"):
        recorder.gather(input, 3, limit=needed[0])
    half = recorder.gather(input, 3, limit=needed[0], folder=tmp_path / "new")
    same(half, expected)
    files = sorted((tmp_path / "new").iterdir())
    assert [file.name for file in files] == ["001-1.bin", "002-2.bin", "003-3.bin"]
    assert [file.stat().st_size for file in files] == needed[1:]
    again = recorder.gather(input + 1, 3, limit=0, folder=tmp_path / "new")
    same(half, expected)  # the first files live on under their tensors
    assert not torch.equal(again["1"], expected["1"])


@pytest.mark.parametrize("device", DEVICES)
def test_gathered_where_the_layers_are_or_on_the_cpu(device: str) -> None:
    model, input = mlp(3, 4).to(device), torch.randn(7, 3)
    for to, where in ((None, device), ("cpu", "cpu"), (torch.float16, device)):
        kept = ActivationRecorder(model, to=to).gather(input, 2)
        assert kept["0"].device.type == where
        rough = {"rtol": 1e-2, "atol": 1e-2} if to is torch.float16 else {}
        expected = model[0](input.to(device)).detach().to(where, kept["0"].dtype)
        torch.testing.assert_close(kept["0"], expected, **rough)


def test_batches_within_a_block_and_left_early() -> None:
    model = mlp(2, 3)
    recorder = ActivationRecorder(model)
    for _ in recorder.batches(torch.ones(6, 2), batch_size=2):
        assert torch.is_grad_enabled()
        break
    gc.collect()
    assert hooks.count_hooks(model) == 0
    with recorder:
        assert [len(kept["0"]) for kept in recorder.batches(torch.ones(5, 2), 3)] == [3, 2]
        model(torch.ones(9, 2))
    assert recorder.outputs["0"].shape == (9, 3)


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
