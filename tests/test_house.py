"""The house: who may import whom, what stays light, what the wheel and the notebooks hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "helpers"
#: The floors of helpers; a module imports only from floors below its own.
FLOORS = {
    0: ["__init__", "paths", "windows", "batches"],
    1: ["data", "models", "convolution", "pooling", "activations", "linear", "hooks"],
    2: [
        *("convolution_layers", "local_error", "spectrum", "topology", "embedding", "probes"),
        "adversarial",
    ],
    3: ["plots", "animations", "recorded"],
    4: ["exercises"],
    5: ["grading", "publishing"],
    6: ["cli"],
}
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names}
MODULES = sorted(PACKAGE.rglob("*.py"))


def imported(file: Path) -> set[str]:
    """The rooms of helpers that a module imports, wherever in it the import stands."""
    here = file.relative_to(PACKAGE).with_suffix("").parts
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            package = ("helpers", *here)[: -node.level]
            names = [(*package, *(node.module.split(".") if node.module else [a.name]))
                     for a in node.names]  # fmt: skip
        elif isinstance(node, ast.ImportFrom):
            names = [tuple((node.module or "").split("."))]
        elif isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        else:
            continue
        found |= {name[1] for name in names if name[0] == "helpers" and len(name) > 1}
    return found


@pytest.mark.parametrize("file", MODULES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_a_module_imports_only_from_floors_below(file: Path) -> None:
    room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert room in FLOOR, f"{room} has no floor yet"
    for other in imported(file) - {room}:
        known = FLOOR.get(other, 0)
        assert known < FLOOR[room], f"{room} (floor {FLOOR[room]}) imports {other} (floor {known})"


@pytest.mark.parametrize(
    "command",
    [
        "import helpers",
        "import helpers.cli",
        "from helpers.exercises import exercises; list(exercises())",
    ],
)
def test_a_start_does_not_import_torch(command: str) -> None:
    heavy = "{'torch', 'numpy', 'nbgrader'}"
    code = f"{command}; import sys; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("file", MODULES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_files_are_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400


def test_the_wheel_holds_what_was_recorded() -> None:
    from hatchling.builders.wheel import WheelBuilder

    held = {found.distribution_path for found in WheelBuilder(str(ROOT)).recurse_included_files()}
    files = [*MODULES, *(PACKAGE / "recorded").glob("*.json")]
    missing = {file.relative_to(ROOT).as_posix() for file in files} - held
    assert not missing
