"""Patches of the shell that runs the cells: transformers, hooks, the namespace, ``check``."""

from __future__ import annotations

from .attack import cheat
from .edits import before, each, top

ATTACKS = [
    cheat(
        "input-transformer",
        "an input transformer turns every later cell into pass",
        top("get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])"),
    ),
    cheat(
        "ast-transformer",
        "an AST transformer makes every comparison and assert true",
        top("""
            import ast
            class T(ast.NodeTransformer):
                def visit_Assert(self, node): return ast.copy_location(ast.Pass(), node)
                def visit_Compare(self, node): return ast.copy_location(ast.Constant(True), node)
            get_ipython().ast_transformers.append(T())
        """),
    ),
    cheat(
        "run-cell",
        "run_cell and run_code are replaced",
        top("""
            shell = get_ipython()
            shell.run_code = shell.run_cell = lambda *a, **k: True
            type(shell).run_cell = type(shell).run_code = lambda *a, **k: 1.0
        """),
    ),
    cheat(
        "hooks",
        "event hooks and a custom exception handler rewrite what is run",
        top("""
            shell = get_ipython()
            shell.events.register('pre_run_cell', lambda info: setattr(info, 'raw_cell', ''))
            shell.events.register('post_run_cell', lambda r: setattr(r, 'result', 1.0))
            shell.set_custom_exc((BaseException,), lambda *a, **k: None)
            import sys; sys.excepthook = lambda *a: None; sys.settrace(lambda *a: None)
        """),
    ),
    cheat(
        "check-replaced",
        "check is the learner's own and returns full points",
        top("check = lambda name: 100.0"),
        before(
            "cross-correlation",
            "check = lambda name: 100.0",
            "import helpers.exercises as e; e.check = check",
        ),
        each(lambda cell: cell.update(source=cell.source + "\n100.0"), "check-"),
    ),
    cheat(
        "user-ns",
        "the namespace is replaced by a dict that has every name",
        top("""
            class Any(dict):
                def __contains__(self, key): return True
                def __missing__(self, key): return lambda *a, **k: 1
            shell = get_ipython(); shell.user_ns = Any(shell.user_ns)
        """),
    ),
]
