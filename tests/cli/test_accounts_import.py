from pathlib import Path

import bcrypt
import pytest
from click.testing import CliRunner, Result

from app.accounts import local, local_authenticator
from app.cli import accounts
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
        "line 3: there is an account with this username",
        "line 4: this username is in line 2 already",
        "line 5: this form of hash is unknown",
        "line 6: A username has between 1 and 254 characters.",
    ):
        assert refused in done.stderr
    assert "secret" not in done.output
    assert HASH not in done.output


def test_the_same_file_can_be_imported_again(services: Services) -> None:
    """An interrupted import is finished by repeating it."""
    text = "username,password_hash\n" + "".join(f"user{n},{HASH}\n" for n in range(1201))
    first = imports(services, text)
    subjects = [account.subject for account in services.read(local.list_accounts)]

    again = imports(services, text)

    assert "Added 1201 accounts" in first.stdout
    assert "  1000 lines read" in first.stderr
    assert "Added 0 accounts; refused lines: 1201" in again.stdout
    assert subjects == [account.subject for account in services.read(local.list_accounts)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,hash\na,b\n", "the first line must name password_hash and username"),
        (b"", "the first line must name"),
        (b"username,password_hash\nj\xe4ne,secret\n", "is not CSV in UTF-8"),
        (b'username,password_hash\n"jane"x,secret\n', "is not CSV in UTF-8"),
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
