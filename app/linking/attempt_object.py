"""The attempt as programs see it: in the API, and with ``--json``."""

from typing import Annotated

from msgspec import Meta, Struct

from app.linking.attempt_events import Kind
from app.linking.link_object import Moment
from app.linking.models import AttemptEvent
from app.linking.timeline import Timeline


class EventObject(Struct, frozen=True, kw_only=True):
    """A page sent or an obstacle. `subject` is an authenticator, a call, a limit or a page.

    `code` and `subcode` are those of Graph or of a directory, 0 where there are none.
    """

    kind: Annotated[
        str,
        Meta(
            description="The kind of event: `page_shown`, `rate_limited` and others.",
            examples=["rate_limited"],
        ),
    ]
    subject: Annotated[
        str,
        Meta(
            description="The page, limit, authenticator or call to Messenger that it is about; may "
            "be empty.",
            examples=["pair"],
        ),
    ]
    code: Annotated[
        int,
        Meta(
            description="The error code of Messenger’s Graph API or of a directory; 0 if there is "
            "none.",
            examples=[0],
        ),
    ]
    subcode: Annotated[
        int,
        Meta(description="The subcode that came with `code`; 0 if none did.", examples=[0]),
    ]
    detail: Annotated[
        str,
        Meta(
            description="More, in Threadlink’s own words; may be empty. Never what a person typed.",
            examples=[""],
        ),
    ]
    first_at: Annotated[
        Moment,
        Meta(description="When it happened first.", examples=["2026-11-20T09:59:12Z"]),
    ]
    last_at: Annotated[
        Moment,
        Meta(description="When it happened last.", examples=["2026-11-20T09:59:12Z"]),
    ]
    times: Annotated[int, Meta(description="How often it happened.", examples=[1])]
    until_at: Annotated[
        Moment | None,
        Meta(
            description="When a limit is over; null if it is no limit.",
            examples=["2026-11-20T10:03:02Z"],
        ),
    ]


class OwedObject(Struct, frozen=True, kw_only=True):
    """Work that is left after the attempt; a notice stays for an hour after it was sent."""

    kind: Annotated[
        str,
        Meta(
            description="What is to be done: `notice` (tell the bot) or `graph_unlink` (tell "
            "Messenger).",
            examples=["notice"],
        ),
    ]
    state: Annotated[
        str,
        Meta(
            description="`waiting`, `done`, or `dead`: it is tried no more.",
            examples=["waiting"],
        ),
    ]
    since: Annotated[
        Moment,
        Meta(description="When it was first due.", examples=["2026-11-20T10:00:01Z"]),
    ]
    tries: Annotated[int, Meta(description="How often it was tried.", examples=[2])]
    failure: Annotated[
        str | None,
        Meta(description="Why the last try failed; null if none did.", examples=["HTTP 500"]),
    ]
    sentence: Annotated[
        str,
        Meta(
            description="The same as a sentence to read.",
            examples=[
                "The bot has not got its notice yet; tries: 2, last failure: HTTP 500.",
            ],
        ),
    ]


class AttemptObject(Struct, frozen=True, kw_only=True):
    """An attempt to connect, with the one cause why it stands where it stands.

    `state` is `none` for a request that never became an attempt.
    """

    reference: Annotated[
        str,
        Meta(
            description="The reference that the person saw, in its one spelling.",
            examples=["q3m9-7d2k"],
        ),
    ]
    page_id: Annotated[
        str | None,
        Meta(
            description="The Facebook Page, by its id at Meta; null if the link named none.",
            examples=["1717527131834678"],
        ),
    ]
    authenticator: Annotated[
        str | None,
        Meta(
            description="The authenticator with which the person signed in, or else tried last; "
            "null if they tried none.",
            examples=["local"],
        ),
    ]
    state: Annotated[
        str,
        Meta(
            description="`open`, `signed_in`, `confirmed`, `linked`, `cancelled`, `refused`, "
            "`expired` or `none`.",
            examples=["expired"],
        ),
    ]
    stage: Annotated[
        str,
        Meta(
            description="The furthest point that was reached: `none`, `opened`, `signed_in`, "
            "`confirmed` or `linked`.",
            examples=["opened"],
        ),
    ]
    cause: Annotated[
        str,
        Meta(
            description="The one reason why it stands where it stands; “Answering customers” in "
            "the documentation lists them.",
            examples=["rate_limited"],
        ),
    ]
    fixed_by: Annotated[
        str,
        Meta(
            description="Who can do something: `nobody`, `person`, `wait` (it passes), `support` "
            "or `operator`.",
            examples=["wait"],
        ),
    ]
    sentence: Annotated[
        str,
        Meta(
            description="The cause as a sentence to read.",
            examples=[
                (
                    "There were too many tries with this name from this network; more are refused "
                    "until 10:03:02 UTC."
                )
            ],
        ),
    ]
    fix: Annotated[
        str,
        Meta(
            description="What to do, for whom `fixed_by` names; empty if nothing.",
            examples=[
                (
                    "Wait until 10:03:02 UTC. If people are refused who tried nothing: "
                    "TRUSTED_PROXIES, in docs/deploying.md"
                )
            ],
        ),
    ]
    opened_at: Annotated[
        Moment,
        Meta(
            description="When the person opened the link.",
            examples=["2026-11-20T09:58:02Z"],
        ),
    ]
    ended_at: Annotated[
        Moment | None,
        Meta(description="When the attempt ended; null if it has not.", examples=[None]),
    ]
    events: Annotated[
        list[EventObject],
        Meta(description="What happened on the way, oldest first."),
    ]
    owed: Annotated[
        list[OwedObject],
        Meta(description="Work that is still to be done, or was done within the last hour."),
    ]


def object_of(timeline: Timeline, *, tells_credentials: bool) -> AttemptObject:
    """Return *timeline* as programs see it.

    Without *tells_credentials* it does not say which part of a wrong credential was wrong: whether
    an account exists is for those alone who look after accounts.
    """
    told = timeline.conclusion
    return AttemptObject(
        reference=timeline.reference,
        page_id=timeline.page_id,
        authenticator=timeline.authenticator,
        state=timeline.state,
        stage=told.stage.value,
        cause=told.cause.slug,
        fixed_by=told.cause.fixed_by.value,
        sentence=told.sentence,
        fix=told.fix,
        opened_at=timeline.opened_at,
        ended_at=timeline.ended_at,
        events=[_event(one, tells_all=tells_credentials) for one in timeline.events],
        owed=[
            OwedObject(
                kind=one.kind,
                state=one.state,
                since=one.since,
                tries=one.tries,
                failure=one.failure,
                sentence=one.sentence,
            )
            for one in timeline.owed
        ],
    )


def _event(event: AttemptEvent, *, tells_all: bool) -> EventObject:
    is_told = tells_all or event.kind != Kind.CREDENTIALS_WRONG
    return EventObject(
        kind=event.kind,
        subject=event.subject,
        code=event.code if is_told else 0,
        subcode=event.subcode if is_told else 0,
        detail=event.detail if is_told else "",
        first_at=event.first_at,
        last_at=event.last_at,
        times=event.times,
        until_at=event.until_at,
    )
