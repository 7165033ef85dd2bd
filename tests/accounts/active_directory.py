"""A real domain of Active Directory for the tests: Debian's Samba, on addresses of its own.

Its ports cannot be chosen, so that each running one has two addresses of the loopback network,
where the ports of domain controllers are free.
"""

import base64
import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.accounts.ldap_settings import LdapSettings

BASE: Final = "DC=example,DC=com"
PEOPLE: Final = f"OU=people,{BASE}"
PASSWORD: Final = "gravel teapot under nineteen"
SEARCHER, SEARCHER_PASSWORD = "threadlink", "a searcher's pässword"
# Names as they are typed; each has the password above.
JANE, UMLAUT, SIGNS = "jane", "jörg.müßig", "o'brien & söhne"
DISABLED, EXPIRED, MUST_CHANGE, LOCKED = "gone", "left", "fresh", "guessed"

_PROVISION: Final = Path(__file__).with_name("samba_provision.py")
# Ignored by git, and kept between runs.
_CACHE: Final = Path(__file__).parents[2] / "build/samba"
_LDAP, _LDAPS = 389, 636
_PATIENCE_S: Final = 120
_CONFIG: Final = """
[global]
server role = active directory domain controller
server services = ldap
netbios name = DC1
realm = EXAMPLE.COM
workgroup = EXAMPLE
interfaces = {named}/8 {unnamed}/8
bind interfaces only = yes
private dir = {folder}/private
state directory = {folder}/state
cache directory = {folder}/run
lock directory = {folder}/run
pid directory = {folder}/run
ncalrpc dir = {folder}/run/ncalrpc
winbindd socket directory = {folder}/run/winbindd
ntp signd socket directory = {folder}/run/ntp_signd
log file = {folder}/run/log
tls keyfile = {folder}/key.pem
tls certfile = {folder}/certificate.pem
tls cafile = {folder}/ca.pem
ldb:nosync = true
"""
# [MS-ADTS], 2.2.16: userAccountControl of a person, and of one who is disabled.
_PERSON, _IS_DISABLED = 0x200, 0x202
# In units of 100 ns since 1601.
_IN_2012: Final = 130_000_000_000_000_000
_POLICY: Final = f"""
dn: {BASE}
changetype: modify
replace: pwdProperties
pwdProperties: 0
-
replace: minPwdLength
minPwdLength: 1
-
replace: maxPwdAge
maxPwdAge: -9223372036854775808
-
replace: lockoutThreshold
lockoutThreshold: 3

dn: {PEOPLE}
changetype: add
objectClass: organizationalUnit
"""


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _person(account: str, cn: str, *, password: str = PASSWORD, **more: str | int) -> str:
    # RFC 4514, section 2.4: what would be syntax in a DN.
    escaped = "".join(f"\\{char}" if char in '",+<>;\\=#' else char for char in cn)
    unicode_password = base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()
    attributes = {"userAccountControl": _PERSON, **more}
    listed = "".join(f"{name}: {value}\n" for name, value in attributes.items())
    return f"""
dn:: {_encoded(f"CN={escaped},{PEOPLE}")}
changetype: add
objectClass: user
sAMAccountName:: {_encoded(account)}
userPrincipalName:: {_encoded(f"{account}@example.com".replace(" ", "-"))}
mail: {"jane.doe@example.org" if account == JANE else "someone@example.org"}
unicodePwd:: {unicode_password}
{listed}"""


_ENTRIES: Final = _POLICY + "".join(
    (
        _person(SEARCHER, "Threadlink", password=SEARCHER_PASSWORD),
        _person(JANE, 'Doe, Jane "JD" <jane>'),
        _person(UMLAUT, "Müßig + Jörg = #1"),
        _person(SIGNS, "O'Brien \\ Söhne / (*) ; 山田"),
        _person(DISABLED, "Gone", userAccountControl=_IS_DISABLED),
        _person(EXPIRED, "Left", accountExpires=_IN_2012),
        _person(MUST_CHANGE, "Fresh", pwdLastSet=0),
        _person(LOCKED, "Guessed"),
    )
)


