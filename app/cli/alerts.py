from datetime import datetime

import click

from app.alerts.bodies import FOUND, OVER, AlertType
from app.alerts.fault import Fault, FaultKey
from app.cli.context import ServiceGroup, services
from app.infra import clock
from app.infra.observability.logs import printable
from app.outbox.handlers import RetryLater
from app.outbox.http_post import HttpPoster
from app.outbox.operator_webhook import headers_of
from app.services.container import Services
from app.services.fault_watch import form_of

group = ServiceGroup("alerts", help="Try the alerts that go to your own address.")

TEST = Fault(FaultKey("test"), "This is a test: nothing is wrong.", "nothing to fix")


@group.command()
def test() -> None:
    """Send an alert for a try to OPERATOR_WEBHOOK_URL.

    A fault of the cause "test", and that it is over: at once, past the outbox, and in the form that
    OPERATOR_WEBHOOK_FORMAT says.

    Example: threadlink alerts test
    """
    built = services()
    url = built.settings.alerts.webhook_url
    if url is None:
        raise click.ClickException("OPERATOR_WEBHOOK_URL is not set: there are no alerts")
    poster = HttpPoster(url, connections=1, egress=built.settings.egress)
    kinds: tuple[AlertType, ...] = (FOUND, OVER)
    for kind in kinds:
        _post(built, poster, kind, clock.now())
    click.echo(f"Sent and taken: {FOUND} and {OVER}. Are both where you read them?")


def _post(built: Services, poster: HttpPoster, kind: AlertType, at: datetime) -> None:
    body = form_of(built).body(kind, TEST, at=at)
    headers = headers_of(body, built.settings.alerts.webhook_secrets, made_at=at, at=at)
    try:
        poster.post(body, headers)
    except RetryLater as exc:
        raise click.ClickException(
            f"OPERATOR_WEBHOOK_URL did not take it: {printable(str(exc))}"
        ) from None
