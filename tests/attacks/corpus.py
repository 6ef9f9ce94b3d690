"""Hostile and broken notebooks, made by code from a published chapter.

Each `Attack` says what it tries, how its file is made and what must become of it. Most cheats are
laid over wrong answers (bodies that return None), so that a mark gained would show.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from helpers.exercises import exercises
from helpers.grading.sample import _bodies

CHAPTER = "02_convolution_arithmetic"
POINTS = {e.name: float(e.statement.points) for e in exercises(CHAPTER)}
FULL = sum(POINTS.values())
#: What a process or file that might outlive its sandbox is called.
MARKER = "lw-attack"

Make = Callable[[Any, Any], bytes]


@dataclass(frozen=True)
class Expect:
    """What must become of a notebook.

    Attributes
    ----------
    points
        What its honest part earns: no more may come out (and no less, if ``exactly``).
    outcome
        ``graded``, ``unreadable``, ``time`` or ``lost``; several, separated by blanks, where the
        machine decides.
    """

    points: float = 0.0
    outcome: str = "graded"
    exactly: bool = False


@dataclass(frozen=True)
class Attack:
    """One hostile, broken or harmless notebook; ``nasty``: the next one is graded after it."""

    name: str
    what: str
    make: Make
    expect: Expect = Expect()
    defended: bool = True
    nasty: bool = False


# Edits, each of a notebook in place --------------------------------------------------------------

Edit = Callable[[Any], None]


def top(*codes: str) -> Edit:
    """Cells before all others."""

    def edit(notebook: Any) -> None:
        notebook.cells[:0] = [new_code_cell(code) for code in codes]

    return edit


def bottom(*codes: str) -> Edit:
    """Cells after all others."""

    def edit(notebook: Any) -> None:
        notebook.cells += [new_code_cell(code) for code in codes]

    return edit


def before(grade_id: str, *codes: str) -> Edit:
    """Cells before a cell of the release."""

    def edit(notebook: Any) -> None:
        place = notebook.cells.index(cell_of(notebook, grade_id))
        notebook.cells[place:place] = [new_code_cell(code) for code in codes]

    return edit


def answers(body: str, *names: str) -> Edit:
    """Another body for each function of these exercises, or of all."""

    def edit(notebook: Any) -> None:
        for name in names or POINTS:
            cell = cell_of(notebook, name)
            cell.source = _bodies(cell.source, body)

    return edit


def sources(change: Callable[[str], str], *names: str) -> Edit:
    """The exercise's source changed as text."""

    def edit(notebook: Any) -> None:
        for name in names or POINTS:
            cell = cell_of(notebook, name)
            cell.source = change(cell.source)

    return edit


def each(change: Callable[[Any], None], which: str = "") -> Edit:
    """A change to each cell of the release whose id starts with ``which``."""

    def edit(notebook: Any) -> None:
        for cell in notebook.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            if grade_id and grade_id.startswith(which):
                change(cell)

    return edit


def cell_of(notebook: Any, grade_id: str) -> Any:
    """The cell with an id of nbgrader's."""
    return next(
        c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )


def dumped(notebook: Any) -> bytes:
    return json.dumps(notebook).encode()


def right(*edits: Edit) -> Make:
    """The solved notebook, edited."""

    def make(learner: Any, solved: Any) -> bytes:
        made = copy.deepcopy(solved)
        for edit in edits:
            edit(made)
        return dumped(made)

    return make


WRONG = answers("return None")


def wrong(*edits: Edit) -> Make:
    """The same, with wrong answers."""
    return right(WRONG, *edits)


def cheat(name: str, what: str, *edits: Edit, outcome: str = "graded", **more: Any) -> Attack:
    """An attack for marks: laid over wrong answers, it must earn nothing."""
    return Attack(name, what, wrong(*edits), Expect(0.0, outcome), **more)


def harmless(name: str, what: str, *edits: Edit, outcome: str = "graded", **more: Any) -> Attack:
    """Right work that must keep full marks, whatever else is in it."""
    return Attack(name, what, right(*edits), Expect(FULL, outcome, exactly=True), **more)


def raw(name: str, what: str, make: Make) -> Attack:
    """A file that is no notebook."""
    return Attack(name, what, make, Expect(0.0, "unreadable"))


# Objects -----------------------------------------------------------------------------------------

EQUAL = """
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __bool__(self): return True
    def __getattr__(self, name): return self
    def __call__(self, *a, **k): return self
    def __getitem__(self, key): return self
    def __iter__(self): return iter(())
    __lt__ = __le__ = __gt__ = __ge__ = __eq__
    def __sub__(self, other): return 0
    __rsub__ = __add__ = __radd__ = __abs__ = __float__ = __int__ = __index__ = __sub__
"""
RIGGED = """
import torch
def rig(base):
    body = {n: (lambda self, *a: True) for n in ("__eq__", "__le__", "__ge__", "__lt__", "__gt__")}
    body |= {"__ne__": lambda self, o: False, "__hash__": lambda self: 0}
    if base in (int, float):
        body |= {n: (lambda self, *a: 0) for n in ("__sub__", "__rsub__", "__abs__")}
    return type(base.__name__, (base,), body)
Int, Float, Str, Dict, Tuple = map(rig, (int, float, str, dict, tuple))
class Tensor(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name in ("allclose", "equal", "isclose", "eq", "__eq__"):
            return True
        if name == "__get__":
            return Equal()
        return Equal()
"""

