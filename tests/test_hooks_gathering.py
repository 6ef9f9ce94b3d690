"""Outputs of many batches, gathered; and those of resnet18, as torchvision extracts them."""

from __future__ import annotations

import copy
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from helpers import hooks
from helpers.hooks import ActivationRecorder

from .hooked import DEVICES, by_hand, examples, mlp, same

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
