"""The contents of the wheel; `.ci/run` shows that it runs from another folder."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[2]


def in_the_wheel_of(source: Path, to: Path) -> set[str]:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(  # noqa: S603 - our own build
        [*build, "--directory", str(to)], cwd=source, check=True, capture_output=True
    )

    (wheel,) = to.glob("*.whl")
    with ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_carries_what_the_program_reads_and_nothing_else(tmp_path: Path) -> None:
    inside = in_the_wheel_of(ROOT, tmp_path)

    assert shipped() == inside
    assert "app/templates/base.html" in inside
    assert "app/migrations/versions/0001_first_tables.py" in inside


def test_the_wheel_of_the_clients_has_no_package_that_a_reader_may_have(tmp_path: Path) -> None:
    """An `app` in it would win over the reader's own, in the environment of their tests."""
    source = ROOT / "clients/python"

    inside = in_the_wheel_of(source, tmp_path)

    packages = ("threadlink_client", "threadlink_testing")
    theirs = {path for name in packages for path in files(f"clients/python/{name}")}
    assert {path.relative_to(source).as_posix() for path in theirs} == inside


def test_no_module_needs_what_windows_lacks_to_be_imported() -> None:
    """One such import anywhere, and no command starts there."""
    unix = {"fcntl", "grp", "pwd", "resource", "termios", "uvloop"}

    needed = {
        (path.name, name.name)
        for path in files("app")
        if path.suffix == ".py"
        for statement in ast.parse(path.read_text()).body
        if isinstance(statement, ast.Import)
        for name in statement.names
    }

    assert set() == {(file, module) for file, module in needed if module in unix}
    assert ("demo.py", "sqlite3") in needed


def test_each_locked_package_comes_with_hashes_from_one_registry() -> None:
    """R114: neither another registry nor a changed file gets in unnoticed."""
    locked = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    others = [package for package in locked if package["name"] != "threadlink"]
    files_of = {
        package["name"]: [*package.get("wheels", ()), *filter(None, [package.get("sdist")])]
        for package in others
    }

    assert 1 == len({package["source"].get("registry") for package in others} - {None})
    assert [] == [package["name"] for package in others if "registry" not in package["source"]]
    assert [] == [
        name
        for name, found in files_of.items()
        if not found or not all(one["hash"].startswith("sha256:") for one in found)
    ]
    assert len(others) > 100


def shipped() -> set[str]:
    """Return the names of all that a wheel is to hold."""
    names = {path.relative_to(ROOT).as_posix() for path in files("app")}
    for folder in ("templates", "migrations", "examples"):
        names |= {f"app/{path.relative_to(ROOT).as_posix()}" for path in files(folder)}
    return names


def files(folder: str) -> list[Path]:
    found = (ROOT / folder).rglob("*")
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]
