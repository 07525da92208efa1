"""Counts the repository: how large its rooms are, and what it takes to find one's way.

    python -m benchmarks.house [--rev REV] [--compare REV]

Counted is the working tree, or a revision as git has it; with two, side by side. Lines are those
of Python files, blank ones and comments included.

- Rooms: files and lines of each wing of `operators`, each package of `tasks`, and the rest. Before
  there were wings their modules lay side by side; `_OLD_WINGS` says where each belongs.
- *Largest folder*: modules side by side in one folder, ``__init__`` and ``__main__`` apart.
- *Without a mirrored test*: modules of `tasks` and `operators` that hold code to run and have no
  ``tests/<path>/test_<module>.py``.
- *Page writers*: modules of `tasks` that write whole HTML pages, themselves or by Jinja2.
- *Ways into a user's folder*: modules of `tasks` that speak of exports, put files or folders in
  place (by a rename) and don't import another one that does.
- *Concepts*: names that a newcomer must learn to add a pipeline: what CONTRIBUTING.md's example
  imports from `tasks/core` and `operators`, and the ports that its stages reach through their
  context; those of `CONCEPTS` that the tree defines.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import sys
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from operators.installation import ROOT

TOPS = ("tasks", "operators", "dags", "benchmarks", "tests")
CODE = ("tasks", "operators", "dags")
# What a stage author must read, and the wings whose size has a ceiling together.
AUTHORS = ("ports", "stages", "records", "refs", "errors", "config")
KERNEL = ("operators/stage", "operators/store")
CONCEPTS = (
    *("stage", "StageSpec", "StageContext"),
    *("ArtifactStore", "Items", "ItemFolder", "Tracker"),
    *("Record", "ArtifactRef", "FileRef", "file_digest", "Skipped", "split"),
    *("setting", "SETTINGS", "ConfigError", "DataError", "pipeline", "LocalRun"),
)
_OLD_WINGS = {
    "schedule": "pipeline stage_operator stage_trigger ray_jobs",
    "stage": "run_stage stage_plan stage_key items item_pool item_work progress local",
    "compute": "ray_executor ray_training ray_data dask_scheduler limits",
    "store": "artifact_store storage prune checkpoints",
    "record": "trackers mlflow_tracker mlflow_api model_registry",
    "stack": "stack services processes headless headless_child airflow_database",
    "installation.py": "profiles environment",
}
_WING_OF = {f"{name}.py": wing for wing, names in _OLD_WINGS.items() for name in names.split()}

# Text of each Python file by its path from the root, e.g. ``tasks/core/ports.py``.
Tree = Mapping[str, str]
Counts = dict[str, str]


def working_tree(root: Path) -> Tree:
    """Python files as they are on disk, new ones that git does not ignore included."""
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").decode()
    paths = [name for name in listed.split("\0") if _is_counted(name) and (root / name).is_file()]
    return {name: (root / name).read_text("utf-8") for name in sorted(paths)}


def revision(name: str, root: Path) -> Tree:
    """Python files of a revision.

    Raises:
        subprocess.CalledProcessError: There is no such revision.
    """
    tree = {}
    with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", name))) as archive:
        for member in archive:
            file = archive.extractfile(member) if _is_counted(member.name) else None
            if file is not None:
                tree[member.name] = file.read().decode()
    return tree


def count(tree: Tree) -> Counts:
    """Count everything; see the module."""
    parsed = {path: ast.parse(text) for path, text in tree.items()}
    rooms = _rooms(tree)
    counts = {name: f"{lines:,} lines, {files} files" for name, (files, lines) in rooms.items()}
    author = sum(_num_lines(tree.get(f"tasks/core/{name}.py", "")) for name in AUTHORS)
    counts["a stage author must read"] = f"{author:,} lines"
    counts["stage and store"] = f"{sum(rooms.get(wing, (0, 0))[1] for wing in KERNEL):,} lines"
    for top in TOPS:
        counts[f"largest folder of {top}"] = _largest(_folders(tree, top), "modules")
    counts["largest file"] = _largest(
        {path: _num_lines(tree[path]) for path in _code(tree)}, "lines"
    )
    counts["largest function"] = _largest(
        {name: size for path in _code(tree) for name, size in _functions(path, parsed[path])},
        "lines",
    )
    counts["modules without a mirrored test"] = str(len(untested(parsed)))
    counts["page writers"] = str(len(page_writers(parsed)))
    counts["ways into a user's folder"] = str(len(ways_out(parsed)))
    counts["concepts to add a pipeline"] = str(len(concepts(parsed)))
    return counts


def untested(parsed: Mapping[str, ast.Module]) -> list[str]:
    """Modules of `tasks` and `operators` that hold code to run and have no mirrored test."""
    found = []
    for path in _code(parsed):
        place = PurePosixPath(path)
        test = f"{place.parent.relative_to('tasks')}" if path.startswith("tasks/") else place.parent
        is_module = not place.name.startswith("__") and not path.startswith("dags/")
        if is_module and f"tests/{test}/test_{place.name}" not in parsed and _runs(parsed[path]):
            found.append(path)
    return found


def page_writers(parsed: Mapping[str, ast.Module]) -> list[str]:
    """Modules of `tasks` that write whole HTML pages."""
    return [
        path
        for path, tree in parsed.items()
        if path.startswith("tasks/")
        and any(_is_page(node) or _source(node) == "jinja2" for node in ast.walk(tree))
    ]


def ways_out(parsed: Mapping[str, ast.Module]) -> list[str]:
    """Modules of `tasks` that write into a user's folder in a way of their own."""
    placing = {
        path.removesuffix(".py").replace("/", "."): tree
        for path, tree in parsed.items()
        if path.startswith("tasks/")
        and any(map(_is_rename, ast.walk(tree)))
        and any(map(_speaks_of_exports, ast.walk(tree)))
    }
    return [
        module
        for module, tree in placing.items()
        if not {_source(node) for node in ast.walk(tree)} & set(placing)
    ]


