"""`threadlink_testing` in a project of its own, as docs/testing.md shows it."""

import ast
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.node import NODE

ROOT = Path(__file__).parents[2]
# As if the package of clients/python were installed, and the server were not: the folder of its
# `app` is only in a .pth file, which -S leaves unread.
APART = [sys.executable, "-S"]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([sysconfig.get_path("purelib"), str(ROOT / "clients/python")]),
    # Those of this environment are not in that of the reader.
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "THREADLINK_COMMAND": str(Path(sys.executable).with_name("threadlink")),
}
_EXAMPLE = re.compile(r"```python\n# (?P<path>[\w./]+)\n(?P<text>.*?)```", re.DOTALL)


def example(folder: Path) -> None:
    """Write the Python examples into *folder*; the package of the long one is called app."""
    documented = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    for block in _EXAMPLE.finditer(documented):
        path = folder / block["path"]
        path.parent.mkdir(exist_ok=True)
        path.write_text(block["text"], encoding="utf-8")


def pytest_in(folder: Path, *files: str) -> str:
    command = [*APART, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", *files]
    run = subprocess.run(  # noqa: S603 - our own interpreter
        command,
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return run.stdout + run.stderr


def test_the_documented_example_passes_in_a_project_with_its_own_app(tmp_path: Path) -> None:
    example(tmp_path)

    output = pytest_in(tmp_path, "tests")

    assert "9 passed" in output
    assert "failed" not in output


def test_a_mistake_in_the_server_under_test_is_found(tmp_path: Path) -> None:
    """
    Otherwise the example could pass whatever the server does.
    """
    example(tmp_path)
    shop = tmp_path / "app" / "shop.py"
    shop.write_text(shop.read_text().replace("if not hmac.compare_digest(", "if () and ("))

    output = pytest_in(tmp_path, "tests")

    assert "4 failed, 5 passed" in output


def test_the_short_example_passes_in_an_empty_project(tmp_path: Path) -> None:
    example(tmp_path)
    (tmp_path / "conftest.py").unlink()
    text = (tmp_path / "test_messenger.py").read_text()

    output = pytest_in(tmp_path, "test_messenger.py")

    assert "1 passed" in output
    assert 12 >= len([line for line in text.splitlines() if line.strip()])


def test_the_package_imports_pytest_and_requests_alone() -> None:
    imported = {
        module.partition(".")[0]
        for path in (ROOT / "clients/python/threadlink_testing").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for module in modules_of(node)
    }

    assert {"pytest", "requests", "threadlink_testing"} == imported - sys.stdlib_module_names


def modules_of(node: ast.AST) -> list[str]:
    """Return the modules that *node* imports."""
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_the_short_example_for_node_passes_in_an_empty_project(tmp_path: Path) -> None:
    documented = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```js\n// messenger\.test\.mjs\n(.*?)```", documented, re.DOTALL)
    (tmp_path / "messenger.test.mjs").write_text(text, encoding="utf-8")
    # The clone, where the workflow puts it.
    (tmp_path / "threadlink").symlink_to(ROOT)

    done = subprocess.run(  # noqa: S603 - our own documentation
        [NODE, "--test", "--test-reporter=tap", "messenger.test.mjs"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert "# pass 1" in done.stdout, done.stdout + done.stderr
    assert 12 >= len([line for line in text.splitlines() if line.strip()])
