"""Stage keys: what changes them, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from operators.stage.key import code_digest, declaration_of, key_parts, stage_key
from tasks.core.errors import ConfigError, ResourceError
from tasks.core.stages import StageSpec
from tests.support.kernel.sample_stages import DoubleConfig, double_numbers
from tests.support.kernel.sample_stages import __name__ as sample

STAGE = "tasks.fruit.stages.press:press"
FILES = {
    "tasks/__init__.py": "",
    "tasks/fruit/__init__.py": "",
    "tasks/fruit/stages/__init__.py": "",
    "tasks/fruit/algorithms/__init__.py": "",
    "tasks/fruit/stages/press.py": (
        "from tasks.core.stages import StageSpec, stage\n"
        "from tasks.fruit.algorithms import peel\n"
        "from tasks.fruit.algorithms.squeeze import squeeze\n"
        "from tasks.fruit.config import PressConfig\n\n"
        "@stage(StageSpec(name='fruit.press', section='press', libraries=('numpy',)))\n"
        "def press(fruit, config: PressConfig, ctx):\n"
        "    from ..algorithms.late import strain\n"
        "    return strain(squeeze(peel.peel(fruit)))\n\n"
        "def unrelated():\n    return 1\n"
    ),
    "tasks/fruit/algorithms/peel.py": "def peel(fruit):\n    return fruit\n",
    "tasks/fruit/algorithms/squeeze.py": (
        '"""Squeezes."""\n'
        "from tasks.fruit.algorithms.constants import FORCE\n\n"
        "def squeeze(fruit):\n"
        '    """Squeeze."""\n'
        "    return _hard(fruit)  # as hard as it goes\n\n"
        "def _hard(fruit):\n    return fruit * FORCE\n\n"
        "def juggle(fruit):\n    return fruit\n"
    ),
    "tasks/fruit/algorithms/constants.py": "FORCE = 2\nCOLOUR = 'red'\n_TABLE = {}\n",
    "tasks/fruit/algorithms/late.py": "def strain(juice):\n    return juice\n",
    "tasks/fruit/algorithms/other.py": "def other():\n    return 1\n",
    "tasks/fruit/config.py": (
        "from tasks.core.config import setting\n"
        "class PressConfig:\n    force: float = setting(1.0, help='How hard.')\n"
        "class PeelConfig:\n    deep: bool = setting(False, help='How deep.')\n"
    ),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def changed(tree: Path, name: str, old: str, new: str) -> bool:
    """Whether the code digest follows a change of a file."""
    before = code_digest(STAGE, tree)
    path = tree / "tasks/fruit" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return code_digest(STAGE, tree) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("algorithms/squeeze.py", "# as hard as it goes", "# gently"),
        ("algorithms/squeeze.py", '"""Squeeze."""', '"""Squeeze well."""'),
        ("algorithms/squeeze.py", '"""Squeezes."""\n', "\n\n\n"),
        (
            "algorithms/squeeze.py",
            "def juggle(fruit):\n    return fruit",
            "def juggle():\n    return 2",
        ),
        ("algorithms/constants.py", "'red'", "'blue'"),
        ("algorithms/other.py", "return 1", "return 2"),
        ("stages/press.py", "return 1", "return 2"),
        ("config.py", "setting(1.0, help='How hard.')", "setting(2.0, help='Force.', unit='N')"),
        ("config.py", "deep: bool", "deep: int"),
    ],
)
def test_what_does_not_matter_keeps_the_code(tree: Path, name: str, old: str, new: str) -> None:
    assert not changed(tree, name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stages/press.py", "squeeze(peel", "squeeze(2 * peel"),
        ("algorithms/squeeze.py", "fruit * FORCE", "fruit + FORCE"),
        ("algorithms/constants.py", "FORCE = 2", "FORCE = 3"),
        ("algorithms/peel.py", "return fruit", "return None"),
        ("algorithms/late.py", "return juice", "return None"),
        ("algorithms/constants.py", "_TABLE = {}", "_TABLE = {}\n_TABLE['x'] = 1"),
        ("algorithms/squeeze.py", "def juggle", "@register\ndef juggle"),
        ("config.py", "force: float", "force: int"),
        ("__init__.py", "", "import os\nos.environ['X'] = '1'\n"),
    ],
)
def test_what_matters_changes_the_code(tree: Path, name: str, old: str, new: str) -> None:
    assert changed(tree, name, old, new)


def test_declaration_is_read_without_importing() -> None:
    found = declaration_of(f"{sample}:double_numbers")
    assert found.spec == StageSpec(
        name="sample.double", section="double", libraries=("numpy",), draws=True
    )
    assert found.config({"double": {"factor": 3.0}}) == DoubleConfig(factor=3.0)
    assert double_numbers.__orrery_stage__ == found.spec


def test_config_class_is_found_where_it_is_defined(tree: Path) -> None:
    assert declaration_of(STAGE, tree).config_type == "tasks.fruit.config:PressConfig"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "name='fruit.press'",
            "name='fruit.' + 'press'.upper()",
            "write its StageSpec in literals",
        ),
        ("name='fruit.press', ", "", "write its StageSpec in literals"),
        ("config: PressConfig", "config", "expected the parameters"),
        ("@stage(", "@cache  # (", "is not declared: decorate it"),
        ("def press", "def pres", "there is no stage"),
    ],
)
def test_unclear_declaration_is_refused(tree: Path, old: str, new: str, message: str) -> None:
    path = tree / "tasks/fruit/stages/press.py"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=message):
        declaration_of(STAGE, tree)


def test_unknown_module_is_named() -> None:
    with pytest.raises(ConfigError, match=r"there is no stage 'tasks.none:x'"):
        declaration_of("tasks.none:x")


def key(stage: str = "double_numbers", **changes: object) -> str:
    found = declaration_of(f"{sample}:{stage}")
    given = {
        "seed": 0,
        "device": "cpu",
        "num_workers": 1,
        "config": DoubleConfig(),
        "inputs": [{"sha256": "a", "uri": "u", "schema_id": "s"}],
        "run_id": "r",
        "groups": 1,
    }
    given |= changes
    parts = key_parts(found, given.pop("seed"), given.pop("device"), given.pop("num_workers"))
    return stage_key(
        parts, found.spec, given["config"], *(given[k] for k in ("inputs", "run_id", "groups"))
    )


@pytest.mark.parametrize(
    ("stage", "changes", "matters"),
    [
        ("double_numbers", {"seed": 1}, True),
        ("double_numbers", {"config": DoubleConfig(factor=3.0)}, True),
        ("double_numbers", {"inputs": []}, True),
        ("double_numbers", {"inputs": [{"sha256": "a", "uri": "moved", "schema_id": "s"}]}, False),
        ("double_numbers", {"run_id": "other"}, False),
        ("double_numbers", {"device": "gpu"}, False),
        ("double_numbers", {"groups": 2}, False),
        ("group_numbers", {"groups": 2}, True),
        ("group_numbers", {"seed": 1}, False),
        ("list_numbers", {"run_id": "other"}, True),
        ("list_numbers", {"inputs": []}, False),
        ("train_number", {"device": "gpu"}, True),
        ("train_number", {"num_workers": 2}, True),
        ("double_numbers", {"num_workers": 2}, False),
    ],
)
def test_parts_of_the_key(stage: str, changes: dict, matters: bool) -> None:
    assert (key(stage) != key(stage, **changes)) is matters


def test_library_version_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.0.1")
    assert key() != before


def test_missing_library_is_named(tree: Path) -> None:
    path = tree / "tasks/fruit/stages/press.py"
    path.write_text(path.read_text().replace("'numpy'", "'no-such-thing'"))
    with pytest.raises(ResourceError, match=r"fruit.press needs the package 'no-such-thing'"):
        key_parts(declaration_of(STAGE, tree), 0, "cpu")


def test_encoding_counts_where_a_stage_adds_pictures(tree: Path) -> None:
    press = tree / "tasks/fruit/stages/press.py"
    encoder = tree / "tasks/report/picture.py"
    encoder.parent.mkdir()
    (encoder.parent / "__init__.py").write_text("")
    digests = []
    for added in ("", "    ctx.add_picture('a.jpg', fruit)\n"):
        text = press.read_text()
        press.write_text(text.replace("    from ..alg", f"{added}    from ..alg"))
        for quality in (88, 90):
            encoder.write_text(f"Q = {quality}\ndef encode(picture):\n    return picture * Q\n")
            digests.append(code_digest(STAGE, tree))
    assert digests[0] == digests[1]
    assert len({*digests}) == 3


@pytest.mark.parametrize("name", ["labels/jar.md.j2", "vendored/press/press.js"])
def test_templates_and_vendored_files_that_the_code_names_count(tree: Path, name: str) -> None:
    squeeze = tree / "tasks/fruit/algorithms/squeeze.py"
    squeeze.write_text(squeeze.read_text().replace("* FORCE", f"* FORCE, {name!r}"))
    template = tree / "tasks/fruit/algorithms" / name
    template.parent.mkdir(parents=True)
    digests = [code_digest(STAGE, tree)]
    for text in ("Juice", "Jam"):
        template.write_text(text)
        digests.append(code_digest(STAGE, tree))
    (template.parent / "other.md.j2").write_text("not named")
    assert len({*digests}) == 3
    assert code_digest(STAGE, tree) == digests[-1]
