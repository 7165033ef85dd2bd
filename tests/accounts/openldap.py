"""A real OpenLDAP for the tests: Debian's slapd, a child with folder and ports of its own."""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from app.accounts.ldap_settings import LdapSettings

BASE: Final = "ou=people,dc=example,dc=com"
BIND_DN, BIND_PASSWORD = "cn=threadlink,dc=example,dc=com", "a searcher's password"
JANE: Final = "0f5ae1e0-5a1e-4e58-a0b9-3b9a61b7a001"
# The bytes 0 to 15, as base64, and as a GUID in Microsoft's byte order.
GUID_BYTES, GUID = "AAECAwQFBgcICQoLDA0ODw==", "03020100-0504-0706-0809-0a0b0c0d0e0f"

_CONFIG: Final = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID'
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.4203.666.1 NAME 'fromMicrosoft' AUXILIARY MAY objectGUID )
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
database mdb
maxsize 16777216
suffix "dc=example,dc=com"
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{bind_dn}" read by * none
"""
_ENTRIES: Final = f"""
dn: dc=example,dc=com
objectClass: domain
dc: example

dn: {BIND_DN}
objectClass: person
cn: threadlink
sn: -
userPassword: {BIND_PASSWORD}

dn: {BASE}
objectClass: organizationalUnit
ou: people

dn: uid=jane,{BASE}
objectClass: inetOrgPerson
objectClass: fromMicrosoft
entryUUID: {JANE}
objectGUID:: {GUID_BYTES}
uid: jane@example.com
cn: Jane Doe
sn: Doe
mail: jane.doe@example.org
userPassword: gravel teapot under nineteen

dn: uid=vic,{BASE}
objectClass: inetOrgPerson
uid: vic@example.com
cn: Vic
sn: Doe
userPassword: gravel teapot under nineteen

dn: uid=gone,{BASE}
objectClass: inetOrgPerson
uid: gone
cn: Gone
sn: Doe
userPassword: {{LOCKED}}gravel teapot under nineteen
"""


@dataclass(frozen=True)
class Directory:
    """A directory that knows jane and vic@example.com, and "gone", who has no password any more."""

    plain_url: str
    tls_url: str
    ca_file: str

    def settings(self, **changed: str | None) -> LdapSettings:
        right = LdapSettings(
            name="staff",
            url=self.plain_url,
            base=BASE,
            filter="(uid={username})",
            bind_dn=BIND_DN,
            bind_password=BIND_PASSWORD,
            subject="entryUUID",
            name_attribute=None,
            ca_file=None,
        )
        return replace(right, **changed)  # type: ignore[arg-type]  # tests give what fits


@contextmanager
def directory() -> Iterator[Directory]:
    """Yield a directory that answers until the block ends."""
    program, loader = (shutil.which(one, path="/usr/sbin:/usr/bin") for one in ("slapd", "slapadd"))
    if program is None or loader is None:
        pytest.skip("slapd is not installed, and the directory is a real one")
    with tempfile.TemporaryDirectory(prefix="threadlink-ldap-") as name:
        folder = Path(name)
        (folder / "data").mkdir()
        config = folder / "slapd.conf"
        config.write_text(_CONFIG.format(folder=folder, bind_dn=BIND_DN))
        _make_certificate(folder)
        _run(loader, "-q", "-f", str(config), stdin=_ENTRIES.lstrip())
        plain, secure = _free_ports()
        there = Directory(
            f"ldap://127.0.0.1:{plain}", f"ldaps://127.0.0.1:{secure}", f"{folder}/cert.pem"
        )
        process = subprocess.Popen(  # noqa: S603 - our own fixed program
            # -d: in the foreground, saying little.
            [program, "-d", "none", "-f", config, "-h", f"{there.plain_url} {there.tls_url}"],
            stderr=subprocess.DEVNULL,
        )
        try:
            while not (_is_listening(plain) and _is_listening(secure)):
                with suppress(subprocess.TimeoutExpired):
                    raise AssertionError(f"slapd ended: {process.wait(0.02)}")
            yield there
        finally:
            process.kill()
            process.wait()


def _make_certificate(folder: Path) -> None:
    _run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *(
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=directory",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ),
        *("-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"),
    )


def _run(*command: str, stdin: str = "") -> None:
    done = subprocess.run(  # noqa: S603 - our own fixed programs
        command, input=stdin, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stderr


def _is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _free_ports() -> tuple[int, int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return one.getsockname()[1], two.getsockname()[1]
