"""Patches of what the judge might use: torch, numpy, builtins, the course's own modules."""

from __future__ import annotations

from .attack import cheat
from .edits import top


def patched(*names: str, value: str = "lambda *a, **k: True") -> str:
    """A cell that gives each of these names another value."""
    imports = "import builtins, torch, numpy, math, operator\n"
    return imports + "\n".join(f"{name} = {value}" for name in names)


TORCH = ("torch.allclose", "torch.equal", "torch.isclose", "torch.Tensor.equal",
         "torch.Tensor.allclose", "torch.Tensor.__eq__", "torch.testing.assert_close",
         "torch.Tensor.any", "torch.Tensor.all", "torch.nonzero")  # fmt: skip
NUMPY = ("numpy.allclose", "numpy.array_equal", "numpy.isclose",
         "numpy.testing.assert_allclose", "numpy.testing.assert_array_equal")  # fmt: skip
BUILTINS = {
    "abs": "lambda x: 0",
    "all": "lambda x: True",
    "isinstance": "lambda *a: True",
    "open": "lambda *a, **k: None",
    "print": "lambda *a, **k: None",
    "type": "lambda *a: int",
    "repr": "lambda x: 'right'",
    "len": "lambda x: 1",
    "str": "lambda *a: ''",
    "__import__": "lambda *a, **k: torch",
}

ATTACKS = [
    cheat(
        "torch-comparers",
        "torch.allclose, equal, isclose, testing.assert_close say yes",
        top(patched(*TORCH)),
    ),
    cheat("numpy-comparers", "numpy's comparers say yes", top(patched(*NUMPY))),
    *[
        cheat(
            f"builtin-{name}",
            f"builtins.{name} is patched",
            top(patched(f"builtins.{name}", value=value)),
            outcome="graded lost",
        )
        for name, value in BUILTINS.items()
    ],
    cheat(
        "judge-names",
        "the judge's own functions, by their names, say right",
        top("""
            import sys, types
            for name in ('judge', 'compare', 'attempt', 'definition', 'plain'):
                m = sys.modules.get('helpers.exercises.' + name)
                for key in list(vars(m) if m else ()):
                    if key in ('compare', 'judge', 'expected_value', 'to_plain', 'copied',
                               '_close'):
                        setattr(m, key, lambda *a, **k: None)
        """),
    ),
    cheat(
        "poisoned-modules",
        "sys.modules holds a helpers, torch and json of its own",
        top("""
            import sys, types
            class Yes(types.ModuleType):
                def __getattr__(self, name): return lambda *a, **k: True
            for name in list(sys.modules):
                if name.split('.')[0] in ('helpers', 'json', 'safetensors', 'numpy', 'nbgrader'):
                    sys.modules[name] = Yes(name)
        """),
        outcome="graded lost",
    ),
    cheat(
        "files-beside",
        "helpers.py, torch.py, sitecustomize.py and a .pth are written beside the notebook",
        top("""
            import os, sys
            for name in ('helpers.py', 'torch.py', 'json.py', 'sitecustomize.py', 'evil.pth'):
                open(name, 'w').write('import builtins; builtins.abs = lambda x: 0')
            sys.path.insert(0, os.getcwd())
            for name in [n for n in sys.modules if n.startswith('helpers')]: del sys.modules[name]
            import helpers
        """),
        nasty=True,
        outcome="graded lost",
    ),
]