def concepts(parsed: Mapping[str, ast.Module]) -> list[str]:
    """Those of `CONCEPTS` that `tasks/core` or `operators` define."""
    places = ("tasks/core/", "operators/")
    defined = {
        name
        for path, tree in parsed.items()
        if path.startswith(places)
        for statement in tree.body
        for name in _names(statement)
    }
    return [name for name in CONCEPTS if name in defined]


def _is_counted(path: str) -> bool:
    return path.endswith(".py") and path.split("/")[0] in TOPS


def _code(tree: Mapping[str, object]) -> list[str]:
    return [path for path in tree if path.split("/")[0] in CODE]


def _git(root: Path, *words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, check=True).stdout


def _num_lines(text: str) -> int:
    return text.count("\n")


def _rooms(tree: Tree) -> dict[str, tuple[int, int]]:
    """Files and lines by room, in the order of the tree's tops."""
    rooms: dict[str, list[int]] = defaultdict(list)
    for path, text in tree.items():
        top, _, rest = path.partition("/")
        second = rest.split("/")[0]
        second = _WING_OF.get(second, second) if top == "operators" else second
        is_room = "/" in rest or top == "operators"
        room = f"{top}/{second}" if is_room and top != "dags" else top
        rooms[room if second != "__init__.py" else top].append(_num_lines(text))
    ordered = sorted(rooms, key=lambda room: (TOPS.index(room.split("/")[0]), room))
    return {room: (len(rooms[room]), sum(rooms[room])) for room in ordered}


def _folders(tree: Tree, top: str) -> Mapping[str, int]:
    places = (PurePosixPath(path) for path in tree if path.startswith(f"{top}/"))
    return Counter(str(place.parent) for place in places if not place.name.startswith("__"))


def _largest(sizes: Mapping[str, int], unit: str) -> str:
    if not sizes:
        return "none"
    name = max(sizes, key=lambda each: (sizes[each], each))
    return f"{sizes[name]} {unit}: {name}"


def _functions(path: str, tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path} {node.name}", (node.end_lineno or 0) - node.lineno + 1


def _runs(tree: ast.Module) -> bool:
    """Whether a module has a function that does something; protocols only declare."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return any(any(not isinstance(s, ast.Expr) for s in each.body) for each in functions)


def _is_page(node: ast.AST) -> bool:
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return is_text and "<!doctype html" in str(getattr(node, "value", "")).lower()


def _source(node: ast.AST) -> str:
    """Module that an import takes something from; empty if it is no such import."""
    if isinstance(node, ast.Import):
        return node.names[0].name
    return node.module or "" if isinstance(node, ast.ImportFrom) else ""


def _speaks_of_exports(node: ast.AST) -> bool:
    """Whether a name or text has to do with exports."""
    words = (getattr(node, part, "") for part in ("id", "name", "attr", "arg", "value"))
    return any("export" in word for word in words if isinstance(word, str))


def _is_rename(node: ast.AST) -> bool:
    """A call of ``Path.rename`` or ``Path.replace``, which take one argument, or of `os`."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
    num_given = 2 if owner in ("os", "shutil") else 1
    return (
        node.func.attr in ("rename", "replace", "move")
        and len(node.args) == num_given
        and not node.keywords
    )


def _names(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign):
        yield from (target.id for target in statement.targets if isinstance(target, ast.Name))


def table(columns: Mapping[str, Counts]) -> str:
    """Format counts of one or more trees, by their names, as a Markdown table."""
    rows = dict.fromkeys(name for counts in [*columns.values()][::-1] for name in counts)
    lines = [["what", *columns], ["---"] * (1 + len(columns))]
    lines += [[row, *(counts.get(row, "") for counts in columns.values())] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rev", help="a revision, instead of the working tree")
    parser.add_argument("--compare", metavar="REV", help="an earlier revision, shown beside it")
    given = parser.parse_args(arguments)
    columns = {given.compare: count(revision(given.compare, ROOT))} if given.compare else {}
    tree = revision(given.rev, ROOT) if given.rev else working_tree(ROOT)
    columns[given.rev or "working tree"] = count(tree)
    print(table(columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
