"""The pipeline against its steps done by hand; what is saved, resumed, damaged and refused."""

from __future__ import annotations

import contextlib
import csv
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from helpers.hooks import ActivationRecorder, count_hooks
from helpers.models import LeNet
from helpers.topology import (
    LayerTopology,
    betti_curve,
    layer_topology,
    layers,
    pairwise_distances,
    persistence,
    saved,
)

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def _mlp(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 12), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(12, 3))


def _data(count: int = 60, features: int = 4, seed: int = 1) -> Tensor:
    return torch.randn(count, features, generator=torch.Generator().manual_seed(seed))


def _same(one: dict[str, LayerTopology], other: dict[str, LayerTopology]) -> None:
    assert list(one) == list(other)
    for a, b in zip(one.values(), other.values(), strict=True):
        assert (a.name, a.shape, a.median) == (b.name, b.shape, b.median)
        assert torch.equal(a.scales, b.scales) and torch.equal(a.curves, b.curves)
        assert (a.diagram.points, a.diagram.threshold) == (b.diagram.points, b.diagram.threshold)
        for bars, others in zip(a.diagram, b.diagram, strict=True):
            assert torch.equal(bars, others) and bars.dtype == others.dtype


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the matrices whose persistence is computed."""
    sizes: list[int] = []

    def counting(distances: Tensor, **options: Any) -> Any:
        sizes.append(len(distances))
        return persistence(distances, **options)

    monkeypatch.setattr(layers, "persistence", counting)
    return sizes


# what is computed


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("metric", ["l1", "l2", "cosine", "geodesic"])
def test_the_pipeline_is_its_steps_by_hand(device: str, metric: str) -> None:
    model, data = LeNet().to(device), torch.rand(40, 1, 28, 28)
    found = layer_topology(model, data, size=30, metric=metric, seed=3)
    chosen = data[torch.randperm(40, generator=torch.Generator().manual_seed(3))[:30]]
    with ActivationRecorder(model.eval()) as recorder, torch.no_grad():
        model(chosen.to(device))
    assert list(found) == ["conv1", "pool", "conv2", "pool#2", "linear1", "linear2", "linear3"]
    for name, output in recorder.outputs.items():
        result = found[name]
        distances = pairwise_distances(output.flatten(1), metric)
        diagram = persistence(distances, metric="precomputed")
        assert result.shape == output.shape[1:] and result.name == name
        assert result.diagram.points == 30 and len(result.diagram) == 2
        for bars, expected in zip(result.diagram, diagram, strict=True):
            torch.testing.assert_close(bars, expected.cpu(), rtol=1e-4, atol=1e-4)
        apart = distances[torch.ones(30, 30).triu(1).bool().to(device)]
        assert result.median == pytest.approx(float(apart.median()), rel=1e-4)
        for curve, bars in zip(result.curves, result.diagram, strict=True):
            expected = betti_curve(bars.double() / result.median, layers.SCALES)
            assert torch.equal(curve, expected)
    assert found["conv1"].curves[0][0] == 30 and count_hooks(model) == 0


@settings(deadline=None, max_examples=25)
@given(
    count=st.integers(1, 12),
    data=st.data(),
    batch=st.integers(1, 5),
    seed=st.integers(0, 99),
    dimension=st.integers(0, 2),
)
def test_tensor_and_loaders_give_the_same(
    count: int, data: st.DataObject, batch: int, seed: int, dimension: int
) -> None:
    size = data.draw(st.one_of(st.none(), st.integers(1, count)))
    model, samples = _mlp(), _data(count)
    given: dict[str, Any] = {"size": size, "seed": seed, "max_dimension": dimension}
    found = layer_topology(model, samples, **given)
    loader = DataLoader(TensorDataset(samples, torch.zeros(count)), batch)
    _same(found, layer_topology(model, loader, **given))
    _same(found, layer_topology(model, list(samples.split(batch)), **given))
    assert all(len(result.diagram) == dimension + 1 for result in found.values())
    assert all(result.diagram.points == (size or count) for result in found.values())


def test_modes_are_left_as_they_were_and_dropout_sleeps() -> None:
    model = _mlp().train()
    model[3].eval()
    before = [part.training for part in model.modules()]
    found = layer_topology(model, _data(), size=None)
    assert [part.training for part in model.modules()] == before
    assert torch.equal(found["1"].diagram[1], found["2"].diagram[1])  # ReLU and dropout


def test_dead_layers_and_a_single_sample() -> None:
    model = nn.Sequential(OrderedDict(live=nn.Linear(4, 3), dead=nn.Hardtanh(-2, -1)))
    with torch.no_grad():
        model.live.weight.mul_(0.01)
    dead = layer_topology(model, _data(), size=50)["dead"]
    assert dead.median == 0 and dead.curves[0].unique().tolist() == [1]
    alone = layer_topology(model, _data(), size=1)["live"]
    assert alone.median == 0 and alone.diagram[0].tolist() == [[0, torch.inf]]


def test_half_precision_and_whole_numbers_are_widened() -> None:
    class Classes(nn.Module):
        def forward(self, input: Tensor) -> Tensor:
            return input.argmax(dim=1)

    model = nn.Sequential(nn.Linear(4, 3), Classes()).bfloat16()
    found = layer_topology(model, _data().bfloat16(), size=40)
    assert found["0"].diagram[0].dtype == torch.float32
    assert len(found["1"].diagram[0]) == 3  # three classes, three places


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_give_the_same_and_are_given_back(threads: int) -> None:
    expected = layer_topology(_mlp(), _data(), size=60)
    before, running = torch.get_num_threads(), threading.active_count()
    try:
        torch.set_num_threads(threads)
        _same(layer_topology(_mlp(), _data(), size=60), expected)
        assert torch.get_num_threads() == threads and threading.active_count() == running
        with pytest.raises(ValueError, match="not a number"):
            layer_topology(nn.Sequential(_mlp(), _Fails()), _data(), size=60)
        assert torch.get_num_threads() == threads and threading.active_count() == running
    finally:
        torch.set_num_threads(before)


class _Fails(nn.Module):
    def forward(self, input: Tensor) -> Tensor:
        return input * torch.nan


def test_few_matrices_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = layer_topology(_mlp(), _data(), size=60)
    monkeypatch.setattr(layers, "_MATRICES", 1)
    monkeypatch.setattr(layers, "_OUTPUTS", 2_000)  # the rest goes to files
    _same(layer_topology(_mlp(), _data(), size=60), expected)


# what is saved


def test_files_of_a_layer(tmp_path: Path) -> None:
    found = layer_topology(_mlp(), _data(), size=60, name="an mlp", save_root=tmp_path)
    folder = tmp_path / "an%20mlp"
    assert {path.name for path in folder.iterdir()} == {"0", "1", "2", "3", "layers.csv"}
    assert {path.name for path in (folder / "3").iterdir()} == {"topology.npz", "bars.csv"}
    with np.load(folder / "3" / "topology.npz") as arrays:
        assert np.array_equal(arrays["bars1"], found["3"].diagram[1].numpy())
        assert np.array_equal(arrays["curves"], found["3"].curves.numpy())
    with (folder / "3" / "bars.csv").open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    bars = torch.tensor([[float(r["birth"]), float(r["death"])] for r in rows])
    torch.testing.assert_close(bars, torch.cat(list(found["3"].diagram)))
    with (folder / "layers.csv").open(encoding="utf-8", newline="") as opened:
        lines = list(csv.DictReader(opened))
    assert [line["layer"] for line in lines] == list(found)
    assert [int(line["bars H1"]) for line in lines] == [len(r.diagram[1]) for r in found.values()]
    assert lines[0]["shape"] == "12" and lines[0]["points"] == "60"


def test_what_is_there_is_not_computed_again(tmp_path: Path, counted: list[int]) -> None:
    def again(model: nn.Module | None = None, **changed: Any) -> int:
        counted.clear()
        given: dict[str, Any] = {"data": _data(), "size": 50, "save_root": tmp_path, **changed}
        found = layer_topology(model or _mlp(), **given)
        _same(found, layer_topology(model or _mlp(), **{**given, "save_root": None}))
        return len(counted) - len(found)

    assert again() == 4
    assert again() == 0
    changes: list[dict[str, Any]] = [
        {"size": 49},
        {"seed": 1},
        {"metric": "l2"},
        {"max_dimension": 0},
        {"backend": "ripser"},
        {"scales": torch.linspace(0, 1, 7)},
        {"data": _data(seed=2)},
        {"model": _mlp(seed=5)},
    ]
    for changed in changes:
        assert again(**changed) == 4, changed
        assert again(**changed) == 0, changed
    assert again() == 4
    assert again(layers="0") == 0
    assert again(name="other") == 4


def test_a_run_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {"data": _data(), "size": 50, "save_root": tmp_path}
    expected = layer_topology(_mlp(), **{**given, "save_root": None})
    calls: list[int] = []

    def stopping(distances: Tensor, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return persistence(distances, **options)

    monkeypatch.setattr(layers, "persistence", stopping)
    with pytest.raises(KeyboardInterrupt):
        layer_topology(_mlp(), **given)
    assert len(list(tmp_path.rglob("topology.npz"))) == 2
    _same(layer_topology(_mlp(), **given), expected)
    assert len(calls) == 3 + 2


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _flip(file: Path) -> None:
    whole = bytearray(file.read_bytes())
    for place in range(60, len(whole), 97):
        whole[place] ^= 0xFF
    file.write_bytes(whole)


def _pickled(file: Path) -> None:
    with np.load(file) as arrays:
        kept = dict(arrays)
    kept["curves"] = np.array([{"a": 1}], dtype=object)
    np.savez(file, **kept)


@pytest.mark.parametrize(
    "damage",
    [_cut, _flip, _pickled, lambda file: file.write_bytes(b""), Path.unlink,
     lambda file: np.savez(file, settings=np.array("{}")),
     lambda file: (file.parent / "bars.csv").unlink()],
)  # fmt: skip
def test_a_damaged_file_is_made_anew(
    damage: Callable[[Path], Any], tmp_path: Path, counted: list[int]
) -> None:
    given: dict[str, Any] = {"data": _data(), "size": 50, "save_root": tmp_path}
    expected = layer_topology(_mlp(), **given)
    file = tmp_path / "model" / "1" / "topology.npz"
    damage(file)
    counted.clear()
    _same(layer_topology(_mlp(), **given), expected)
    assert len(counted) == 1
    _same(layer_topology(_mlp(), **given), expected)
    assert len(counted) == 1


def test_no_file_is_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {"data": _data(), "size": 50, "save_root": tmp_path}

    def failing(opened: Any, **arrays: Any) -> None:
        opened.write(b"half")
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(saved.np, "savez_compressed", failing)
        with pytest.raises(OSError, match="disk full"):
            layer_topology(_mlp(), **given)
    assert not [f for f in tmp_path.rglob("*") if f.is_file() and f.name != "bars.csv"]
    layer_topology(_mlp(), **given)


NAMES = ["block/one", "block%2Fone", "a b", "..hidden", "ünï", "x" * 300, "x" * 299 + "y", "C:\\x"]


def test_names_that_are_no_folders_stay_apart_and_inside(tmp_path: Path) -> None:
    root = tmp_path / "here"
    model = nn.Sequential()
    for name in NAMES:
        model.add_module(name.replace(".", ""), nn.Linear(4, 4))
    for name in ("../up", "..", "a/b", "", *NAMES):
        found = layer_topology(model, _data(), size=20, name=name, save_root=root)
        _same(layer_topology(model, _data(), size=20, name=name, save_root=root), found)
    assert list(tmp_path.iterdir()) == [root]
    folders = [saved.folder_name(name) for name in ("../up", "..", "a/b", "", *NAMES)]
    assert sorted(path.name for path in root.iterdir()) == sorted(folders)
    assert len(set(folders)) == len(folders) and len(found) == len(NAMES)
    assert len(list((root / folders[0]).iterdir())) == len(NAMES) + 1


@given(st.text(max_size=150), st.text(max_size=150))
def test_two_names_never_share_a_folder(one: str, other: str) -> None:
    with contextlib.suppress(UnicodeEncodeError):  # halves of pairs are no text
        names = saved.folder_name(one), saved.folder_name(other)
        assert (names[0] == names[1]) == (one == other)
        assert not {"/", "\\", "\0"} & set(names[0]) and names[0] not in ("", ".", "..")


def test_the_model_itself_as_a_layer(tmp_path: Path) -> None:
    found = layer_topology(nn.Linear(4, 2), _data(), size=20, save_root=tmp_path)
    assert list(found) == [""] and (tmp_path / "model" / "%" / "topology.npz").is_file()


# figures and progress


def test_figures_are_drawn_once(tmp_path: Path) -> None:
    drawn: list[str] = []

    def draw(result: LayerTopology, folder: Path) -> None:
        drawn.append(result.name)
        (folder / "bars.svg").write_text("<svg/>", encoding="utf-8")

    given: dict[str, Any] = {"data": _data(), "size": 20, "save_root": tmp_path}
    layer_topology(_mlp(), **given)
    layer_topology(_mlp(), **given, draw=draw)
    assert sorted(drawn) == ["0", "1", "2", "3"]
    layer_topology(_mlp(), **given, draw=draw)
    assert len(drawn) == 4
    layer_topology(_mlp(), **given, draw=draw, seed=1)
    assert len(drawn) == 8


def test_progress_is_full_at_the_end(tmp_path: Path) -> None:
    seen: list[tuple[int, str]] = []
    steps: list[str] = []

    @contextlib.contextmanager
    def progress(total: int, label: str) -> Iterator[Callable[[str], None]]:
        seen.append((total, label))
        yield steps.append

    for _ in range(2):
        layer_topology(_mlp(), _data(), size=20, save_root=tmp_path, progress=progress, name="me")
    assert seen == [(4, "me")] * 2 and len(steps) == 8 and "was there" in steps[-1]


# what is refused


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"size": 61}, "size is 61; allowed: 1 to 60"),
        ({"size": 0}, "size is 0"),
        ({"metric": "L1"}, "metric is 'L1'"),
        ({"backend": "own"}, "backend is 'own'"),
        ({"layers": "9"}, "layers has '9'"),
        ({"max_dimension": -1}, "max_dimension is -1"),
        ({"draw": print}, "draw is given without save_root"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"scales": torch.zeros(2, 2)}, "scales has shape"),
        ({"data": _data() * torch.nan}, "0: points has numbers"),
        ({"size": 10, "metric": "geodesic"}, "0: neighbors is 14"),
    ],
)
def test_bad_arguments_are_told(changed: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {"data": _data(), "size": 20, **changed}
    with pytest.raises(ValueError, match=said):
        layer_topology(_mlp(), **given)