OBJECTS = [
    cheat(
        "equal-to-everything",
        "answers equal to everything",
        top(EQUAL),
        answers("return Equal()"),
    ),
    cheat(
        "answer-is-equal",
        "the answers' names are bound to an object equal to everything",
        top(EQUAL),
        sources(lambda s: "\n".join(f"{n} = Equal()" for n in _defined(s))),
    ),
    *[
        cheat(
            f"rigged-{kind.lower()}",
            f"a subclass of {kind.lower()} with rigged operators",
            top(EQUAL, RIGGED),
            answers(f"return {kind}{argument}"),
        )
        for kind, argument in {
            "Int": "(1)", "Float": "(1.0)", "Str": "('x')", "Dict": "()", "Tuple": "((1, 1))",
        }.items()
    ],
    cheat(
        "rigged-tensor",
        "a tensor subclass with a rigged __torch_function__",
        top(EQUAL, RIGGED),
        answers("return torch.zeros(1).as_subclass(Tensor)"),
    ),
    cheat(
        "dunder-class",
        "an object that says its __class__ is int",
        answers("return type('X', (), {'__class__': int, '__eq__': lambda s, o: True})()"),
    ),
    cheat("not-a-number", "NaN everywhere", answers("return float('nan')")),
    cheat(
        "empty-tensor",
        "an empty tensor, no value of which differs",
        answers("import torch\nreturn torch.zeros(0)"),
    ),
    cheat(
        "expanded-nan", "NaN tensors of the input's shape",
        answers("import torch\nreturn torch.full((1, 1, 3, 3), float('nan'))"),
    ),
    cheat(
        "odd-tensors",
        "sparse, meta, complex, quantized and 64-dimensional tensors in turn",
        top(
            "import itertools, torch\nodd = itertools.cycle([torch.ones(2, 2).to_sparse(), "
            "torch.ones(2, device='meta'), torch.ones(2, dtype=torch.complex128), "
            "torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8), torch.ones([1] * 64), "
            "torch.ones(2, dtype=torch.float8_e4m3fn),"
            " torch.nested.nested_tensor([torch.ones(2)])])"
        ),
        answers("return next(odd)"),
    ),
    cheat("huge-int", "an int of 10,000 digits", answers("return 10 ** 10_000")),
    cheat("large-int", "an int of 4,000 digits", answers("return 10 ** 4_000")),
    cheat(
        "recursive",
        "a list that holds itself",
        answers("x = []\nx.append(x)\nreturn x"),
    ),
    cheat("deep-list", "a list nested 100,000 deep",
          answers("x = []\nfor _ in range(100_000):\n    x = [x]\nreturn x", "same-padding"),
          outcome="graded time lost"),
    cheat("many-dimensions", "a tensor of 60,000 dimensions, to fill the feedback",
          answers("import torch\nreturn torch.zeros([1] * 60_000)", "cross-correlation")),
    cheat("surrogates", "text that is no Unicode", answers("return '\\ud800'"),
          bottom("print('\\ud800')", "raise ValueError('\\udfff')")),
]  # fmt: skip


def _defined(source: str) -> list[str]:
    import ast

    return [
        n.name for n in ast.parse(source).body if isinstance(n, (ast.FunctionDef, ast.ClassDef))
    ]


# Patches -----------------------------------------------------------------------------------------


def patched(*targets: str, value: str = "lambda *a, **k: True") -> str:
    return "import builtins, torch, numpy, math, operator\n" + "\n".join(
        f"{target} = {value}" for target in targets
    )


PATCHES = [
    cheat(
        "torch-comparers",
        "torch.allclose, equal, isclose, testing.assert_close say yes",
        top(
            patched("torch.allclose", "torch.equal", "torch.isclose", "torch.Tensor.equal",
                    "torch.Tensor.allclose", "torch.Tensor.__eq__", "torch.testing.assert_close",
                    "torch.Tensor.any", "torch.Tensor.all", "torch.nonzero")
        ),
    ),
    cheat(
        "numpy-comparers",
        "numpy's comparers say yes",
        top(
            patched("numpy.allclose", "numpy.array_equal", "numpy.isclose",
                    "numpy.testing.assert_allclose", "numpy.testing.assert_array_equal")
        ),
    ),
    *[
        cheat(
            f"builtin-{name}",
            f"builtins.{name} is patched",
            top(patched(f"builtins.{name}", value=value)),
            outcome="graded lost",
        )
        for name, value in {
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
        }.items()
    ],
    cheat(
        "judge-names",
        "the judge's own functions, by their names, say right",
        top(
            "import sys, types\nfor name in ('judge', 'compare', 'attempt', 'definition',"
            " 'plain'):\n"
            "    m = sys.modules.get('helpers.exercises.' + name)\n"
            "    for key in list(vars(m) if m else ()):\n"
            "        if key in ('compare', 'judge', 'expected_value', 'to_plain', 'copied',"
            " '_close'):\n"
            "            setattr(m, key, lambda *a, **k: None)"
        ),
    ),
    cheat(
        "poisoned-modules",
        "sys.modules holds a helpers, torch and json of its own",
        top(
            "import sys, types\nclass Yes(types.ModuleType):\n"
            "    def __getattr__(self, name): return lambda *a, **k: True\n"
            "for name in list(sys.modules):\n"
            "    if name.split('.')[0] in ('helpers', 'json', 'safetensors', 'numpy',"
            " 'nbgrader'):\n"
            "        sys.modules[name] = Yes(name)"
        ),
        outcome="graded lost",
    ),
    cheat(
        "files-beside",
        "helpers.py, torch.py, sitecustomize.py and a .pth are written beside the notebook",
        top(
            "import os, sys\n"
            "for name in ('helpers.py', 'torch.py', 'json.py', 'sitecustomize.py', 'evil.pth'):\n"
            "    open(name, 'w').write('import builtins; builtins.abs = lambda x: 0')\n"
            "sys.path.insert(0, os.getcwd())\n"
            "for name in [n for n in sys.modules if n.startswith('helpers')]: del"
            " sys.modules[name]\n"
            "import helpers"
        ),
        nasty=True,
        outcome="graded lost",
    ),
    cheat(
        "writes-the-course",
        "writes over the course's and Python's own files",
        top(
            "import os, sys, glob\n"
            "for p in glob.glob('/course/**/*.py', recursive=True) + [os.__file__,"
            " sys.executable]:\n"
            "    for how in (lambda: os.chmod(p, 0o777), lambda: open(p, 'a').write('x = 1'),\n"
            "                lambda: os.remove(p)):\n"
            "        try: how()\n"
            "        except OSError: continue\n"
            "        print('lw-leak: wrote', p)"
        ),
        nasty=True,
        outcome="graded time",
    ),
]  # fmt: skip


