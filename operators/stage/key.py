"""Stage keys: everything that a result depends on, in one digest.

A stage's declaration and code are read from its source, without importing it, so that a
finished result is found in a process that never loads the numeric libraries.

The code that counts is the closure of definitions inside our packages: the stage function,
what it names, what that names, through imports. Definitions, not whole modules: a setting of
the blender that stands in the same file as the matcher's leaves the matcher's results valid.
Docstrings, comments, protocols and the arguments of `setting` are left out: the values of
settings enter the key by themselves. A template, or a file that `make assets` fetched, counts where
its path, from the folder of the module, is written out. Not seen are modules imported by a computed
name.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import importlib
import importlib.metadata
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from operators.installation import ROOT
from tasks.core.config import config_json
from tasks.core.digests import digest, file_digest
from tasks.core.errors import ConfigError, ResourceError
from tasks.core.params import parse_config
from tasks.core.stages import StageSpec

# Decorators that register nothing: without a reference, what they decorate does nothing.
_PASSIVE = {"dataclass", "stage", "cache", "lru_cache", "contextmanager", "overload", "njit"}
_ALL = "*"
_MAX_NAME_CHARS = 200
# Methods of a stage's context and folders that come to its packages through ports.
_PORTS = {"add_picture": ("tasks.report.picture", "encode")}
_NAMING = (ast.Name, ast.Import, ast.ImportFrom, ast.Attribute)
_TEMPLATE, _VENDORED = ".j2", "vendored/"  # what pages are made from: code, though not Python's


@dataclass(frozen=True)
class Declaration:
    """What the source of a stage says about it.

    Attributes:
        stage: ``module:function``.
        spec: Its declaration.
        config_type: ``module:Class`` of the section that it receives.
        code: Digest of its code.
    """

    stage: str
    spec: StageSpec
    config_type: str
    code: str

    def config(self, sections: Mapping[str, Any]) -> Any:
        """Return the stage's own section, validated, out of the pipeline's settings.

        Raises:
            ConfigError: A setting of the section is unknown or wrong.
        """
        module, _, name = self.config_type.partition(":")
        model = getattr(importlib.import_module(module), name)
        return parse_config(model, sections.get(self.spec.section, {}))


def declaration_of(stage: str, root: Path = ROOT) -> Declaration:
    """Read a stage's declaration from its source.

    Args:
        stage: ``module:function``, e.g. ``tasks.panorama.stages.match:match_captures``.
        root: Folder that holds the packages.

    Raises:
        ConfigError: There is no such stage, or its declaration is not written in literals.
    """
    module, _, name = stage.partition(":")
    source = _Source.load(module, root) if len(module) <= _MAX_NAME_CHARS else None
    found = source.named.get(name, []) if source else []
    if source is None or not found or not isinstance(found[0], ast.FunctionDef):
        raise ConfigError(
            f"there is no stage {stage[:_MAX_NAME_CHARS]!r}: expected module:function below {root}"
        )
    function = found[0]
    annotation = function.args.args[-2].annotation if len(function.args.args) > 1 else None
    if not isinstance(annotation, ast.Name):
        raise ConfigError(f"{stage}: expected the parameters (*inputs, config: SomeConfig, ctx)")
    return Declaration(
        stage=stage,
        spec=_spec(function, stage),
        config_type=source.origin(annotation.id),
        code=code_digest(stage, root),
    )


def code_digest(stage: str, root: Path = ROOT) -> str:
    """Digest of all definitions that a stage's function reaches inside our packages."""
    module, _, function = stage.partition(":")
    packages = {"tasks", module.partition(".")[0]}
    sources: dict[str, _Source | None] = {}
    pending, seen, parts = [(module, function)], set(), set()
    while pending:
        place = pending.pop()
        if place in seen or place[0].partition(".")[0] not in packages:
            continue
        seen.add(place)
        if place[0] not in sources:
            sources[place[0]] = _Source.load(place[0], root)
            pending.append((place[0].rpartition(".")[0], ""))  # its package runs first
        source = sources[place[0]]
        for statement in source.statements(place[1]) if source else ():
            parts.add(f"{place[0]}: {_read(statement).text}")
            parts.update(source.templates(statement) if source else ())
            pending.extend(source.references(statement) if source else ())
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


