"""A check of the count of proxies: that the server believes no address that a client makes up."""

import secrets
from collections.abc import Callable, Sequence
from typing import Final

from app.infra.network.installation_proof import CLIENT_HEADER, is_proof_of_client, new_nonce
from app.setup.findings import Finding, ok, problem
from app.setup.http_get import Answer

# As many as TRUSTED_PROXIES may be.
_MOST: Final = 9
Ask = Callable[[str, dict[str, str]], Answer]


def check_count(
    ask: Ask, *, public_url: str, secret_keys: Sequence[str], trusted_proxies: int
) -> Finding:
    """Report whether a client can choose the address that it is counted by.

    *ask* sends a nonce and headers to the webhook, as `public_checks` does.
    """
    subject, nonce = "count of proxies", new_nonce()
    # For documentation (RFC 5737): nobody has it.
    made_up = f"192.0.2.{1 + secrets.randbelow(254)}"
    answer = ask(
        nonce,
        {
            "X-Forwarded-For": ", ".join([made_up] * _MOST),
            "X-Forwarded-Proto": ", ".join(["https"] * _MOST),
            "Forwarded": ", ".join([f"for={made_up};proto=https"] * _MOST),
        },
    )
    seen = answer.headers.get(CLIENT_HEADER, "")
    if is_proof_of_client(
        seen, nonce, secret_keys=secret_keys, public_url=public_url, address=made_up
    ):
        return problem(
            subject,
            "the server believes an address that a client makes up, so that no rate limit by "
            f"address holds: TRUSTED_PROXIES is {trusted_proxies}, which is too high, or a proxy "
            "passes on what the client says",
            "TRUSTED_PROXIES must be the number of proxies that add to the header; nginx: "
            "proxy_set_header X-Forwarded-For $remote_addr; docs/deploying.md, section 4",
        )
    return ok(subject, "no address that a client makes up is believed")