# IPython -----------------------------------------------------------------------------------------

IPYTHON = [
    cheat(
        "input-transformer",
        "an input transformer turns every later cell into pass",
        top("get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])"),
    ),
    cheat(
        "ast-transformer",
        "an AST transformer makes every comparison and assert true",
        top(
            "import ast\nclass T(ast.NodeTransformer):\n"
            "    def visit_Assert(self, node): return ast.copy_location(ast.Pass(), node)\n"
            "    def visit_Compare(self, node): return ast.copy_location(ast.Constant(True),"
            " node)\n"
            "get_ipython().ast_transformers.append(T())"
        ),
    ),
    cheat(
        "run-cell",
        "run_cell and run_code are replaced",
        top(
            "shell = get_ipython()\nshell.run_code = shell.run_cell = lambda *a, **k: True\n"
            "type(shell).run_cell = type(shell).run_code = lambda *a, **k: 1.0"
        ),
    ),
    cheat(
        "hooks",
        "event hooks and a custom exception handler rewrite what is run",
        top(
            "shell = get_ipython()\n"
            "shell.events.register('pre_run_cell', lambda info: setattr(info, 'raw_cell', ''))\n"
            "shell.events.register('post_run_cell', lambda r: setattr(r, 'result', 1.0))\n"
            "shell.set_custom_exc((BaseException,), lambda *a, **k: None)\n"
            "import sys; sys.excepthook = lambda *a: None; sys.settrace(lambda *a: None)"
        ),
    ),
    cheat(
        "check-replaced",
        "check is the learner's own and returns full points",
        top("check = lambda name: 100.0"),
        before("cross-correlation", "check = lambda name: 100.0",
               "import helpers.exercises as e; e.check = check"),
        each(lambda cell: cell.update(source=cell.source + "\n100.0"), "check-"),
    ),
    cheat(
        "user-ns",
        "the namespace is replaced by a dict that has every name",
        top(
            "class Any(dict):\n    def __contains__(self, key): return True\n"
            "    def __missing__(self, key): return lambda *a, **k: 1\n"
            "shell = get_ipython(); shell.user_ns = Any(shell.user_ns)"
        ),
    ),
]  # fmt: skip

# Cells and metadata ------------------------------------------------------------------------------


def _tag(*tags: str) -> Callable[[Any], None]:
    return lambda cell: cell.metadata.update(tags=list(tags))


def _nbgrader(**fields: Any) -> Callable[[Any], None]:
    return lambda cell: cell.metadata.nbgrader.update(fields)


def _drop(which: str) -> Edit:
    def edit(notebook: Any) -> None:
        notebook.cells = [
            c
            for c in notebook.cells
            if not str(c.metadata.get("nbgrader", {}).get("grade_id", "")).startswith(which)
        ]

    return edit


def _twice(which: str) -> Edit:
    def edit(notebook: Any) -> None:
        cells = [c for c in notebook.cells if str(c.get("id", "")).startswith(which)]
        notebook.cells += [copy.deepcopy(c) for c in cells]

    return edit


def _easy_points(notebook: Any) -> None:
    """The one right answer's id on each check."""
    for cell in notebook.cells:
        fields = cell.metadata.get("nbgrader", {})
        if str(fields.get("grade_id", "")).startswith("check-"):
            cell.id = fields.grade_id = "check-same-padding"
            cell.source = 'check("same-padding")'


def _swap_kernel(notebook: Any) -> None:
    notebook.metadata.kernelspec = {"name": "bash", "display_name": "Bash", "language": "bash"}
    notebook.metadata.language_info = {"name": "bash"}


def _reverse(notebook: Any) -> None:
    notebook.cells.reverse()


def _checks_first(notebook: Any) -> None:
    notebook.cells.sort(key=lambda c: not str(c.get("id", "")).startswith("check-"))


def _stripped(notebook: Any) -> None:
    """As an editor saves that knows neither ids nor metadata."""
    notebook.metadata = {}
    notebook.nbformat_minor = 4
    for cell in notebook.cells:
        cell.metadata = {}
        cell.pop("id", None)


def _colab(notebook: Any) -> None:
    notebook.nbformat_minor = 0
    notebook.metadata.colab = {"provenance": [], "toc_visible": True}
    for number, cell in enumerate(notebook.cells):
        cell.pop("id", None)
        cell.metadata = {"id": f"Xy{number}", "colab": {"base_uri": "https://example.invalid"}}


def _vscode(notebook: Any) -> None:
    notebook.metadata.vscode = {"interpreter": {"hash": "0" * 64}}
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{number:08x}"
        cell.metadata.vscode = {"languageId": "python"}
        cell.metadata.pop("nbgrader", None)
        cell.source = cell.source.replace("\n", "\r\n")


def _odd_metadata(notebook: Any) -> None:
    for cell in notebook.cells:
        cell.metadata["nbgrader"] = ["grade", True, {"points": 100}]
        cell.metadata["tags"] = {"a": 1}


