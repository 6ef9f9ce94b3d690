"""Mutants of a solution: small changes, each of which a good set of cases should notice."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any

_BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.Pow: ast.Mult,
}
_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """(what was changed, the changed source) for each mutant of ``source``.

    Changes: an operator, a comparison, a number, a truth value, ``and``/``or``, ``not`` dropped, a
    condition negated, a statement dropped, two arguments swapped, a keyword argument dropped.
    """
    seen = {ast.unparse(ast.parse(source))}
    for change in _changes(ast.parse(source)):
        tree = ast.parse(source)
        what = change(tree)
        text = ast.unparse(ast.fix_missing_locations(tree))
        if what and text not in seen:
            seen.add(text)
            yield what, text


def _changes(tree: ast.AST) -> Iterator[Callable[[ast.AST], str]]:
    for index, node in enumerate(ast.walk(tree)):
        for edit in _edits(node):
            yield _at(index, edit)


def _at(index: int, edit: Callable[[Any], None]) -> Callable[[ast.AST], str]:
    def change(tree: ast.AST) -> str:
        node = list(ast.walk(tree))[index]
        before = _text(node)
        edit(node)
        after = _text(node)
        return f"line {getattr(node, 'lineno', 0)}: {before} -> {after}" if before != after else ""

    return change


def _text(node: ast.AST) -> str:
    text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node)))
    return " ".join(text.split())


def _edits(node: ast.AST) -> Iterator[Callable[[Any], None]]:
    if (isinstance(node, ast.BinOp) and type(node.op) in _BINARY) or (
        isinstance(node, ast.AugAssign) and type(node.op) in _BINARY
    ):
        yield lambda n: setattr(n, "op", _BINARY[type(n.op)]())
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARE:
        yield lambda n: n.ops.__setitem__(0, _COMPARE[type(n.ops[0])]())
    elif isinstance(node, ast.BoolOp):
        yield lambda n: setattr(n, "op", ast.Or() if isinstance(n.op, ast.And) else ast.And())
    elif isinstance(node, ast.Constant):
        yield from _constant_edits(node)
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
    elif isinstance(node, ast.Call):
        if len(node.args) >= 2:
            yield lambda n: n.args.__setitem__(slice(0, 2), [n.args[1], n.args[0]])
        for place in range(len(node.keywords)):
            yield lambda n, place=place: n.keywords.pop(place)
    elif isinstance(node, ast.UnaryOp):
        yield lambda n: setattr(n, "op", ast.UAdd() if isinstance(n.op, ast.USub) else n.op)
    yield from _dropped_statements(node)


def _constant_edits(node: ast.Constant) -> Iterator[Callable[[Any], None]]:
    if isinstance(node.value, bool):
        yield lambda n: setattr(n, "value", not n.value)
    elif isinstance(node.value, (int, float)):
        yield lambda n: setattr(n, "value", n.value + 1)
        yield lambda n: setattr(n, "value", n.value - 1)


def _dropped_statements(node: ast.AST) -> Iterator[Callable[[Any], None]]:
    for name in ("body", "orelse"):
        statements = getattr(node, name, None)
        if not isinstance(statements, list) or isinstance(node, ast.Module):
            continue
        for place, statement in enumerate(statements):
            kinds = (ast.FunctionDef, ast.ClassDef, ast.Pass)
            documentation = isinstance(statement, ast.Expr) and isinstance(
                statement.value, ast.Constant
            )
            if not isinstance(statement, kinds) and not documentation:
                yield lambda n, name=name, place=place: getattr(n, name).__setitem__(
                    place, ast.Pass()
                )
