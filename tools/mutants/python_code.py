"""Mutants of Python code: mistakes as a hand makes them.

Each operator changes one expression or statement. Left out is what can't change what a program
does, or what people read only: annotations, docstrings, imports, texts, and assertions.
"""

import ast
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Final

from tools.mutants.mutant import Mutant

_OTHER_COMPARISON: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OTHER_OPERATOR: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
}
_OTHER_FUNCTION: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
_MANY: Final = 1000
"""What a number is multiplied by."""
_MAX_LENGTH_OF_CHANGE: Final = 90


def mutants_of(path: PurePath, source: str) -> list[Mutant]:
    """Returns all mutants of a module.

    Args:
        path: the module's file, relative to the project.
        source: its content.
    """
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    return finder.mutants


class _Finder(ast.NodeVisitor):
    """Finds the mutants of a module in the order of its lines."""

    def __init__(self, path: PurePath, source: str) -> None:
        self.mutants: list[Mutant] = []
        self._path = path
        self._content = source.encode()
        self._starts = [0]
        for line in self._content.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._names: list[str] = []

    # --- Where nothing is changed ---

    def visit_Import(self, node: ast.Import) -> None: ...
    def visit_ImportFrom(self, node: ast.ImportFrom) -> None: ...
    def visit_TypeAlias(self, node: ast.TypeAlias) -> None: ...
    def visit_JoinedStr(self, node: ast.JoinedStr) -> None: ...
    def visit_Assert(self, node: ast.Assert) -> None: ...

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    # --- Names of scopes ---

    def visit_Module(self, node: ast.Module) -> None:
        self._visit_all(node.body)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._names.append(node.name)
        self._visit_all(node.body)
        self._names.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_all([*node.args.defaults, *filter(None, node.args.kw_defaults)])
        self._names.append(node.name)
        self._visit_all(node.body)
        self._names.pop()

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    # --- Expressions ---

    def visit_Compare(self, node: ast.Compare) -> None:
        for place, operator in enumerate(node.ops):
            operators = list(node.ops)
            operators[place] = _OTHER_COMPARISON[type(operator)]()
            self._replace(node, ast.Compare(node.left, operators, node.comparators))
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        self._replace(node, ast.BoolOp(other, node.values))
        for rest in _with_one_less(node.values):
            self._replace(node, rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest))
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub):
            self._replace(node, node.operand)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        other = _OTHER_OPERATOR.get(type(node.op))
        if other is not None and not any(map(_is_text, (node.left, node.right))):
            self._replace(node, ast.BinOp(node.left, other(), node.right))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        match node.value:
            case bool(value):
                self._replace(node, ast.Constant(not value))
            case 0 | 1 as value:
                self._replace(node, ast.Constant(1 - value))
            case int(value) | float(value):
                self._replace(node, ast.Constant(0))
                self._replace(node, ast.Constant(value * _MANY))

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._replace(node, node.body)
        self._replace(node, node.orelse)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in _OTHER_FUNCTION:
            self._replace(node.func, ast.Name(_OTHER_FUNCTION[name]))
        for kept in _with_one_less(node.keywords, at_least=1) if self._names else ():
            [dropped] = set(node.keywords) - set(kept)
            # zip's strict is an assertion.
            if dropped.arg not in (None, "strict"):
                self._replace(node, ast.Call(node.func, node.args, kept))
        # The order of min's and max's arguments means nothing.
        for place in range(len(node.args) - 1) if name not in _OTHER_FUNCTION else ():
            first, second = node.args[place : place + 2]
            if isinstance(first, ast.Name | ast.Attribute) and isinstance(
                second, ast.Name | ast.Attribute
            ):
                args = [*node.args[:place], second, first, *node.args[place + 2 :]]
                self._replace(node, ast.Call(node.func, args, node.keywords))
        for argument in node.keywords:
            if argument.arg != "strict":
                self.visit(argument.value)
        self._visit_all([node.func, *node.args])

    def visit_Tuple(self, node: ast.Tuple) -> None:
        if isinstance(node.ctx, ast.Load):
            for rest in _with_one_less(node.elts):
                self._replace(node, ast.Tuple(rest))
        self.generic_visit(node)

    def visit_List(self, node: ast.List) -> None:
        if isinstance(node.ctx, ast.Load):
            for rest in _with_one_less(node.elts):
                self._replace(node, ast.List(rest))
        self.generic_visit(node)

    def visit_Set(self, node: ast.Set) -> None:
        for rest in _with_one_less(node.elts):
            self._replace(node, ast.Set(rest))
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        entries = list(zip(node.keys, node.values, strict=True))
        for rest in _with_one_less(entries, at_least=1):
            keys, values = [key for key, _ in rest], [value for _, value in rest]
            self._replace(node, ast.Dict(keys, values))
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.slice, ast.Tuple):
            # A generic type.
            return
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for condition in node.ifs:
            self._replace(condition, ast.Constant(value=True))
        self.generic_visit(node)

    def visit_match_case(self, node: ast.match_case) -> None:
        if node.guard is not None:
            self._replace(node.guard, ast.Constant(value=True))
        self.generic_visit(node)

    # --- Statements ---

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        self._replace(node.test, ast.Constant(value=True))
        self._replace(node.test, ast.Constant(value=False))
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not (
            isinstance(node.value, ast.Constant) and node.value.value is None
        ):
            self._replace(node.value, ast.Constant(value=None))
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._replace(node, ast.Pass())
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._replace(node, ast.Pass())

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._replace(node, ast.Pass())
        self.generic_visit(node)

    def visit_Continue(self, node: ast.Continue) -> None:
        self._replace(node, ast.Break())

    def visit_Break(self, node: ast.Break) -> None:
        self._replace(node, ast.Continue())

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if isinstance(node.type, ast.Tuple):
            for rest in _with_one_less(node.type.elts):
                self._replace(node.type, ast.Tuple(rest))
        self._visit_all(node.body)

    def _replace(self, node: ast.expr | ast.stmt, other: ast.expr | ast.stmt) -> None:
        """Adds the mutant that has ``other`` in the place of ``node``."""
        start = self._starts[node.lineno - 1] + node.col_offset
        end = self._starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        after = ast.unparse(ast.fix_missing_locations(other))
        if isinstance(other, ast.expr) and not isinstance(other, ast.Constant | ast.Name):
            after = f"({after})"
        before = self._content[start:end].decode()
        content = self._content

        def changed() -> str:
            return (content[:start] + after.encode() + content[end:]).decode()

        scope = ".".join(self._names)
        change = f"{_short(before)} -> {_short(after)}"
        self.mutants.append(
            Mutant(path=self._path, line=node.lineno, scope=scope, change=change, content=changed)
        )


def _with_one_less[T](values: Sequence[T], at_least: int = 2) -> list[list[T]]:
    """Returns the values without each of them, if there are ``at_least`` values."""
    if len(values) < at_least:
        return []
    return [[*values[:place], *values[place + 1 :]] for place in range(len(values))]


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


def _short(code: str) -> str:
    line = " ".join(code.split())
    if len(line) <= _MAX_LENGTH_OF_CHANGE:
        return line
    half = _MAX_LENGTH_OF_CHANGE // 2
    return f"{line[:half]}…{line[-half:]}"