CELLS = [
    cheat("skip-execution", "tags that skip checks, exercises and all",
          each(_tag("skip-execution"))),
    cheat("other-tags", "tags of other tools",
          each(_tag("raises-exception", "remove-cell", "parameters", "injected-parameters"))),
    Attack("skip-one-wrong", "right, but one wrong exercise tagged to be skipped",
           right(answers("return None", "same-padding"), each(_tag("skip-execution"), "check-same"),
                 each(_tag("skip-execution"), "same-padding")),
           Expect(FULL - POINTS["same-padding"], exactly=True)),
    cheat("checks-edited", "the checks' sources are edited",
          each(lambda c: c.update(source="18.0"), "check-")),
    cheat("checks-deleted", "the checks are deleted", _drop("check-")),
    cheat("all-deleted", "everything but one check is deleted", _drop("c"), _drop("s"),
          bottom('check("same-padding")')),
    harmless("checks-twice", "each check twice, to be counted twice", _twice("check-")),
    harmless("exercises-twice", "right answers twice: copies below",
             lambda nb: nb.cells.extend(copy.deepcopy([cell_of(nb, n) for n in POINTS]))),
    Attack("points-changed", "one right answer, its points 1,000",
           right(answers("return None", *[n for n in POINTS if n != "same-padding"]),
                 each(_nbgrader(points=1000), "check-")), Expect(1.0, exactly=True)),
    Attack("ids-changed", "one right answer, its id on every check",
           right(answers("return None", *[n for n in POINTS if n != "same-padding"]),
                 _easy_points), Expect(1.0, exactly=True)),
    cheat("retagged", "checks are marked as solutions with points, exercises as locked",
          each(_nbgrader(solution=True, grade=True, points=18, locked=False))),
    cheat("task", "checks are marked as hand-graded tasks", each(_nbgrader(task=True, points=18))),
    cheat("retyped-checks", "the checks are turned into markdown",
          each(lambda c: (c.update(cell_type="markdown"), c.pop("outputs", None),
                          c.pop("execution_count", None)), "check-")),
    harmless("retyped-back", "the checks of right work were turned into raw cells",
             each(lambda c: (c.update(cell_type="raw"), c.pop("outputs", None),
                             c.pop("execution_count", None)), "check-")),
    Attack("reversed", "all cells in reverse order, imports last", right(_reverse), Expect(FULL)),
    harmless("checks-first", "the checks moved above everything; they are judged at the end",
             _checks_first),
    harmless("kernelspec", "a kernelspec of another language", _swap_kernel),
    Attack("metadata-odd", "nbgrader's metadata is a list", right(_odd_metadata), Expect(FULL)),
    cheat("stub-release", "the release's own id and chapter are forged",
          lambda nb: nb.metadata.update(layerwise={"chapter": CHAPTER, "release": ["x"] * 9})),
    cheat("setup-edited", "the preamble is edited to replace the course",
          lambda nb: cell_of(nb, "preamble").update(
              source="import sys, types\nsys.modules['helpers'] = types.ModuleType('helpers')\n"
                     "check = lambda name: 100.0")),
    harmless("outputs-forged", "outputs that say a hundred points, and a mime bundle",
             each(lambda c: c.update(execution_count=1, outputs=[
                 {"output_type": "execute_result", "execution_count": 1, "metadata": {},
                  "data": {"text/plain": "100.0", "text/html": "<script>alert(1)</script>"}}]),
                  "check-")),
    cheat("outputs-replayed", "the outputs of right work over wrong answers",
          each(lambda c: c.update(execution_count=1, outputs=[
              {"output_type": "execute_result", "execution_count": 1, "metadata": {},
               "data": {"text/plain": "18.0"}}]), "check-")),
]  # fmt: skip

# Looking for the answers -------------------------------------------------------------------------

NAMES = ("answers", "oracle", "reference", "expected", "seed")
LOOK = """
import builtins
def told(*what): print("lw-leak:", *what)
"""
SECRETS = [
    cheat("frames", "reads the judge's frames for oracle, expected values and seed",
          answers("import sys\nf = sys._getframe()\nwhile f:\n"
                  "    for k, v in list(f.f_locals.items()) + list(f.f_globals.items()):\n"
                  "        if k in ('oracle', 'expected', 'seed', 'reference') and v is not None:\n"
                  "            found.append(k)\n            return v\n    f = f.f_back"),
          top("found = []"), bottom("if found: print('lw-leak:', found)")),
    cheat("gc", "searches the garbage collector for oracles, cases and the seed",
          top("import gc\nfor o in gc.get_objects():\n"
              "    n = type(o).__name__\n"
              "    if n in ('Oracle', 'Case', 'Verdict', 'Line', '_Grading', 'Judged'):\n"
              "        print('lw-leak:', n)\n"
              "    if type(o) is dict and ('attack-seed' in o.values() if len(o) < 99 and\n"
              "        all(type(v) is str for v in o.values()) else False):\n"
              "        print('lw-leak: seed')")),
    cheat("inspect", "the sources of the probes and of what is imported, by inspect",
          answers("import inspect, sys\n"
                  "for m in list(sys.modules.values()):\n"
                  "    if getattr(m, '__name__', '').endswith(('.answers', '.solutions')):\n"
                  "        found.append(m.__name__)"),
          top("found = []"), bottom("if found: print('lw-leak:', found)")),
    cheat("in-out", "In, Out, _ and history for earlier results",
          answers("return (list(Out.values()) or [None])[-1]"),
          bottom("import sqlite3, os\nprint(In, Out)")),
    cheat("files", "looks for the solutions, the seed, other submissions on the whole disk",
          top("import os\nfor folder, dirs, files in os.walk('/'):\n"
              "    if folder.count('/') > 4 or folder.startswith(('/proc', '/sys', '/usr')):\n"
              "        dirs.clear()\n"
              "    for f in files:\n"
              "        if f in ('answers.py', 'solutions.py', 'seed', 'gradebook.db') or \\\n"
              "                f.endswith('.ipynb'):\n"
              "            print('lw-leak:', folder, f)")),
    cheat("proc", "other processes, their memory, environment and descriptors by /proc",
          top("import os\nfor p in os.listdir('/proc'):\n"
              "    if p.isdigit() and int(p) != os.getpid(): print('lw-leak: pid', p)\n"
              "for n in ('/proc/1/environ', '/proc/1/cmdline', '/proc/1/root/srv',"
              " '/proc/1/cwd'):\n"
              "    try: data = open(n, 'rb').read() if 'environ' in n or 'cmd' in n else b''\n"
              "    except OSError: data = b''\n"
              "    if b'LW_ATTACK' in data or b'attack-seed' in data: print('lw-leak:', n)\n"
              "if os.path.exists('/proc/1/root/srv/solutions'): print('lw-leak: root')\n"
              "for fd in os.listdir('/proc/self/fd'):\n"
              "    try: where = os.readlink('/proc/self/fd/' + fd)\n"
              "    except OSError: continue\n"
              "    if not where.startswith(('/dev/null', 'pipe:', '/proc', '/tmp')):\n"
              "        print('lw-leak: descriptor', where)")),
    cheat("environment", "the environment for a seed or secret, and branching on it",
          top("import os\nif 'LW_ATTACK_SECRET' in os.environ: print('lw-leak:',"
              " dict(os.environ))"),
          answers("import os\nreturn 1 if not os.path.exists('/home') else None")),
    cheat("reference", "imports the references",
          *[sources(lambda s, n=n: _imported(s, n), n) for n in POINTS]),
    cheat("reference-without-finders", "imports them with sys.meta_path replaced",
          top("import sys\nfrom importlib import machinery as m\nsys.meta_path[:] ="
              " [m.PathFinder]\n"
              "for n in [n for n in sys.modules if n.endswith(('convolution', 'answers'))]:\n"
              "    del sys.modules[n]"),
          *[sources(lambda s, n=n: _imported(s, n), n) for n in POINTS]),
    cheat("torchs-own", "the operators that the exercise forbids",
          answers("import torch.nn.functional as F\nreturn F.conv2d(*a, **k)"),
          sources(lambda s: f"def {_defined(s)[0]}(input, weight=None, bias=None, *a, **k):\n"
                  "    import torch.nn.functional as F\n"
                  "    return F.conv2d(input, weight, bias, *a, **k)")),
    cheat("public-seed", "right for the public seed's cases alone, by a table made with them",
          lambda nb: _tables(nb)),
    cheat("seed-guess", "reseeds every generator and returns the next numbers",
          answers("import random, torch\nrandom.seed('layerwise')\ntorch.manual_seed(0)\n"
                  "return random.randint(0, 9)")),
    cheat("cached", "replays the result of the first call",
          sources(lambda s: _cached(s))),
    cheat("echo", "gives its input back", sources(
        lambda s: f"def {_defined(s)[0]}(*a, **k): return [*a, *k.values()][0]")),
    cheat("mutates", "writes into its input so that the expected value is computed from it",
          sources(lambda s: f"def {_defined(s)[0]}(*a, **k):\n"
                  "    for t in [*a, *k.values()]:\n"
                  "        if hasattr(t, 'zero_'): t.zero_()\n"
                  "    return [*a, *k.values()][0]")),
]  # fmt: skip


