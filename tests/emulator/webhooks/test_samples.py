"""Deliveries of the emulator against `tests/samples`: what Meta was seen or documented to send."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.emulator.faults.switches import FaultSwitches
from app.emulator.state import Thread
from app.emulator.webhooks import events, signing
from app.emulator.webhooks.events import Event
from app.emulator.webhooks.payloads import TimedEvent, pack

SAMPLES = Path(__file__).parents[2] / "samples"
SECRET = "60efff025951cddde78c8d03de52cc90"
HAPPENED_AT = datetime.fromtimestamp(1475942721.741, UTC)
SENT_AT = datetime.fromtimestamp(1475942721.780, UTC)
BEN = Thread(page_id="1717527131834678", psid="1256217357730577", person="Ben")


@pytest.mark.parametrize(
    ("sample", "event"),
    [
        ("linked", events.linked(BEN, "PASS_THROUGH")),
        ("unlinked", events.unlinked(BEN)),
        ("linked-escaped", events.linked(BEN, "a/b@c%d<eäöå😀")),
    ],
    ids=["linked", "unlinked", "with every escape"],
)
def test_a_delivery_is_the_sample_byte_for_byte(sample: str, event: Event) -> None:
    delivery = pack(
        (TimedEvent(event, HAPPENED_AT),), app_secret=SECRET, faults=FaultSwitches(), at=SENT_AT
    )

    assert (SAMPLES / "webhook" / f"{sample}.json").read_bytes() == delivery.body


@pytest.mark.parametrize(
    ("fault", "place"),
    [("in-standby", "standby"), ("mixed-changes", "changes")],
    ids=["standby", "a page feed"],
)
def test_an_entry_without_messaging_has_the_shape_of_its_sample(fault: str, place: str) -> None:
    faults = FaultSwitches()
    faults.turn_on(fault)

    delivery = pack(
        (TimedEvent(events.linked(BEN, "x"), HAPPENED_AT),),
        app_secret=SECRET,
        faults=faults,
        at=SENT_AT,
    )

    sample = json.loads((SAMPLES / "webhook" / f"{place}.json").read_bytes())["entry"][0]
    entry = json.loads(delivery.body)["entry"][0]
    assert set(sample) == set(entry)
    assert set(sample[place][0]) == set(entry[place][0])


def test_signatures_are_those_of_the_samples() -> None:
    signatures = json.loads((SAMPLES / "webhook" / "signatures.json").read_text(encoding="utf-8"))

    for name in ("message.json", "linked-escaped.json"):
        body = (SAMPLES / "webhook" / name).read_bytes()
        headers = signing.signed_headers(body, SECRET)
        assert headers["X-Hub-Signature-256"].removeprefix("sha256=") in json.dumps(signatures)