def key_parts(
    declaration: Declaration, seed: int, device: str, num_workers: int = 1
) -> dict[str, Any]:
    """What the key of a stage and those of its items have in common.

    Args:
        declaration: The stage.
        seed: Root seed of the run.
        device: Device class, ``cpu`` or ``gpu``; counts where repetition is not exact.
        num_workers: Processes of a training; count there too, where they are several, since sums
            come in another order then.

    Raises:
        ResourceError: A library that the stage names is not installed.
    """
    spec = declaration.spec
    parts = {"num_workers": num_workers} if spec.tolerances and num_workers > 1 else {}
    return parts | {
        "stage": spec.name,
        "code": declaration.code,
        "libraries": {name: _version(name, spec.name) for name in spec.libraries},
        "seed": seed if spec.draws else None,
        "device": device if spec.tolerances else None,
    }


def stage_key(
    parts: Mapping[str, Any], spec: StageSpec, config: Any, inputs: Any, run_id: str, groups: int
) -> str:
    """Key of a stage's result.

    Args:
        parts: See `key_parts`.
        spec: The stage's declaration.
        config: Its section of the settings.
        inputs: Its input references as JSON values.
        run_id: DAG run, which stands for the inputs of a stage that reads the world outside.
        groups: Number of groups that the profile allows; counts where the stage fans out.
    """
    return digest(
        {
            **parts,
            "config": config_json(config),
            "inputs": run_id if spec.reads_outside else inputs,
            "groups": groups if spec.fans_out else None,
        }
    )


def _version(library: str, stage: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError as error:
        raise ResourceError(f"{stage} needs the package {library!r}: install it") from error


def _spec(function: ast.FunctionDef, stage: str) -> StageSpec:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and _name(decorator) == "stage":
            call = decorator.args[0]
            if isinstance(call, ast.Call) and not call.args:
                try:
                    values = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
                    return StageSpec(**values)
                except (ValueError, TypeError) as error:
                    raise ConfigError(f"{stage}: write its StageSpec in literals") from error
    raise ConfigError(f"{stage} is not declared: decorate it with @stage(StageSpec(name=…))")


def _name(node: ast.AST) -> str:
    """Last part of the name that an expression calls or subscripts."""
    if isinstance(node, ast.Call):
        return _name(node.func)
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


@dataclass(frozen=True)
class _Source:
    """One module's definitions."""

    module: str
    root: Path
    is_package: bool
    tree: ast.Module

    @classmethod
    def load(cls, module: str, root: Path) -> _Source | None:
        """Parse a module; None if it is not below the root."""
        base = root.joinpath(*module.split("."))
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if module and path.is_file():
                return _parsed(module, root, path, path.read_text("utf-8"))
        return None

    @cached_property
    def named(self) -> dict[str, list[ast.stmt]]:
        """Definitions by the names that they bind."""
        named: dict[str, list[ast.stmt]] = {}
        for statement in self.tree.body:
            for name, definition in _bound(statement):
                named.setdefault(name, []).append(definition)
        return named

    @cached_property
    def effects(self) -> list[ast.stmt]:
        """Statements that do more than to bind names."""
        return [s for s in self.tree.body if not (list(_bound(s)) or _is_idle(s) or _is_text(s))]

    def statements(self, name: str) -> Iterator[ast.stmt]:
        """What runs where a name of the module is used: the name's own and side effects."""
        if name == _ALL:
            yield from (s for s in self.tree.body if not _is_text(s))
        else:
            yield from self.effects
            yield from (s for s in self.named.get(name, ()) if not _is_protocol(s))

    def references(self, statement: ast.stmt) -> Iterator[tuple[str, str]]:
        """Places, (module, name), that a statement names."""
        for node in _read(statement).naming:
            if isinstance(node, ast.Name) and node.id in self.named:
                yield self.module, node.id
            elif isinstance(node, ast.Import):
                yield from ((alias.name, _ALL) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (self._target(node, alias.name) for alias in node.names)
            elif isinstance(node, ast.Attribute) and node.attr in _PORTS:
                yield _PORTS[node.attr]

    def templates(self, statement: ast.stmt) -> Iterator[str]:
        """Digests of the templates and vendored files beside the module that a statement names."""
        folder = self.root.joinpath(*self.module.split(".")[: None if self.is_package else -1])
        for name in _read(statement).pages:
            if (folder / name).is_file():
                yield f"{self.module}: {name}: {file_digest(folder / name)}"

    def origin(self, name: str) -> str:
        """``module:Name`` where a name was defined or imported from."""
        for statement in self.named.get(name, ()):
            if isinstance(statement, ast.ImportFrom):
                return f"{self._base(statement)}:{statement.names[0].name}"
        return f"{self.module}:{name}"

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.module.split(".")
        parts = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*parts, node.module] if node.module else parts)

    def _target(self, node: ast.ImportFrom, name: str) -> tuple[str, str]:
        base = self._base(node)
        path = os.path.join(self.root, *base.split("."), name)  # noqa: PTH118 - thousands of them
        is_module = any(map(os.path.isfile, (f"{path}.py", f"{path}/__init__.py")))
        return (f"{base}.{name}", _ALL) if is_module else (base, name)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector from walking over trees that grow, half of parsing's time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@cache
