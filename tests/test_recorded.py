"""Recorded results: how they are written, and that those there are hold what they promise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from helpers import recorded
from helpers.recorded import layer_regularity, local_error_methods, local_errors, naitzat

NAMES = recorded.names()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_recorded_says_how(name: str) -> None:
    assert len(recorded.about(name)) > 20
    try:
        found = recorded.load(name)
    except FileNotFoundError as error:
        assert f"layerwise record {name}" in str(error)
        return
    assert found["command"].startswith(f"layerwise record {name} --seed ")
    assert [str(seed) for seed in found["seeds"]] == list(found["results"]) == list(found["made"])
    assert "/" not in json.dumps(found["made"])  # no path of a machine
    for circumstances in found["made"].values():
        assert set(circumstances) == {"versions", "machine", "date"}


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"allowed: .*'local_errors'"):
        recorded.load("local_mistakes")


def test_a_trial_does_not_replace_what_was_recorded() -> None:
    with pytest.raises(ValueError, match="epochs is 1"):
        recorded.record("local_errors", epochs=1)


def test_seeds_come_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(state: Path, seeds: list[int], epochs: int, progress: Any) -> Iterator[dict[str, Any]]:
        results: dict[str, Any] = {}
        for seed in seeds:
            results[str(seed)] = {"share": [seed / 10, epochs]}
            yield results

    module = SimpleNamespace(run=run, EPOCHS=7, __doc__="An experiment.")
    monkeypatch.setattr(recorded, "names", lambda: ["made_up"])
    monkeypatch.setattr(recorded.importlib, "import_module", lambda name: module)
    for seeds in ([1], [0, 2], [1]):
        file = recorded.record("made_up", seeds, state=tmp_path / "state", to=tmp_path)
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["seeds"] == [0, 1, 2] and found["epochs"] == 7
    assert found["results"]["2"] == {"share": [0.2, 7]}
    assert found["command"] == "layerwise record made_up --seed 0 --seed 1 --seed 2"
    recorded.record("made_up", [5], epochs=3, state=tmp_path / "state", to=tmp_path)
    assert json.loads(file.read_text(encoding="utf-8"))["seeds"] == [5]  # another size begins anew


def test_all_methods_begin_with_the_same_layers() -> None:
    stacks = [local_error_methods.make(method, 3) for method in local_error_methods.METHODS]
    stacks[2] = stacks[2][0].stack
    for place in range(3):
        weights = [stack[place].linear.weight for stack in stacks]
        assert all(torch.equal(weights[0], weight) for weight in weights)
    assert not torch.equal(stacks[0][0].readout.weight, stacks[0][1].readout.weight)
    assert local_errors.make(0)[4].readout.weight.std().item() == pytest.approx(0.01, rel=0.03)


def test_the_rate_falls_after_its_milestones() -> None:
    rate = local_error_methods.rate(100)
    falls = [epoch for epoch in range(2, 101) if rate(epoch) < rate(epoch - 1)]
    assert falls == [51, 76, 90, 95] and rate(1) == 5e-4 and rate(100) == pytest.approx(5e-4 / 256)


def test_jitter_moves_an_image_as_a_whole() -> None:
    torch.manual_seed(0)
    images = torch.rand(200, 1, 28, 28)
    moved = local_error_methods.jitter(black=-1.0)(images)
    assert moved.shape == images.shape
    shifts = set()
    for before, after in zip(images[:, 0], moved[:, 0], strict=True):
        wide = torch.nn.functional.pad(before, [2] * 4, value=-1.0)
        fits = [
            (down, right)
            for down in range(5)
            for right in range(5)
            if torch.equal(wide[down : down + 28, right : right + 28], after)
        ]
        assert len(fits) == 1
        shifts.add(fits[0])
    assert len(shifts) == 25


def made_up(effects: dict[str, float], seeds: int = 10) -> dict[str, Any]:
    """Results in which rows differ from 1 by an effect and a little noise, the same in both."""
    generator = torch.Generator().manual_seed(0)

    def parts() -> dict[str, Any]:
        noise = torch.randn(99, generator=generator).mul(0.01).exp().tolist()
        tables = {}
        for part, last in {"pixels": 0, **layer_regularity.contrasts.NAMED}.items():
            families = (layer_regularity.contrasts.PRIMARY, layer_regularity.contrasts.SUPPORTING)
            rows = sorted({r.format(last) for f in families for pair in f.values() for r in pair})
            values = {row: effects.get(row.replace(f"| {last} |", "|"), 1.0) for row in rows}
            tables[part] = {"measured": {row: [v * noise.pop()] for row, v in values.items()}}
        return tables

    return {str(seed): parts() for seed in range(seeds)}


def test_verdicts_follow_the_protocol() -> None:
    said = layer_regularity.contrasts.conclusions(made_up({}))
    assert all("undecided" not in line for line in said if "explanation 1" in line)
    assert any("LeNet: explanation 1, the shared augmentation: fails" in line for line in said)
    regular = made_up({"fresh | none": 0.5, "fresh | Gaussian": 0.5, "fresh | shared crop": 0.3})
    said = layer_regularity.contrasts.conclusions(regular)
    assert any("MLP: the observation is reproduced" in line for line in said)
    assert any("explanation 3, the map before it learns: supported" in line for line in said)
    assert any("Gaussian cloud of the layer's covariance does the same" in line for line in said)
    assert any("explanation 1, the shared augmentation: supported" in line for line in said)
    assert any("MLP: explanation 2, learning: fails" in line for line in said)


def test_only_a_regular_layer_needs_an_explanation() -> None:
    said = layer_regularity.contrasts.conclusions(made_up({"random ReLU | none": 0.5}))
    assert not any("are enough" in line or "does the same" in line for line in said)


def test_the_prose_of_chapter_13_was_written_for_these_verdicts() -> None:
    """Who records anew rereads "In plain words", the recap, and the question's solution."""
    contrasts = layer_regularity.contrasts
    results = recorded.load("layer_regularity")["results"]
    assert len(contrasts.complete(results)) == 10
    found = contrasts.family(results, contrasts.PRIMARY)
    verdicts = {name: contrast.verdict for name, contrast in found.items()}
    undecided = dict.fromkeys(verdicts, "undecided")
    assert verdicts == undecided | {"B1, LeNet": "higher", "B1, MLP": "higher"}


def test_too_few_seeds_say_nothing() -> None:
    one = made_up({}, seeds=1) | {"7": {"pixels": {}}}
    (said,) = layer_regularity.contrasts.conclusions(one)
    assert "nothing can be said" in said
    with pytest.raises(ValueError, match="1 differences"):
        layer_regularity.contrasts.contrast(one, "MLP", ("pixels | none", "pixels | none"), 1)


def test_a_cloud_is_measured_the_same_whatever_its_unit() -> None:
    points = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    row, curve = layer_regularity.measure(points, 20, seed=1)
    again, _ = layer_regularity.measure(1000 * points, 20, seed=1)
    assert row == pytest.approx(again, rel=1e-4)
    assert len(row) == len(layer_regularity.COLUMNS)
    assert len(curve) == len(layer_regularity.SCALES)


def test_known_topology_is_recorded_for_all_cases() -> None:
    for found in recorded.load("naitzat")["results"].values():
        assert list(found) == naitzat.CASES


def test_networks_of_naitzat_begin_with_the_true_betti_numbers() -> None:
    found = naitzat.one("D-I, ReLU, large weights", seed=0, epochs=1)
    assert [rows[0] for rows in found["betti"]] == [[9, 0], [1, 9]]
    assert [len(rows) for rows in found["betti"]] == [naitzat.DEPTH + 1] * 2