def _imported(source: str, name: str) -> str:
    """An answer that is the reference, by every way there is to it; else None."""
    answer = _defined(source)[0]
    package, key = "helpers.exercises.convolution_arithmetic", name.replace("-", "_")
    return (
        f"def {answer}(*a, **k):\n    import importlib\n"
        f"    for module, path in (('{package}.answers', '{key}.reference'),\n"
        f"        ('helpers.exercises.solutions', '{answer}'), ('helpers.convolution',"
        f" '{answer}'),\n"
        "        ('helpers.convolution', 'conv2d'), ('helpers.convolution', 'conv_output_size'),\n"
        "        ('scipy.signal', 'correlate2d'), ('scipy.ndimage', 'correlate')):\n"
        "        try:\n            found = importlib.import_module(module)\n"
        "            for part in path.split('.'): found = getattr(found, part)\n"
        "            return found(*a, **k)\n        except Exception: pass"
    )


def _cached(source: str) -> str:
    name = _defined(source)[0]
    return f"{source}\ndef {name}(*a, real={name}, c=[], **k):\n" + (
        "    if not c: c.append(real(*a, **k))\n    return c[0]"
    )


def _tables(notebook: Any) -> None:
    """Each answer a table of the public cases' inputs and values, as a learner could print it."""
    from helpers.exercises.judge import PUBLIC_SEED, expected_value

    for asked in exercises(CHAPTER):
        pairs = {repr(list(c.inputs.values())): expected_value(asked, c)
                 for c in asked.cases(PUBLIC_SEED)}  # fmt: skip
        plain = {k: v for k, v in pairs.items() if type(v) in (int, tuple)}
        cell = cell_of(notebook, asked.name)
        cell.source = (
            f"def {_defined(cell.source)[0]}(*a, **k):\n"
            f"    return {plain!r}.get(repr([*a, *k.values()]))"
        )


# The probe's messages ----------------------------------------------------------------------------

FORGE = """
import json, os, struct
def message(value):
    text = json.dumps(value).encode()
    return struct.pack("!II", len(text), 0) + text
def everywhere(data):
    for d in range(3, 64):
        try: os.set_blocking(d, False); os.write(d, data)
        except OSError: pass
"""
WIRE = [
    cheat("forged-none", "replies without failure to every descriptor",
          top(FORGE + "everywhere(message({'value': 1, 'failure': None, 'message': ''}) * 50)")),
    cheat("forged-points", "replies that speak of points, right and verdict",
          top(FORGE + "everywhere(message({'right': True, 'points': 18, 'verdict': 'right'})"
                      " * 50)")),
    cheat("forged-garbage", "random bytes to every descriptor",
          top(FORGE + "everywhere(os.urandom(65536))"), outcome="lost", nasty=True),
    cheat("forged-length", "a reply that announces four gigabytes",
          top(FORGE + "everywhere(b'\\xff' * 8)"), outcome="lost", nasty=True),
    cheat("forged-deep", "a reply nested 100,000 deep",
          top(FORGE + "t = b'[' * 100_000\n"
              "everywhere(struct.pack('!II', len(t), 0) + t)"), outcome="lost time", nasty=True),
    cheat("forged-types", "replies whose fields have odd types",
          top(FORGE + "everywhere(b''.join(message(v) for v in ({'failure': ['list', 1]}, "
              "{'failure': {'a': 1}}, {'error': 7, 'output': None}, {'value': {'x': 1e999}}, 5)))"),
          outcome="lost"),
    cheat("forged-slow", "half a reply, and then nothing",
          top(FORGE + "import time\neverywhere(message({'error': ''})[:9])\ntime.sleep(60)"),
          outcome="time"),
    cheat("patched-wire", "the child's own send is replaced to send equal-to-everything values",
          top("from helpers.grading import wire\nreal = wire.send\n"
              "wire.send = lambda d, v, *a: real(d, {'value': ['list'], 'failure': None, "
              "'message': '', 'points': 18})")),
    cheat("descriptors-closed", "every descriptor is closed", top("import os;"
                                                                  " os.closerange(0, 256)"),
          outcome="lost", nasty=True),
    cheat("large-reply", "an answer of 300 MB, once",
          answers("import torch\nreturn torch.zeros(75 * 2**20)", "same-padding"),
          outcome="graded time", nasty=True),
    cheat("large-answers", "answers of 120 MB, as many as there are cases, kept by the judge",
          answers("import torch\nreturn torch.zeros(30 * 2**20)", "same-padding"),
          outcome="graded time", nasty=True),
]  # fmt: skip

