"""Directories that accept connections and never answer: they block nobody else."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore

import pytest

from app.accounts.authenticators import AuthenticatorUnavailable
from app.accounts.ldap import LdapAuthenticator
from app.accounts.upstream import MOST_CONCURRENT
from tests.accounts.ldap_stub import BIND, JANE, StubDirectory, directing, message, result

NAME, PASSWORD = "jane@example.com", "canary gravel teapot"


@pytest.fixture
def there() -> Iterator[StubDirectory]:
    with directing() as there:
        yield there


def test_a_directory_that_hangs_leaves_slots_to_others(there: StubDirectory) -> None:
    """It occupies half the slots at most; a further sign-in is refused at once."""
    asked, release = Semaphore(0), Event()

    def hangs(number: int) -> Iterator[bytes]:
        asked.release()
        release.wait()
        yield message(number, result(0x61, 0))

    there.instead[BIND] = hangs
    authenticator = LdapAuthenticator(there.settings(), total_s=60)
    verify = authenticator.verify
    with ThreadPoolExecutor(MOST_CONCURRENT) as pool:
        waiting = [pool.submit(verify, NAME, PASSWORD) for _ in range(MOST_CONCURRENT)]
        for _ in waiting:
            asked.acquire()
        try:
            with pytest.raises(AuthenticatorUnavailable, match="too many"):
                verify(NAME, PASSWORD)
        finally:
            # The pool waits for its threads, also after a failed assertion.
            release.set()
        assert {JANE} == {sign_in.result().subject for sign_in in waiting}
    assert JANE == verify(NAME, PASSWORD).subject
