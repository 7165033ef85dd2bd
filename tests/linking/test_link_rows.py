"""Rows of the table of links, against the model that the schema is made from."""

from dataclasses import fields

from sqlalchemy.orm import Session

from app.linking import link_rows
from app.linking.link_object import LinkObject
from app.linking.models import Link
from app.linking.values import LinkValue
from tests.installation import ANA, NOON, PAGE

# A value in each column, all different.
FULL = LinkValue(
    page_id=PAGE,
    psid=ANA,
    issuer="an issuer",
    subject="a subject",
    display_name="a display name",
    messenger_name="a Messenger name",
    state="linked",
    version=7,
    change=8,
    event_at=NOON,
    ended_by_us_at=NOON.replace(hour=9),
    cause="a cause",
    reference="a reference",
)


def test_a_value_has_the_columns_of_the_table() -> None:
    assert [column.name for column in Link.__table__.columns] == [
        field.name for field in fields(LinkValue)
    ]


def test_the_link_object_shows_only_what_a_value_has() -> None:
    assert {*LinkObject.__struct_fields__} <= {field.name for field in fields(LinkValue)}


def test_every_field_is_stored_and_read_again(session: Session) -> None:
    link_rows.add(
        session, LinkValue(page_id=PAGE, psid=ANA, state="", version=0, event_at=NOON, cause="")
    )

    link_rows.change(session, FULL)

    assert FULL == link_rows.find(session, PAGE, ANA) == link_rows.lock(session, PAGE, ANA)
