"""Genotypes in texts of others: Python files and the logs of searches, parsed and never run.

A file that Python would read is one: its own level holds ``NAME = Genotype(…)``, mappings with the
same fields, and ``NAME = OTHER``. In any other text, a log say, each ``Genotype(…)`` or mapping
that begins with ``normal`` counts, called what stands before it. The last of a name is what it
means: Python's own rule, and in a log that of the last epoch. One without a name is called after
its line, ``line_12``.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from itertools import islice
from typing import Any

from tasks.core.errors import DataError

FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
_MAX_STATE = 1000
_MAX_FOUND, _MAX_SHOWN = 5000, 20
# Reprs of NumPy's scalars: what a search printed that kept its states or weights in arrays.
_SCALARS = re.compile(r"(u?int|float)\d+|intp|str_")
_BEGIN = re.compile(r"""\bGenotype\s*\(|\{\s*['"]normal['"]\s*:""")
_NAME_BEFORE = re.compile(r"(\w+)\s*[=:]\s*\Z")
_MAX_NAME_CHARS = 200
_BRACKETS = re.compile(r"""'[^'\n]*'|"[^"\n]*"|[()\[\]{}]""")

_Found = dict[str, ast.expr]


def fields_in(text: str, where: str, name: str = "") -> dict[str, Any]:
    """Fields of a genotype that a text holds.

    Args:
        text: The text.
        where: Where it comes from, for messages.
        name: Which one is meant; empty where there is but one.

    Raises:
        DataError: There is none of that name, or several and none was named, or one is no literal.
    """
    found = _in_python(text, where)
    if found is None:
        listed = [*islice(_in_log(text, where), _MAX_FOUND)]
        if len(listed) == _MAX_FOUND:
            raise DataError(f"{where}: expected less than {_MAX_FOUND:,} genotypes; cut it down")
        found = dict(listed)
    node = _chosen(found, where, name)
    if isinstance(node, ast.Dict):
        given = {key.value: value for key, value in _items(node)}
    else:
        given = dict(zip(FIELDS, getattr(node, "args", ()), strict=False))
        given |= {each.arg: each.value for each in getattr(node, "keywords", ()) if each.arg}
    return {field: _value(given[field], f"{where}: {field}") for field in FIELDS if field in given}


def _chosen(found: _Found, where: str, name: str) -> ast.expr:
    if name in found:
        return found[name]
    known = ", ".join([*found][:_MAX_SHOWN]) + (", …" if len(found) > _MAX_SHOWN else "")
    if name:
        raise DataError(f"{where}: no genotype is called {name}; expected one of {known}")
    nodes = {id(node): node for node in found.values()}
    if len(nodes) != 1:
        remedy = f": {known}; name one behind a colon (FILE:NAME)" if nodes else ""
        raise DataError(f"{where}: expected one Genotype(normal=…, …), found {len(nodes)}{remedy}")
    return next(iter(nodes.values()))


def _in_python(text: str, where: str) -> _Found | None:
    """Genotypes by name; None if the text is no Python. What functions make doesn't count."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in other people's texts
            tree = ast.parse(text)
    except (RecursionError, MemoryError):
        raise DataError(f"{where}: expected Genotype(normal=…, …), got text too nested") from None
    except (SyntaxError, ValueError):
        return None
    found: _Found = {}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        names = _targets(statement)
        value = getattr(statement, "value", None)
        if isinstance(value, ast.Name) and value.id in found:
            found |= dict.fromkeys(names, found[value.id])
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.expr) and _is_genotype(node):
                own = names if node is value else []
                place = f"line_{node.lineno}_column_{node.col_offset}"
                found |= dict.fromkeys(own or [place], node)
    return found


def _targets(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    else:
        targets = getattr(statement, "targets", [])
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _in_log(text: str, where: str) -> Iterator[tuple[str, ast.expr]]:
    """Genotypes with their names, in order."""
    position = 0
    while begin := _BEGIN.search(text, position):
        start = begin.start()
        line = text.count("\n", 0, start) + 1
        position = _end(text, start)
        try:
            node = ast.parse(text[start:position], mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise DataError(
                f"{where}: line {line}: expected Genotype(normal=…, …): {error}"
            ) from None
        name = _NAME_BEFORE.search(text[max(0, start - _MAX_NAME_CHARS) : start])
        yield (name[1] if name else f"line_{line}"), node


def _end(text: str, start: int) -> int:
    """Where the bracket is closed that opens first; the text's end if it isn't."""
    depth = 0
    for token in _BRACKETS.finditer(text, start):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token[0], 0)
        if depth == 0 and token[0] in ")]}":
            return token.end()
    return len(text)


def _is_genotype(node: ast.expr) -> bool:
    if isinstance(node, ast.Dict):
        return {key.value for key, _ in _items(node)} >= {*FIELDS}
    return isinstance(node, ast.Call) and _called(node) == "Genotype"


def _called(node: ast.Call) -> str:
    """What a call calls, whatever module it is of; empty for what has no name."""
    found = node.func
    name: str = found.attr if isinstance(found, ast.Attribute) else getattr(found, "id", "")
    return name


def _items(node: ast.Dict) -> Iterator[tuple[ast.Constant, ast.expr]]:
    """Entries whose keys are literals."""
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant):
            yield key, value


def _value(node: ast.expr, where: str) -> Any:
    """Value of a literal; of ``range(a, b)`` too, because that is how DARTS prints concat.

    Raises:
        DataError: It is none.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | None):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _negative(node.operand, where)
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(each, where) for each in node.elts]
    if isinstance(node, ast.Call) and not node.keywords:
        name, arguments = _called(node), [_value(each, where) for each in node.args]
        if name == "range" and 1 <= len(arguments) <= 2 and all(map(_is_state, arguments)):
            return list(range(*arguments))
        is_list = name in ("list", "tuple") and isinstance(arguments[0] if arguments else 0, list)
        if len(arguments) == 1 and (is_list or _SCALARS.fullmatch(name)):
            return arguments[0]
    raise _no_literal(node, where)


def _negative(node: ast.expr, where: str) -> float:
    """A number below zero, as an edge's weight may be; one sign alone."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return -node.value
    raise _no_literal(node, where)


def _no_literal(node: ast.expr, where: str) -> DataError:
    found = type(node).__name__
    return DataError(f"{where}: expected a plain value in line {node.lineno}, got {found}")


def _is_state(value: Any) -> bool:
    return type(value) is int and 0 <= value < _MAX_STATE