def _parsed(module: str, root: Path, path: Path, text: str) -> _Source:
    """What a module's text says, parsed once: the stages of a process share most modules."""
    with _no_collection():
        return _Source(module, root, path.name == "__init__.py", ast.parse(text, str(path)))


@dataclass(frozen=True)
class _Read:
    """What counts of a statement: all but docstrings and what `setting` is called with.

    Attributes:
        text: The same for the same code, however it is laid out.
        naming: Parts that may name a place.
        pages: Texts that may name a template or a vendored file.
    """

    text: str
    naming: list[ast.AST]
    pages: list[str]


@cache
def _read(statement: ast.stmt) -> _Read:
    """Read a statement, in one pass over its parts: there are ten thousands in a system."""
    words: list[str] = []
    naming: list[ast.AST] = []
    pages: list[str] = []
    pending: list[Any] = [statement]
    while pending:
        node = pending.pop()
        kind: Any = type(node)
        if kind is list:
            parts = [part for part in node if type(part) is not ast.Expr or not _is_text(part)]
            words.append(f"[{len(parts)}")
            pending += parts
        elif not issubclass(kind, ast.AST):
            words.append(repr(node))
            if kind is str and (node.endswith(_TEMPLATE) or node.startswith(_VENDORED)):
                pages.append(node)
        else:
            if kind is ast.Call and _name(node) == "setting":
                node = node.func
                kind = type(node)
            if kind in _NAMING:
                naming.append(node)
            words.append(_word(kind))
            pending += [getattr(node, field, None) for field in kind._fields]
    return _Read(" ".join(words), naming, pages)


@cache
def _word(kind: Any) -> str:
    return f"{kind.__name__}{len(kind._fields)}"


def _bound(statement: ast.stmt) -> Iterator[tuple[str, ast.stmt]]:
    """Names that a statement does nothing but bind, each with its part of the statement."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        yield from _imported(statement)
    elif isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        if all(_name(each) in _PASSIVE for each in statement.decorator_list):
            yield statement.name, statement
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if all(isinstance(target, ast.Name) for target in targets):
            yield from ((_name(target), statement) for target in targets)


def _imported(statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, ast.stmt]]:
    for alias in statement.names:
        if isinstance(statement, ast.Import):
            yield alias.asname or alias.name.partition(".")[0], ast.Import([alias])
        elif alias.name != _ALL:
            part = ast.ImportFrom(statement.module, [alias], statement.level)
            yield alias.asname or alias.name, part


def _is_protocol(statement: ast.stmt) -> bool:
    bases = statement.bases if isinstance(statement, ast.ClassDef) else ()
    return any(_name(base) == "Protocol" for base in bases)


def _is_text(node: Any) -> bool:
    """Whether text stands alone, as a docstring does."""
    is_value = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_value and isinstance(node.value.value, str)


def _is_idle(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and _name(statement.test) == "TYPE_CHECKING"