@dataclass(frozen=True)
class Domain:
    """A domain controller that runs; its certificate names *named*, and not *unnamed*."""

    named: str
    unnamed: str
    folder: Path

    @property
    def ca_file(self) -> str:
        return f"{self.folder}/ca.pem"

    def settings(self, **changed: str | None) -> LdapSettings:
        """Return settings as docs/authenticators.md has them for Active Directory."""
        right = LdapSettings(
            name="staff",
            url=f"ldaps://{self.named}",
            base=BASE,
            filter="(&(objectCategory=person)(sAMAccountName={username}))",
            bind_dn=f"CN=Threadlink,{PEOPLE}",
            bind_password=SEARCHER_PASSWORD,
            subject="objectGUID",
            name_attribute=None,
            ca_file=self.ca_file,
        )
        return replace(right, **changed)  # type: ignore[arg-type]  # tests give what fits

    def guid_of(self, account: str) -> str:
        """Return the objectGUID of *account* as Samba prints it."""
        local = ("-H", f"{self.folder}/private/sam.ldb", f"--configfile={self.folder}/smb.conf")
        told = _run("samba-tool", "user", "show", account, "--attributes=objectGUID", *local)
        (line,) = (line for line in told.splitlines() if line.startswith("objectGUID: "))
        return line.removeprefix("objectGUID: ")


@contextmanager
def domain(*, is_expired: bool = False) -> Iterator[Domain]:
    """Yield a domain that answers until the block ends; *is_expired*: its certificate is."""
    program = shutil.which("samba", path="/usr/sbin:/usr/bin")
    if program is None or not Path("/usr/share/samba/setup").is_dir():
        pytest.skip("samba and samba-ad-provision are not installed, and the domain is a real one")
    with tempfile.TemporaryDirectory(prefix="threadlink-samba-") as name:
        there = Domain(*_free_addresses(), Path(name))
        shutil.copytree(_provisioned(), there.folder, dirs_exist_ok=True)
        (there.folder / "run").mkdir()
        config = there.folder / "smb.conf"
        config.write_text(_CONFIG.format(**vars(there)))
        _certify(there, is_expired=is_expired)
        with (
            (there.folder / "output").open("w+") as output,
            subprocess.Popen(  # noqa: S603 - our own fixed program
                [program, "--interactive", "--model=single", f"--configfile={config}"],
                stdin=subprocess.PIPE,  # It ends where that ends.
                stdout=output,
                stderr=output,
            ) as process,
        ):
            try:
                while not all(_is_listening(there.named, port) for port in (_LDAP, _LDAPS)):
                    with suppress(subprocess.TimeoutExpired):
                        code = process.wait(0.02)
                        output.seek(0)
                        raise AssertionError(f"samba ended, {code}: {output.read()}")
                yield there
            finally:
                process.kill()


def _provisioned() -> Path:
    """Return a domain that was never started. Making one takes seconds, so that it is kept."""
    version = _run("samba", "--version") + _PROVISION.read_text() + _ENTRIES
    folder = _CACHE / sha256(version.encode()).hexdigest()[:16]
    _CACHE.mkdir(parents=True, exist_ok=True)
    # The processes of a run wait for the first.
    with (_CACHE / "lock").open("w") as lock, tempfile.TemporaryDirectory(dir=_CACHE) as begun:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            # The Python that has Samba's modules: Debian's, and not that of the tests.
            python = _shebang(_which("samba-tool"))
            _run(python, "-B", str(_PROVISION), f"{begun}/made", stdin=_ENTRIES)
            Path(begun, "made").rename(folder)
    return folder


def _certify(there: Domain, *, is_expired: bool) -> None:
    """Write the domain's own CA, and a certificate of it."""
    now = datetime.now(UTC)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name.from_rfc4514_string("CN=The domain's CA")
    common = x509.CertificateBuilder(issuer_name=ca_name).not_valid_before(now - timedelta(days=2))
    ca = (
        common.subject_name(ca_name)
        .public_key(ca_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    certificate = (
        common.subject_name(x509.Name.from_rfc4514_string("CN=dc1"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_after(now + timedelta(days=-1 if is_expired else 1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(there.named))]), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    Path(there.ca_file).write_bytes(ca.public_bytes(pem))
    (there.folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    key_file = there.folder / "key.pem"
    key_file.touch(0o600)
    key_file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _free_addresses() -> tuple[str, str]:
    second, third = 64 + secrets.randbelow(128), secrets.randbelow(256)
    addresses = f"127.{second}.{third}.1", f"127.{second}.{third}.2"
    try:
        for address in addresses:
            socket.create_server((address, _LDAP)).close()
    except PermissionError:
        pytest.skip("only root may open the ports of a domain controller, and it has no others")
    return addresses


def _is_listening(address: str, port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((address, port)) == 0


def _which(program: str) -> str:
    found = shutil.which(program, path=f"/usr/sbin:/usr/bin:{os.environ['PATH']}")
    assert found, program
    return found


def _shebang(program: str) -> str:
    return Path(program).read_text(encoding="utf-8").partition("\n")[0].removeprefix("#!").strip()


def _run(program: str, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(  # noqa: S603 - our own fixed programs
        [_which(program), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE_S,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout
