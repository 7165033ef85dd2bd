from pathlib import Path

import bcrypt
import pytest
from click.testing import CliRunner, Result

from app.accounts import local, local_authenticator
from app.cli import accounts
from app.cli.accounts_import import BATCH
from app.services.container import Services
from tests.installation import NOON, PASSWORD, USERNAME

HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


def imports(services: Services, text: str, *options: str) -> Result:
    return CliRunner().invoke(accounts.group, ["import", "-", *options], input=text, obj=services)


def names(services: Services) -> list[str]:
    return [account.username for account in services.read(local.list_accounts)]


def test_accounts_are_imported_with_their_passwords(services: Services) -> None:
    """R54: and the first sign-in replaces the hash by one of ours."""
    done = imports(services, f"username,password_hash,display_name\n{USERNAME},{HASH},Jane Doe\n")

    assert 0 == done.exit_code
    assert "Added 1 accounts" in done.stdout
    authenticator = local_authenticator.LocalAuthenticator(
        read=services.read, write=services.write, hasher=services.hasher
    )
    look_up = local_authenticator._look_up  # noqa: SLF001 - no public function shows the stored hash
    before = services.read(look_up, username=USERNAME, at=NOON).credentials
    authenticator.verify(USERNAME, PASSWORD)
    after = services.read(look_up, username=USERNAME, at=NOON).credentials
    assert before is not None
    assert after is not None
    assert HASH == before.password_hash
    assert after.password_hash.startswith("$argon2id$")
    assert before.subject == authenticator.verify(USERNAME, PASSWORD).subject


def test_a_dry_run_changes_nothing(services: Services) -> None:
    done = imports(services, f"username,password_hash\n{USERNAME},{HASH}\n", "--dry-run")

    assert 0 == done.exit_code
    assert "Would add 1 accounts" in done.stdout
    assert [] == names(services)


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
@pytest.mark.usefixtures("jane")
def test_refused_lines_are_named_and_the_others_imported(
    services: Services, options: tuple[str, ...]
) -> None:
    """By number, because one bad line among thousands is hard to find; and no hash is shown."""
    lines = [f"zoe,{HASH}", f"{USERNAME.upper()},{HASH}", f"ZOE,{HASH}", "ben,secret", f",{HASH}"]

    done = imports(services, "\n".join(["username,password_hash", *lines]), *options)

    assert 1 == done.exit_code
    assert "refused lines: 4" in done.stdout
    for refused in (
        "line 3, username: there is an account with this username",
        "line 4, username: this username is in line 2 already",
        "line 5, password_hash: this form of hash is unknown",
        "line 6, username: A username has between 1 and 254 characters.",
    ):
        assert refused in done.stderr
    assert "secret" not in done.output
    assert HASH not in done.output


def test_numbers_of_the_business_are_imported_as_subjects(services: Services) -> None:
    """Once each, and not that of a deleted account; a line without one gets a random one."""
    services.write(local.add, "gone", None, "x", own_subject="10041", at=NOON)
    services.write(local.delete, "gone", at=NOON)
    lines = [f"ann,{HASH},10042", f"ben,{HASH},10042", f"cat,{HASH},10041", f"dan,{HASH},"]

    done = imports(services, "\n".join(["username,password_hash,Subject", *lines]))

    assert "refused lines: 2" in done.stdout
    assert "line 3, subject: this subject is in line 2 already" in done.stderr
    assert "line 4, subject: this subject belonged to a deleted account" in done.stderr
    found = {one.username: one.subject for one in services.read(local.list_accounts)}
    assert ({"ann", "dan"}, "10042") == ({*found}, found["ann"])


