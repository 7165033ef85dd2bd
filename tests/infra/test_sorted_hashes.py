"""The list of stolen passwords: found where it is, and a file that is none is refused."""

from hashlib import sha1
from pathlib import Path
from typing import Final

import pytest

from app.infra.settings.parsing import SettingError, hash_list
from app.infra.sorted_hashes import SortedHashes

HASHES: Final = sorted(
    sha1(str(number).encode(), usedforsecurity=False).hexdigest().upper() for number in range(500)
)
FORMS: Final = {
    "as downloaded": "".join(f"{h}:{n}\r\n" for n, h in enumerate(HASHES, 1)),
    "without counts": "\n".join(HASHES),
    "lower case": "".join(f"{h.lower()}:7\n" for h in HASHES),
    "counts of every length": "".join(f"{h}:{10 ** (n % 12)}\n" for n, h in enumerate(HASHES)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_hash_is_found_and_no_other(tmp_path: Path, form: str) -> None:
    """OWASP ASVS 5.0, 6.2.12."""
    path = tmp_path / "hashes.txt"
    path.write_bytes(FORMS[form].encode())

    hashes = hash_list(str(path))

    assert all(hashes.has(digest.lower()) for digest in HASHES)
    others = [f"{int(digest, 16) ^ 1:040X}" for digest in HASHES]
    assert not any(hashes.has(digest) for digest in [*others, "0" * 40, "F" * 40])


def test_a_list_of_one_is_a_list(tmp_path: Path) -> None:
    path = tmp_path / "hashes.txt"
    path.write_text(f"{HASHES[0]}:1\n")

    assert [True, False] == [hash_list(str(path)).has(digest) for digest in HASHES[:2]]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("password\n123456\n", id="passwords"),
        pytest.param("".join(f"{h}:1\n" for h in reversed(HASHES)), id="not sorted"),
        pytest.param("".join(f"{h[:32]}:1\n" for h in HASHES), id="NTLM"),
        pytest.param("".join(f"{h}:1\n" for h in HASHES)[:-20], id="cut off"),
        pytest.param("\0" * 100_000, id="binary"),
        pytest.param("".join(f"{h} 1\n" for h in HASHES), id="another separator"),
    ],
)
def test_a_file_that_is_no_such_list_is_refused(tmp_path: Path, text: str) -> None:
    """The error quotes nothing of the file."""
    path = tmp_path / "hashes.txt"
    path.write_text(text)

    with pytest.raises(SettingError, match="not a sorted list of SHA-1 hashes") as refused:
        hash_list(str(path))

    assert not text or text[:6] not in str(refused.value)


@pytest.mark.parametrize("name", ["absent.txt", "."])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingError, match=r"cannot be read|does not exist"):
        hash_list(str(tmp_path / name))


def test_few_places_of_the_file_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real one has 40 GB: it is bisected, never loaded."""
    path = tmp_path / "hashes.txt"
    path.write_text(FORMS["as downloaded"])
    reads = []
    real = SortedHashes.has.__globals__["_line_from"]

    def counting(*given: object) -> bytes:
        reads.append(given)
        return bytes(real(*given))

    monkeypatch.setattr("app.infra.sorted_hashes._line_from", counting)

    SortedHashes(path).has(HASHES[77])

    assert len(reads) <= 20
