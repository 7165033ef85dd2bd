"""The import contracts in pyproject.toml: the tree keeps them, and each known breach is refused."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).with_name("lint-imports")

DOWN = "Imports only go down, and every room is named here"
FLOOR = "Inside infra, imports only go down as well"
CIRCLES = "No circles, in any package"
MESSENGER = "Of the floor, messenger may import the network alone"
KEYS = "API keys know the floor alone"
CLIENT = "threadlink_client, which other people's bots import, stands alone"
ALONE = "threadlink_testing, which other people's tests import, stands alone"

Imports = tuple[tuple[str, str], ...]

# The contract that names the breach, and the imports to add: (importing module, imported module).
BREACHES: dict[str, tuple[str, Imports]] = {
    "infra imports setup": (DOWN, (("app.infra.clock", "app.setup.plan"),)),
    "messenger imports the sign-in settings": (
        MESSENGER,
        (("app.messenger.redirects", "app.infra.settings.sign_in"),),
    ),
    "api_keys imports its neighbour setup": (
        DOWN,
        (("app.api_keys.tokens", "app.setup.findings"),),
    ),
    "setup imports its neighbour linking": (DOWN, (("app.setup.findings", "app.linking.errors"),)),
    "accounts imports api_keys, above it": (DOWN, (("app.accounts.local", "app.api_keys.tokens"),)),
    "the emulator imports api_keys": (DOWN, (("app.emulator.ids", "app.api_keys.tokens"),)),
    "the emulator imports messenger": (
        DOWN,
        (("app.emulator.ids", "app.messenger.display_names"),),
    ),
    "messenger imports the metrics": (
        MESSENGER,
        (("app.messenger.redirects", "app.infra.observability.metrics"),),
    ),
    "threadlink_testing imports api_keys": (
        ALONE,
        (("threadlink_testing", "app.api_keys.tokens"),),
    ),
    "the clock imports the settings": (
        FLOOR,
        (("app.infra.clock", "app.infra.settings.settings"),),
    ),
    "the settings and a module they need import each other": (
        DOWN,
        (
            ("app.messenger.display_names", "app.infra.settings.settings"),
            ("app.infra.settings.settings", "app.messenger.display_names"),
        ),
    ),
    "api_keys imports accounts": (KEYS, (("app.api_keys.service", "app.accounts.local"),)),
    "accounts imports its neighbour outbox": (DOWN, (("app.accounts.local", "app.outbox.queue"),)),
    "two rooms import each other": (
        DOWN,
        (
            ("app.accounts.models", "app.outbox.models"),
            ("app.outbox.models", "app.accounts.models"),
        ),
    ),
    "a circle inside a room": (CIRCLES, (("app.linking.errors", "app.linking.attempts"),)),
    "a circle inside the floor": (
        CIRCLES,
        (
            ("app.infra.settings.retention", "app.infra.database.schema"),
            ("app.infra.database.schema", "app.infra.settings.settings"),
        ),
    ),
    "a file that nobody has placed": (DOWN, (("app.brandnew", "app.infra.clock"),)),
    "the emulator imports setup": (DOWN, (("app.emulator.ids", "app.setup.findings"),)),
    "threadlink_client imports requests": (
        CLIENT,
        (("threadlink_client.api", "requests"),),
    ),
    "threadlink_testing imports the telemetry": (
        ALONE,
        (("threadlink_testing", "app.infra.observability.telemetry"),),
    ),
    "messenger imports the settings' parsing": (
        MESSENGER,
        (("app.messenger.display_names", "app.infra.settings.parsing"),),
    ),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of what the contracts speak of: the code and pyproject.toml."""
    for package in ("app", "clients/python/threadlink_client", "clients/python/threadlink_testing"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / Path(package).name, ignore=ignored)
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def test_the_tree_keeps_every_contract(tree: Path) -> None:
    said = lint(tree)

    assert "0 broken" in said
    assert {
        f"{name} KEPT" for name in (DOWN, FLOOR, CIRCLES, MESSENGER, KEYS, ALONE, CLIENT)
    } <= set(said.splitlines())


@pytest.mark.parametrize("breach", BREACHES.values(), ids=BREACHES)
def test_a_breach_is_refused(breach: tuple[str, Imports], tree: Path) -> None:
    contract, imports = breach
    for importer, imported in imports:
        add_import(tree, importer, imported)

    said = lint(tree)

    assert f"{contract} BROKEN" in said.splitlines()


def add_import(tree: Path, importer: str, imported: str) -> None:
    path = tree / importer.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    before = path.read_text("utf-8") if path.exists() else ""
    path.write_text(f"{before}\nimport {imported}\n", "utf-8")


def lint(tree: Path) -> str:
    """Return what lint-imports prints about *tree*."""
    done = subprocess.run(  # noqa: S603 - our own tool
        [LINT, "--no-logo", "--no-cache"],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "COLUMNS": "200"},  # wide enough for a name and its verdict
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize(
    "path",
    [path for package in ("app", "clients") for path in (ROOT / package).rglob("__init__.py")],
    ids=lambda path: path.parent.relative_to(ROOT).as_posix(),
)
def test_each_package_states_its_purpose(path: Path) -> None:
    """Its docstring says what belongs into it, for whoever looks for a place."""
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))