# Ending, hanging, using up -----------------------------------------------------------------------

ONE = "same-padding"
SWALLOW = """
import signal
for number in (1, 2, 3, 14, 15):
    signal.signal(number, signal.SIG_IGN)
while True:
    try:
        while True: pass
    except BaseException: pass
"""
DAEMON = f"""
import ctypes, os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, b"{MARKER}", 0, 0, 0)  # its name
        open("/tmp/{MARKER}", "w").write("x")
        while True:
            time.sleep(1)
    os._exit(0)
time.sleep(0.2)
"""


def hostile(
    name: str, what: str, code: str, outcome: str = "graded", points: float = FULL
) -> Attack:
    """A hostile cell above right work, which keeps its marks where the process can go on."""
    return Attack(name, what, right(top(code)), Expect(points, outcome, exactly=True), nasty=True)


BOMBS = [
    hostile("os-exit-cell", "os._exit in a cell", "import os; os._exit(0)", "lost"),
    Attack("os-exit-answer", "os._exit(0) in one answer",
           right(answers("import os; os._exit(0)", ONE)),
           Expect(FULL - 1, "lost", exactly=True), nasty=True),
    Attack("os-exit-all", "os._exit(0) in every answer", right(answers("import os; os._exit(0)")),
           Expect(0, "lost"), nasty=True),
    hostile("sys-exit", "sys.exit, exit and quit in cells", "import sys; sys.exit(0)"),
    Attack("sys-exit-answer", "SystemExit in one answer", right(answers("raise SystemExit", ONE)),
           Expect(FULL - 1, exactly=True)),
    hostile("kill-others", "SIGKILL and SIGSTOP to itself, its siblings and everybody",
            "import os\nfor p in (os.getpid(), -1, 2, 3, 4, 5):\n"
            "    for s in (9, 19, 15):\n        try: os.kill(p, s)\n        except OSError: pass"),
    Attack("kill-group", "SIGKILL to its process group, which its parent may be in",
           right(before("same-padding", "import os\nos.kill(0, 9)")),
           Expect(FULL, exactly=True), nasty=True),
    Attack("stop-group", "SIGSTOP to its process group: nobody is there to end it",
           right(before("same-padding", "import os\nos.kill(os.getppid(), 19)")),
           Expect(FULL, exactly=True), nasty=True),
    hostile("segfault", "a null pointer", "import ctypes; ctypes.string_at(0)", "lost"),
    hostile("endless-cell", "an endless cell", "while True: pass", "time"),
    hostile("swallowing-cell", "an endless cell that swallows every signal and exception",
            SWALLOW, "time"),
    Attack("endless-answer", "an endless answer", right(answers("while True: pass", ONE)),
           Expect(FULL - 1, "time", exactly=True), nasty=True),
    Attack("endless-everything", "every answer is endless", right(answers("while True: pass")),
           Expect(0, "time"), nasty=True),
    hostile("deadlock", "a lock taken twice", "from threading import Lock\nlock = Lock()\n"
            "lock.acquire(); lock.acquire()", "time"),
    hostile("holds-the-gil", "a regular expression that never ends, in C",
            "import re; re.match('(a+)+$', 'a' * 60 + 'b')", "time"),
    hostile("fork-bomb", "a fork bomb",
            "import os, time\nwhile True:\n    try:\n        if os.fork() == 0:\n"
            "            time.sleep(300)\n    except OSError: break"),
    hostile("busy-fork-bomb", "forks that fork until the end",
            "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", "time lost"),
    hostile("thread-bomb", "threads without end",
            "import threading, time\ntry:\n    while True: threading.Thread("
            "target=time.sleep, args=(300,), daemon=True).start()\nexcept RuntimeError: pass"),
    hostile("memory-bomb", "a list of arrays without end",
            "try:\n    x = []\n    while True: x.append(bytearray(2**28))\n"
            "except MemoryError: del x", "graded time"),
    hostile("memory-bomb-kept", "memory without end, kept, in processes of its own",
            "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n"
            "        x = []\n        try:\n            while len(x) < 6:"
            " x.append(bytearray(b'x') * 2**26)\n"
            "        finally:\n            time.sleep(300)\ntime.sleep(0.5)", "graded lost time"),
    hostile("disk-bomb", "files without end",
            "n = 0\ntry:\n    while True:\n        n += 1\n"
            "        open(f'/tmp/big{n}', 'wb').write(bytes(2**24))\nexcept OSError: pass"),
    hostile("file-bomb", "files by the thousand, and folders deep",
            "import os\ntry:\n    for n in range(100_000): open(f'/tmp/f{n}', 'w').close()\n"
            "except OSError: pass\nfor n in range(100_000):\n    os.remove(f'/tmp/f{n}')\n"
            "    if n > 50: break\nfor _ in range(45):\n    os.mkdir('d'); os.chdir('d')"),
    hostile("output-flood", "output without end", "while True: print('x' * 100_000)", "time"),
    hostile("output-gigabyte", "a gigabyte of output",
            "import sys\nfor _ in range(100): sys.stdout.write('x' * 10_000_000)"),
    hostile("output-descriptor", "a flood past Python's streams",
            "import os\nfor _ in range(1000): os.write(1, b'x' * 100_000); os.write(2, b'x')"),
    hostile("daemon", "a daemon that outlives its cell", DAEMON),
    Attack("daemon-in-answer", "a daemon started by an answer, then a right one",
           right(sources(lambda s: DAEMON + s, ONE)), Expect(FULL, exactly=True), nasty=True),
    hostile("network", "sockets, DNS, listening",
            "import socket\n"
            "def s(*a): return socket.socket(*a)\n"
            "for how in (lambda: s(socket.AF_INET, socket.SOCK_STREAM), lambda:"
            " s(socket.AF_INET6),\n"
            "    lambda: s(socket.AF_INET, socket.SOCK_DGRAM), lambda: s(socket.AF_NETLINK),\n"
            "    lambda: s(socket.AF_VSOCK), lambda: socket.getaddrinfo('example.com', 80),\n"
            "    lambda: socket.create_connection(('127.0.0.1', 22), 1),\n"
            "    lambda: socket.create_server(('127.0.0.1', 0)), lambda: _unix()):\n"
            "    try: print('lw-leak: network', how())\n    except OSError: pass\n"
            "def _unix():\n    u = s(socket.AF_UNIX); u.bind('\\0lw'); u.listen(); return u"),
    hostile("links-out", "symlinks, hard links and paths that lead out",
            "import os, sys\nfor n, to in enumerate(('/etc/passwd', '/etc/shadow', '/root',"
            " '/srv',\n"
            "        '/proc/1/root/etc/passwd', '../../../../srv/solutions', '/home',\n"
            "        '/dev/sda', '/proc/kcore')):\n"
            "    try:\n        os.symlink(to, f'/tmp/link{n}')\n"
            "        got = os.listdir(f'/tmp/link{n}') if os.path.isdir(f'/tmp/link{n}') \\\n"
            "            else open(f'/tmp/link{n}', 'rb').read(9)\n"
            "    except OSError: continue\n"
            "    if got and not (type(got) is list and set(got) <= set(sys.prefix.split('/')) |\n"
            "                    set(sys.base_prefix.split('/'))): print('lw-leak:', to, got)"),
    hostile("escalate", "namespaces, mounts, tracing and devices",
            "import ctypes, os\nc = ctypes.CDLL(None, use_errno=True)\n"
            "for name, a in (('unshare', (0x10000000,)), ('setns', (3, 0)), ('chroot',"
            " (b'/tmp',)),\n"
            "    ('mount', (b'x', b'/tmp', b'tmpfs', 0, 0)), ('ptrace', (16, 1, 0, 0)),\n"
            "    ('mknod', (b'/tmp/sda', 0o60666, 0x800)), ('sethostname', (b'x', 1)),\n"
            "    ('umount2', (b'/proc', 2)), ('setuid', (12345,))):\n"
            "    if getattr(c, name)(*a) == 0: print('lw-leak:', name)"),
    Attack("many-exits", "thirty cells that each end the process",
           right(top(*["import os; os._exit(1)"] * 30)), Expect(FULL, "lost time"), nasty=True),
]  # fmt: skip

