"""A sample class of eight, made from the published notebooks: what grading meets, in small."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..exercises import exercise
from .submission import is_check

#: A right answer by another way, for one exercise of each chapter.
_DIFFERENT = {
    "add-constant": """\
class AddConstant(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.register_buffer("value", torch.tensor(float(value)))

    def forward(self, input):
        return torch.add(self.value, input)
""",
    "conv-output-size": """\
def conv_output_size(input_size, kernel_size, stride=1, padding=0, dilation=1):
    last = input_size + 2 * padding - dilation * (kernel_size - 1)
    return len(range(0, last, stride))
""",
    "conv-parameter-count": """\
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    height, width = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    of_one = height * width * in_channels // groups
    return sum(of_one + (1 if bias else 0) for kernel in range(out_channels))
""",
    "adaptive-bins": """\
def adaptive_bins(input_size, output_size):
    bins = []
    for j in range(output_size):
        touched = [i for i in range(input_size)
                   if i < (j + 1) * input_size / output_size
                   and (i + 1) * output_size > j * input_size]
        bins.append((touched[0], touched[-1] + 1))
    return bins
""",
    "gelu": """\
def gelu(input, approximate="none"):
    if approximate == "none":
        return input * torch.special.ndtr(input)
    inner = (2 / torch.pi) ** 0.5 * (input + 0.044715 * input.pow(3))
    return input * torch.sigmoid(2 * inner)
""",
    "linear-by-matmul": """\
def linear_layer(input, weight, bias=None):
    output = (input.unsqueeze(-2) * weight).sum(-1)
    return output if bias is None else output.add(bias)
""",
    "flat-features": """\
def flat_features(features, shape):
    import copy

    copied = copy.deepcopy(features).eval()
    return copied(torch.ones(2, *shape)).reshape(2, -1).shape[1]
""",
    "live-hooks": """\
def live_hooks(model):
    kinds = [f"_{way}_{when}hooks" for way in ("forward", "backward") for when in ("pre_", "")]
    found = {(part, kind, key) for part in model.modules()
             for kind in kinds for key in getattr(part, kind)}
    return len(found)
""",
    "class-separability": """\
def separability(features, labels):
    centered = features - features.mean(0)
    chosen = (labels[:, None] == labels.unique()).to(features.dtype)
    sums = chosen.T @ centered
    between = (sums.square().sum(1) / chosen.sum(0)).sum()
    return between / centered.square().sum()
""",
    "accuracy-by-depth": """\
def accuracy_by_depth(layers, readouts, images, labels):
    if not layers:
        return []
    images = layers[0].eval()(images)
    wrong = torch.count_nonzero(readouts[0](images).argmax(1) - labels).item()
    return [1 - wrong / len(labels)] + accuracy_by_depth(layers[1:], readouts[1:], images, labels)
""",
    "likelihood-exponent": """\
def likelihood_exponent(values, x_min):
    logs = [math.log(x / x_min) for x in values.tolist() if x >= x_min]
    mean = math.fsum(logs) / len(logs)
    return 1 + 1 / mean, 1 / (mean * len(logs) ** 0.5)
""",
    "betti-curve": """\
def betti_curve(bars, scales):
    rows = bars.tolist()
    return torch.tensor([sum(b <= s < d for b, d in rows) for s in scales.tolist()])
""",
    "median-scale": """\
def median_scaled(distances):
    places = range(len(distances))
    values = sorted(distances[a, b].item() for a in places for b in places if a < b)
    low, high = values[(len(values) - 1) // 2], values[len(values) // 2]
    return 2 * distances / (low + high)
""",
}


def sample_class(learner: Any, solved: Any) -> dict[str, tuple[str, float]]:
    """Eight submissions of a chapter: by student, the file's text and the points it deserves.

    Points of questions are not among them, for a person gives those.

    Parameters
    ----------
    learner, solved
        The chapter's notebook as handed out, and with its solutions.
    """
    exercises = [is_check(cell) for cell in solved.cells if is_check(cell)]
    points = {name: float(exercise(name).statement.points) for name in exercises}
    full, half, first = sum(points.values()), exercises[: len(exercises) // 2], exercises[0]
    half_points = sum(points[name] for name in half)
    other = next(name for name in exercises if name in _DIFFERENT)
    some = _edited(solved, lambda name, source: source if name in half else None, learner)
    tagged = _edited(solved, lambda name, source: _wrong(source))
    for cell in tagged.cells:
        if is_check(cell):
            cell.metadata["tags"] = ["skip-execution"]
    endless = _edited(solved, lambda name, source: _endless(source) if name == first else source)
    different = _edited(solved, lambda name, source: _DIFFERENT[other] if name == other else source)
    text = json.dumps(solved)
    return {
        "ada-all-right": (text, full),
        "ben-differently-right": (json.dumps(different), full),
        "cleo-half-right": (json.dumps(some), half_points),
        "dan-untouched": (json.dumps(learner), 0.0),
        "eve-wrong": (json.dumps(_edited(solved, lambda name, source: _wrong(source))), 0.0),
        "fay-endless-loop": (json.dumps(endless), full - points[first]),
        "gus-malformed": (text[: len(text) // 2], 0.0),
        "hal-skip-execution": (json.dumps(tagged), 0.0),
    }


def write_sample_class(chapter: str, learner: Any, solved: Any, course: Path) -> list[Path]:
    """Write a sample class where a class hands in: ``course/submitted/STUDENT/CHAPTER/``."""
    written = []
    for student, (text, _) in sample_class(learner, solved).items():
        file = course / "submitted" / student / chapter / f"{chapter}.ipynb"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        written.append(file)
    return written


def _edited(solved: Any, edit: Callable[[str, str], str | None], learner: Any | None = None) -> Any:
    """A copy whose exercise cells are edited; where ``edit`` gives None, the learner's stub."""
    made = copy.deepcopy(solved)
    for place, cell in enumerate(made.cells):
        fields = cell.metadata.get("nbgrader") or {}
        if fields.get("solution") and not fields.get("grade"):
            source = edit(fields["grade_id"], cell.source)
            if source is None and learner is not None:
                source = learner.cells[place].source
            cell.source = source
    return made


def _bodies(source: str, body: str) -> str:
    """The source with the body of each function and method replaced."""
    import ast

    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            setup = [ast.parse("super().__init__()").body[0]] if node.name == "__init__" else []
            node.body = setup + ast.parse(body).body
    return ast.unparse(tree)


def _wrong(source: str) -> str:
    return _bodies(source, "return None")


def _endless(source: str) -> str:
    return _bodies(source, "while True:\n    pass")
