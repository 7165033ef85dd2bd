"""Faults of m.me links: what becomes of a ref, for ours and for bots of others."""

from typing import Final

from tests.fidelity.faults.rows import Row, bot, ours

_SITUATION: Final = "comes_by_link"
_BY_LINK: Final = "asked by the link; linked, version 1"
_BY_CODE: Final = "asked by the code; linked, version 1"
_BURNT: Final = "not asked; 200 Nothing was connected; not linked"


def _row(fault: str, does: str, program: str, hears: str, why: str) -> Row:
    foreign = bot(program, hears, "hears_of_a_link")
    return Row(fault=fault, ours=ours(does, _SITUATION), foreign=foreign, why=why)


ROWS: Final = (
    _row(
        "ref-lost",
        _BY_CODE,
        "bottender",
        "message 200, message 200",
        "nothing comes: the person types the code; a bot without one never learns of the link",
    ),
    _row(
        "ref-in-message",
        _BY_CODE,
        "bottender",
        "message 200, message 200",
        "the code is typed first, and its message has the ref too: one and the same invitation",
    ),
    _row(
        "ref-twice",
        _BY_LINK,
        "bootbot",
        "referral 200, referral 200",
        "ours asks once; bootbot does not detect duplicates",
    ),
    _row(
        "ref-late",
        _BY_CODE,
        "bottender",
        "referral (held back)",
        "the code is typed meanwhile; what comes an hour later finds nothing to claim",
    ),
    _row(
        "ref-user-ref",
        _BURNT,
        "bottender",
        "referral 200",
        "nobody is named, and the ref was seen: ours ends the invitation, and offers a new one",
    ),
    _row(
        "ref-standby",
        _BURNT,
        "bootbot",
        "referral 500",
        "another app has the chat and has seen the ref: ours ends the invitation; bootbot throws",
    ),
    _row(
        "no-source",
        _BY_LINK,
        "bottender",
        "referral 200",
        "neither relies on the source",
    ),
    _row(
        "page-unpublished",
        _BY_CODE,
        "bottender",
        "message 200, message 200",
        "as if it were lost: the person types the code, and `threadlink doctor` says why",
    ),
)
