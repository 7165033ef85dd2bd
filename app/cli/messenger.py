import click

from app.cli.audit import audited
from app.cli.context import ServiceGroup, services
from app.cli.options import one_page, page_option, typed_secret
from app.infra.observability.logs import printable
from app.messenger.display_names import clean_name
from app.messenger.errors import LinkingTokenRefused
from app.messenger.graph.client import LEGACY_VERSION, GraphClient
from app.messenger.types import PageId, Psid
from app.setup.plan import GET_STARTED_PAYLOAD

group = ServiceGroup("messenger", help="Call Messenger's API by hand.")

legacy_option = click.option(
    "--legacy", is_flag=True, help="Use thread_settings (2016) instead of messenger_profile."
)
version_option = click.option(
    "--graph-version",
    default=LEGACY_VERSION,
    show_default=True,
    help="With --legacy: a version that still has thread_settings.",
)


@group.command()
@click.argument("url", required=False)
@page_option
@legacy_option
@version_option
@audited
def set_url(url: str | None, page: PageId | None, graph_version: str, *, legacy: bool) -> None:
    """Set the account linking URL of a Page.

    Messenger then shows Log In in the details of each conversation. Without URL it leads to this
    server.

    Example: threadlink messenger set-url
    """
    page_id = one_page(page)
    target = url or services().linking_url(page_id)
    if legacy:
        _graph(page_id).set_linking_url_legacy(target, version=graph_version)
    else:
        _graph(page_id).set_linking_url(target)
    click.echo(f"Page {page_id}: Log In leads to {target}")


@group.command()
@page_option
def get_url(page: PageId | None) -> None:
    """Show the account linking URL of a Page.

    Example: threadlink messenger get-url
    """
    page_id = one_page(page)
    url = _graph(page_id).linking_url()
    click.echo(printable(url) if url else "Not set. Next: threadlink messenger set-url")


@group.command()
@page_option
@legacy_option
@version_option
@audited
def clear_url(page: PageId | None, graph_version: str, *, legacy: bool) -> None:
    """Remove the account linking URL of a Page.

    Messenger then no longer shows Log In in the details of a conversation. Links stay.

    Example: threadlink messenger clear-url
    """
    page_id = one_page(page)
    if legacy:
        _graph(page_id).clear_linking_url_legacy(version=graph_version)
    else:
        _graph(page_id).clear_linking_url()
    click.echo(f"Page {page_id}: Log In is no longer shown in the conversation's details.")


@group.command()
@click.argument("payload", required=False, default=GET_STARTED_PAYLOAD)
@page_option
@audited
def set_get_started(payload: str, page: PageId | None) -> None:
    """Give a Page the button Get Started.

    A tap on it sends PAYLOAD to the webhook. People who are new to the chat see it: an m.me link
    that leads them there tells its ref with it and in no other way. Replaces the payload of a
    button that is there: your bot may wait for that.

    Example: threadlink messenger set-get-started
    """
    page_id = one_page(page)
    _graph(page_id).set_get_started(payload)
    click.echo(f"Page {page_id}: people who are new to the chat see Get Started.")


@group.command()
@page_option
@audited
def clear_get_started(page: PageId | None) -> None:
    """Remove the button Get Started of a Page.

    Meta refuses it while the Page has a persistent menu.

    Example: threadlink messenger clear-get-started
    """
    page_id = one_page(page)
    _graph(page_id).clear_get_started()
    click.echo(f"Page {page_id}: Get Started is no longer shown.")


@group.command()
@click.argument("given", nargs=-1, metavar="")
@page_option
def psid(given: tuple[str, ...], page: PageId | None) -> None:
    """Show the PSID that an account_linking_token belongs to.

    Asks for the token at a terminal; otherwise reads it from standard input. As an argument it
    would stand in the list of processes and in the shell's history. It is valid for five minutes.

    Example: threadlink messenger psid
    """
    if given:
        raise click.UsageError("the token is no argument, which others can see: type it when asked")
    account_linking_token = typed_secret("account_linking_token")
    try:
        click.echo(_graph(one_page(page)).recipient_for(account_linking_token))
    except LinkingTokenRefused as exc:
        raise click.ClickException(
            f"the token is unknown to Graph, or older than five minutes: {exc}"
        ) from exc


@group.command()
@click.argument("psid")
@page_option
def profile(psid: str, page: PageId | None) -> None:
    """Show the Messenger name of PSID.

    Example: threadlink messenger profile 1256217357730577
    """
    name = _graph(one_page(page)).profile(Psid(psid)).name
    click.echo(
        clean_name(name or "") or "Messenger does not show the name, or does not know this person."
    )


@group.command()
@click.argument("psid")
@page_option
@audited
def unlink(psid: str, page: PageId | None) -> None:
    """Tell Messenger that PSID is not linked.

    The link in Threadlink stays; to end it as well: threadlink links unlink.

    Example: threadlink messenger unlink 1256217357730577
    """
    _graph(one_page(page)).unlink(Psid(psid))
    click.echo(f"Messenger shows Log In to {psid} again.")


@group.command()
@click.argument("psid")
@click.option(
    "--kind",
    type=click.Choice(["login", "logout"]),
    default="login",
    show_default=True,
    help="The button.",
)
@click.option("--text", default="Connect your account.", show_default=True, help="The message.")
@page_option
@audited
def send_button(psid: str, kind: str, text: str, page: PageId | None) -> None:
    """Send PSID a Log In or Log Out button.

    Example: threadlink messenger send-button 1256217357730577 --text "See your orders"
    """
    page_id = one_page(page)
    if kind == "login":
        url = services().linking_url(page_id)
        message_id = _graph(page_id).send_login_button(Psid(psid), text=text, url=url)
    else:
        message_id = _graph(page_id).send_logout_button(Psid(psid), text=text)
    click.echo(f"Sent: {message_id}")


def _graph(page_id: PageId) -> GraphClient:
    return services().graph[page_id]
