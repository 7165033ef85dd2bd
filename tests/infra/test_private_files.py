"""Files that the program writes go to no other user, whatever stands in the folder already."""

import ast
import os
import re
from pathlib import Path
from typing import Final

import pytest

from app.infra import private_files

THEIRS: Final = "another user's"
APP: Final = Path(__file__).parents[2] / "app"


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Return a file of another user, who can read what is written to it."""
    path = tmp_path / "theirs"
    path.write_text(THEIRS, encoding="utf-8")
    path.chmod(0o666)
    return path


def test_a_link_in_the_place_of_the_file_is_replaced_and_not_followed(
    tmp_path: Path, theirs: Path
) -> None:
    target = tmp_path / "env"
    target.symlink_to(theirs)

    private_files.write(target, "SECRET_KEY=x")

    assert THEIRS == theirs.read_text(encoding="utf-8")
    assert not target.is_symlink()
    assert ("SECRET_KEY=x", 0o600) == (
        target.read_text(encoding="utf-8"),
        target.stat().st_mode & 0o777,
    )
    assert ["env", "theirs"] == sorted(path.name for path in tmp_path.iterdir())


def test_an_old_file_that_others_can_read_does_not_receive_the_new_text(
    theirs: Path,
) -> None:
    """Whoever has opened it before reads on in the old one."""
    with theirs.open(encoding="utf-8") as reader:
        private_files.write(theirs, "SECRET_KEY=x")

        assert THEIRS == reader.read()
    assert 0o600 == theirs.stat().st_mode & 0o777


def test_a_file_that_is_not_finished_never_has_the_name(tmp_path: Path) -> None:
    target = tmp_path / "env"
    target.write_text("old", encoding="utf-8")

    def write_half() -> None:
        with private_files.unfinished(target) as file:
            os.write(file.handle, b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()

    assert ["old"] == [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()]


@pytest.mark.parametrize("put_there", ["a link", "a file", "a folder", "nothing"])
def test_a_file_that_has_been_moved_away_is_noticed(
    tmp_path: Path, theirs: Path, put_there: str
) -> None:
    """As whoever may write to the folder can do at any moment."""
    target = tmp_path / "env"

    def write_while_attacked() -> None:
        with private_files.unfinished(target) as file:
            file.path.rename(tmp_path / "moved")
            if put_there == "a link":
                file.path.symlink_to(theirs)
            elif put_there == "a file":
                file.path.write_text(THEIRS, encoding="utf-8")
            elif put_there == "a folder":
                file.path.mkdir()

    with pytest.raises(private_files.Replaced):
        write_while_attacked()

    assert not os.path.lexists(target)


def test_no_module_writes_files_in_another_way() -> None:
    """The database is the exception: SQLite opens it by path, so its folder has to be trusted."""
    found = {
        f"{path.relative_to(APP)}: {ast.unparse(node)}"
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _may_write(node)
    }

    assert {
        "infra/database/engine.py: path.touch(mode=384)",
        "infra/private_files.py: open(file.handle, 'wb', closefd=False)",
    } == found


def _may_write(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    # Of open(file, mode) and path.open(mode).
    modes = [
        ast.unparse(each) for each in (*call.args[:2], *(word.value for word in call.keywords))
    ]
    return name in {"touch", "write_text", "write_bytes", "FileHandler"} or (
        name == "open"
        and any(re.fullmatch(r"'[rwaxbt+]*[wax+][rwaxbt+]*'", mode) for mode in modes)
    )


def test_a_folder_that_is_not_there_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    private_files.write(tmp_path / "instance/env", "x")

    assert 0o700 == (tmp_path / "instance").stat().st_mode & 0o777