# Files -------------------------------------------------------------------------------------------


def solved_bytes(learner: Any, solved: Any) -> bytes:
    return dumped(solved)


def _version_3(learner: Any, solved: Any) -> bytes:
    from nbformat import v3

    return str(v3.writes_json(nbformat.convert(copy.deepcopy(solved), 3))).encode()


def _many_cells(learner: Any, solved: Any) -> bytes:
    made = copy.deepcopy(solved)
    made.cells += [new_markdown_cell("x") for _ in range(3000)]
    made.cells[:0] = [new_code_cell(f"x = {n}") for n in range(1000)]
    return dumped(made)


def _deep_metadata(depth: int) -> Make:
    def make(learner: Any, solved: Any) -> bytes:
        made = copy.deepcopy(solved)
        made.metadata["deep"] = "@"
        return dumped(made).replace(b'"@"', b"[" * depth + b"]" * depth)

    return make


FILES = [
    raw("truncated", "half a file", lambda le, so: dumped(so)[: len(dumped(so)) // 2]),
    raw("empty", "no bytes", lambda le, so: b""),
    raw("blank", "blanks and newlines", lambda le, so: b" \n\n"),
    raw("huge", "60 MB of right work and blanks", lambda le, so: dumped(so) + b" " * (60 * 2**20)),
    raw("latin-1", "saved as Latin-1",
        lambda le, so: json.dumps(_titled(so, "é"), ensure_ascii=False).encode("latin-1",
              "replace")),
    raw("utf-16", "saved as UTF-16", lambda le, so: dumped(so).decode().encode("utf-16")),
    raw("utf-32", "saved as UTF-32", lambda le, so: dumped(so).decode().encode("utf-32")),
    Attack("bom", "saved with a byte order mark",
           lambda le, so: b"\xef\xbb\xbf" + dumped(so), Expect(FULL, exactly=True)),
    raw("pdf", "a PDF with the notebook's name", lambda le, so: b"%PDF-1.7\n\x00\xff\xfe"),
    raw("zip", "a zip with the notebook's name", lambda le, so: b"PK\x03\x04" + bytes(1000)),
    raw("html", "an HTML page", lambda le, so: b"<!doctype html><title>Jupyter</title>"),
    raw("script", "a Python script", lambda le, so: b"import torch\nprint(1)\n"),
    raw("json-number", "JSON, but a number", lambda le, so: b"18"),
    raw("json-list", "JSON, but a list", lambda le, so: b'[{"cells": []}]'),
    raw("json-null", "JSON null", lambda le, so: b"null"),
    raw("json-object", "JSON, but no notebook", lambda le, so: b'{"points": 18}'),
    raw("nan-version", "a format of 1e999",
        lambda le, so: dumped(so).replace(b'"nbformat": 4', b'"nbformat": 1e999')),
    raw("future-version", "format 99",
        lambda le, so: dumped(so).replace(b'"nbformat": 4', b'"nbformat": 99')),
    raw("cells-object", "cells is an object",
        lambda le, so: b'{"cells": {"a": 1}, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'),
    raw("cells-of-null", "cells are null",
        lambda le, so: b'{"cells": [null, 1], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'),
    raw("no-cells", "a notebook without cells",
        lambda le, so: b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'),
    raw("sources-of-numbers", "cells whose source is a number",
        lambda le, so: dumped({**so, "cells": [{**c, "source": 5} for c in so.cells]})),
    Attack("very-many-cells", "20,000 empty cells: a file of 1 MB that takes seconds to read",
           lambda le, so: dumped(so).replace(
               b'"cells": [', b'"cells": [' + 20_000 * b'{"cell_type": "markdown", '
               b'"metadata": {}, "source": "", "id": "x"}, ', 1), Expect(0.0, "unreadable")),
    raw("nested", "JSON nested 100,000 deep", lambda le, so: b"[" * 100_000),
    raw("nested-metadata", "a notebook with metadata nested 50,000 deep", _deep_metadata(50_000)),
    Attack("deep-metadata", "a notebook with metadata nested 300 deep", _deep_metadata(300),
           Expect(FULL, "graded unreadable")),
    raw("huge-number", "a number of a million digits",
        lambda le, so: dumped(so).replace(b'"nbformat_minor": 5',
                                          b'"nbformat_minor": ' + b"9" * 1_000_000)),
    raw("other-chapter", "a notebook of no chapter",
        lambda le, so: dumped(nbformat.v4.new_notebook(cells=[new_code_cell("print(1)")]))),
    Attack("version-3", "notebook format 3", _version_3, Expect(FULL, exactly=True)),
    Attack("many-cells", "4,000 cells more", _many_cells, Expect(FULL, "graded", exactly=True)),
    Attack("surrogate-tags", "tags, ids and sources that are no Unicode",
           right(each(_tag("\ud800")), bottom("# \ud800", "'\ud800'")),
           Expect(FULL, "graded unreadable")),
    Attack("null-bytes", "NUL and control characters in sources",
          right(bottom("x = '\x00\x1b[2J'")),
           Expect(FULL, exactly=True)),
    Attack("huge-cell", "a cell of 20 MB", right(bottom("x = '" + "x" * 20_000_000 + "'")),
           Expect(FULL, "graded lost"), nasty=True),
]  # fmt: skip


def _titled(notebook: Any, text: str) -> Any:
    made = copy.deepcopy(notebook)
    made.cells.append(new_markdown_cell(text))
    return made


# Harmless ----------------------------------------------------------------------------------------

HARMLESS = [
    Attack("right", "right work", solved_bytes, Expect(FULL, exactly=True)),
    Attack("untouched", "nothing done", lambda le, so: dumped(le), Expect(0.0, exactly=True)),
    harmless("warns", "right work that warns on stderr",
             sources(lambda s: "import sys, warnings\nwarnings.warn('deprecated')\n"
                     "print('careful', file=sys.stderr)\n" + s)),
    harmless("prints", "right work that prints a lot in cells",
             top("for n in range(20_000): print('line', n)")),
    Attack("prints-in-answers", "right answers that print 5,000 lines each call",
           right(sources(lambda s: s.replace("    total = ",
                 "    for n in range(5000): print('line', n)\n    total = "), ONE)),
           Expect(FULL, exactly=True)),
    harmless("slow", "right work, slow but within budget",
             before("cross-correlation", "import time; time.sleep(1.2)"),
             sources(lambda s: s.replace("    total = ", "    import time; time.sleep(0.05)\n"
                                         "    total = "), ONE)),
    harmless("stripped", "saved by an editor that keeps no ids and no metadata", _stripped),
    harmless("colab", "saved by Colab", _colab),
    harmless("vscode", "saved by VS Code, with Windows line ends", _vscode),
    harmless("own-cells", "right work with own cells, magics, plots and an error",
             bottom("%time 1 + 1", "1 / 0", "%%bash\necho hi", "!ls",
                    "import matplotlib.pyplot as plt; plt.plot([1]); plt.show()"),
             outcome="graded time"),  # a busy machine may take its two seconds to import pyplot
    harmless("changes-state", "right work that changes torch's defaults",
             top("import torch\ntorch.set_default_dtype(torch.float64)\n"
                 "torch.use_deterministic_algorithms(True)\ntorch.manual_seed(7)")),
]  # fmt: skip

# Not defended ------------------------------------------------------------------------------------

NOT_DEFENDED = [
    Attack("other-means", "the right answers by other means (F.conv2d written out by numpy)",
           right(sources(lambda s: _bodies(s, "import numpy as np, torch\n"
                 "w = np.lib.stride_tricks.sliding_window_view(input.numpy(), weight.shape)\n"
                 "return torch.from_numpy((w * weight.numpy()).sum((2, 3)))"),
                 "cross-correlation")),
           Expect(FULL), defended=False),
    Attack("guard-off", "the dispatch mode that forbids operators is switched off",
           right(top("from helpers.exercises import guard\n"
                     "guard.OperatorGuard.__torch_dispatch__ = "
                     "lambda self, f, t, a=(), k=None: f(*a, **(k or {}))"),
                 sources(lambda s: _bodies(s, "return F.conv2d(input, weight, bias, stride, "
                         "padding, dilation, groups)"), "conv2d-dilation-groups")),
           Expect(FULL), defended=False),
    Attack("probe-forged", "the probe in the learner's process is replaced by one that computes",
           wrong(top("from helpers.exercises.convolution_arithmetic import probes\n"
                     "def forged(answer, **k):\n"
                     "    k = dict(zip(('kernel_size', 'dilation'), [*k.values(), 1]))\n"
                     "    t = k['dilation'] * (k['kernel_size'] - 1)\n"
                     "    return t // 2, t - t // 2\nprobes.same_padding = forged")),
           Expect(POINTS[ONE]), defended=False),
]  # fmt: skip

ATTACKS: list[Attack] = [
    *HARMLESS, *OBJECTS, *PATCHES, *IPYTHON, *CELLS, *SECRETS, *WIRE, *BOMBS, *FILES, *NOT_DEFENDED,
]  # fmt: skip