def test_the_same_file_can_be_imported_again(services: Services) -> None:
    """An interrupted import is finished by repeating it."""
    text = "username,password_hash\n" + "".join(f"user{n},{HASH}\n" for n in range(1201))
    first = imports(services, text)
    subjects = [account.subject for account in services.read(local.list_accounts)]

    again = imports(services, text)

    assert "Added 1201 accounts" in first.stdout
    assert "  1000 of 1201 lines, 0 refused" in first.stderr
    assert "Added 0 accounts; refused lines: 1201" in again.stdout
    assert subjects == [account.subject for account in services.read(local.list_accounts)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,hash\na,b\n", "the first line must name password_hash and username"),
        (b"", "the first line must name"),
        (b"username,password_hash\nj\xe4ne,secret\n", "is not CSV in UTF-8"),
        (b'username,password_hash\n"jane"x,secret\n', "line 2 is not CSV in UTF-8"),
        (b"username,password_hash\n\n\nj\xe4ne,secret\n", "line 4 is not CSV in UTF-8: save the"),
        (b'username,password_hash\njane,"secret\nben,secret\n', "line 2 is not CSV in UTF-8"),
        (b"u\0s\0e\0r\0", "no text in UTF-8"),
        (b"username,Username,password_hash\na,b,secret\n", "names username twice"),
        (b"username,password_hash,password_hash\na,b,secret\n", "names password_hash twice"),
        (b"sep=;\nusername,password_hash\na,secret\n", "the first line must name"),
        (b"jane,secret\n", "separated by commas, semicolons or tabs"),
    ],
)
def test_another_kind_of_file_is_refused_in_a_sentence(
    services: Services, tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(content)

    done = CliRunner().invoke(accounts.group, ["import", str(path)], obj=services)

    assert 1 == done.exit_code
    assert message in done.stderr
    assert "secret" not in done.output
    assert [] == names(services)


def test_a_file_that_breaks_off_in_the_middle_imports_nothing(
    services: Services, tmp_path: Path
) -> None:
    """An operator who mends the file would not know which of its lines are in already."""
    path = tmp_path / "users.csv"
    lines = "".join(f"user{n},{HASH}\n" for n in range(BATCH + 1))
    path.write_bytes(f"username,password_hash\n{lines}".encode() + b"j\xe4ne,secret\n")

    done = CliRunner().invoke(accounts.group, ["import", str(path)], obj=services)

    assert f"line {BATCH + 3} is not CSV in UTF-8" in done.stderr
    assert [] == names(services)


TABLE = f"username;password_hash;display_name\njane;{HASH};Jäne Doe\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.replace(";", "\t").encode("utf-16"),
        b"\xfe\xff" + TABLE.encode("utf-16-be"),
        f"sep=;\n{TABLE}".replace("\n", "\r\n").encode(),
        f'"SEP=\t"\n{TABLE}'.replace(";", "\t").encode(),
        TABLE.replace(";", ",").replace("\n", "\r").encode(),
        TABLE.replace("username", "Username ").replace("password_hash", "Password Hash").encode(),
        TABLE.replace("display_name", "DISPLAY-NAME").encode(),
        f"{TABLE};;\n  ; ;\n\n".encode(),
        TABLE.replace("Doe", "Doe;;;").encode(),
        TABLE.replace("display_name", "display_name;id").replace("Doe", "Doe;7").encode(),
        TABLE.replace("display_name", 'display_name;"note\non it"').encode(),
    ],
    ids=[
        "semicolons",
        "byte order mark",
        "UTF-16 and tabs",
        "UTF-16, big-endian",
        "sep=;",
        "sep= and a tab",
        "lines end with CR",
        "capitals and spaces in the names",
        "a hyphen in a name",
        "empty rows at the end",
        "empty cells at the end",
        "a column more",
        "a name of two lines",
    ],
)
def test_a_file_as_a_spreadsheet_writes_it_is_imported(services: Services, content: bytes) -> None:
    """With one account and nothing refused: Excel's CSV differs by country and by menu."""
    done = CliRunner().invoke(accounts.group, ["import", "-"], input=content, obj=services)

    assert "Added 1 accounts; refused lines: 0." in done.stdout, done.stderr
    assert 0 == done.exit_code
    (account,) = services.read(local.list_accounts)
    assert ("jane", "Jäne Doe") == (account.username, account.display_name)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("jane,$argon2id$v=19$m=64,t=2,p=1$c2VjcmV0c2VjcmV0$AAAA", "line 4: this row has more col"),
        ("jane", "line 4: this row has fewer columns"),
        ('"jane\ndoe",secret', "line 4, username: A username may not have invisible"),
        (
            f'jane,"$2b$04$tooshort\nsecret{"x" * 60}"',
            "line 4, password_hash: the bcrypt hash is dam",
        ),
        ("jane,5f4dcc3b5aa765d61d8327deb882cf99", "line 4, password_hash: this is an MD5 or NTLM"),
    ],
)
def test_a_refused_row_is_told_by_line_and_column(services: Services, row: str, told: str) -> None:
    """R54: by the line in which it begins, behind a value of two lines; and nothing of it."""
    done = imports(services, f'username,password_hash\n"two\nlines",{HASH}\n{row}\nzoe,{HASH}\n')

    assert told in done.stderr
    assert "Added 1 accounts; refused lines: 2" in done.stdout
    assert ["zoe"] == names(services)
    for kept in ("secret", "c2VjcmV0", "5f4dcc3b"):
        assert kept not in done.output
