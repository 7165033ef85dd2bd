"""The story of an invitation, as whoever is asked for help reads it."""

import json
from pathlib import Path

from app.infra import clock
from app.linking.invitation_models import Invitation
from app.services.container import Services
from tests.cli.terminal import Operator
from tests.linking.invitation_factories import USER, accepted, claims, invited


def test_a_story_tells_each_step_the_cause_and_the_fix(
    operator: Operator, services: Services
) -> None:
    reference = services.write(accepted, at=clock.now()).status.reference

    for command in ("invitations", "attempts"):
        told = operator.types(command, "show", reference.upper()).output
        assert f"Invitation {reference}" in told
        for step in ("invited as j•••@example.com", "existing chat", "question sent", "agreed"):
            assert step in told
        assert "Fix (nobody)" in told


def test_a_story_for_programs_has_the_same_facts_and_no_secret(
    operator: Operator, services: Services
) -> None:
    """`attempts show` takes references of both roads, and with --json answers a program."""
    created = services.write(invited, resume="order 1042", at=clock.now())
    reference = created.status.reference

    told = [
        operator.types(command, "show", "--json", reference).output
        for command in ("attempts", "invitations")
    ]

    assert told[0] == told[1]
    story = json.loads(told[0])
    assert (reference, "open", "invitation_running") == (
        story["reference"],
        story["state"],
        story["cause"],
    )
    assert "invited as j•••@example.com" in story["steps"][0]["words"]
    secrets = (created.secrets.ref, created.secrets.shown_code, "1042")
    assert not [secret for secret in secrets if secret in told[0]]


def test_an_invitation_that_nobody_claimed_names_what_to_check(
    operator: Operator, services: Services
) -> None:
    created = services.write(invited)

    told = operator.types("invitations", "show", created.status.reference).output

    assert "No chat brought its link or its code." in told
    assert "doctor" in told
    assert created.secrets.ref not in told


def test_a_story_never_shows_resume(operator: Operator, services: Services) -> None:
    created = services.write(invited, resume="order 1042", at=clock.now())

    assert "1042" not in operator.types("invitations", "show", created.status.reference).output


def test_the_list_has_a_line_for_each(operator: Operator, services: Services) -> None:
    created = services.write(invited, at=clock.now())
    services.write(claims, created, event_at=clock.now())

    told = operator.types("invitations", "list", "--state", "claimed").output
    other = operator.types(
        "invitations", "list", "--issuer", USER.issuer, "--subject", "nobody"
    ).output

    assert created.status.reference in told
    assert "There are no such invitations." in other


def test_a_key_that_may_invite_names_whose_users(operator: Operator) -> None:
    """And no other key does."""
    missing = operator.types("keys", "create", "site", "--scope", "links:invite")
    needless = operator.types("keys", "create", "bot", "--issuer", "local")
    made = operator.types("keys", "create", "site", "--scope", "links:invite", "--issuer", "local")

    assert "needs --issuer" in missing.output
    assert "--issuer is for keys" in needless.output
    assert made.stdout.startswith("tlk_")
    assert "users of local" in operator.types("keys", "list").output


def test_an_export_and_an_erasure_know_invitations(
    operator: Operator, services: Services, tmp_path: Path
) -> None:
    """R112: what is kept of a user is told, and goes."""
    created = services.write(accepted, at=clock.now())
    user = ("--issuer", USER.issuer, "--subject", USER.subject)

    file = tmp_path / "jane.json"
    operator.types("users", "export", *user, str(file))
    exported = json.loads(file.read_text(encoding="utf-8"))
    operator.types("users", "forget", *user, "--yes")

    assert [created.status.reference] == [one["reference"] for one in exported["invitations"]]
    assert "ref_hash" not in str(exported)
    left = services.read(lambda session: session.get(Invitation, created.status.id))
    assert left is None
