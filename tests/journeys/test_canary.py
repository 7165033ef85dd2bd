"""No secret is found where it must not be: log, database, error pages, figures (R29, R110)."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import responses
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import URL, inspect, text

from app.api_keys import service as keys
from app.cli.listening import listening
from app.cli.serving import serving
from app.infra import clock
from app.privacy.erasure import TOMBSTONE_KEPT
from app.privacy.handler import finish_due
from app.services.container import Services, build
from tests.accounts.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, providing
from tests.actors import (
    Graph,
    LogIn,
    Messenger,
    Person,
    digits_in,
    linked,
    log_in,
    message,
    unlinked,
)
from tests.browsers import Answer, OverSockets
from tests.installation import (
    ANA,
    BEN,
    ENVIRONMENT,
    PAGE,
    PASSWORD,
    USERNAME,
    add_jane,
    settings_for,
)
from tests.privacy.factories import asked, signed_request

SECRETS = ("SECRET_KEY", "APP_SECRET", "VERIFY_TOKEN", "PAGE_ACCESS_TOKEN")
METRICS_TOKEN = "canary-metrics-token"
WRONG = "canary-wrong-password"
FACE = "hash=canary-picture"
# What anybody may send: in no line of the log, and no row of what is recorded of attempts.
TYPED = "canary-typed-name"
HEADERS = {
    "User-Agent": "canary-user-agent",
    "Referer": "https://canary-referer.example",
    "Accept-Language": "canary-language",
    "traceparent": "canary-traceparent",
    "X-Request-Id": "canary-request-id",
}
# What the bot gives with buttons: the notices alone have it, and pages of nobody.
RESUMED = ("canary-resume of the API", "canary-resume-of-a-button")
SENT = (TYPED, *HEADERS.values(), "canary-query", "canary-error", "canary-field")


class Watched(OverSockets):
    """A browser that keeps every answer it was given."""

    def __init__(self, origin: str) -> None:
        super().__init__(origin, HEADERS)
        self.answers: list[Answer] = []

    def __call__(self, method: str, address: str, **sent: object) -> Answer:
        answer = super().__call__(method, address, **sent)  # type: ignore[arg-type]  # what it takes
        self.answers.append(answer)
        return answer


class Run:
    """One server on a socket, those who use it, and what must stay secret."""

    def __init__(self, services: Services, graph: Graph, provider: Provider) -> None:
        self.services, self.graph, self.provider = services, graph, provider
        self.opened = ExitStack()
        self.secrets = {name: ENVIRONMENT[name] for name in SECRETS}
        self.secrets |= {"password": PASSWORD, "wrong password": WRONG, "metrics": METRICS_TOKEN}
        self.secrets["client secret"] = CLIENT_SECRET
        self.answers: list[Answer] = []
        self.form_tokens: set[str] = set()

    def links(self, psid: str, name: str) -> str:
        """Connect *psid*, who is called *name*; return the code."""
        login, person = self._arrived(psid)
        self.graph.knows(login, psid, name)
        person.signs_in()
        person.opens(person.sees.form("Connect").action)
        person.presses("Connect", code=digits_in(json.loads(self.graph.messages[-1])))
        return person.sees.location.rpartition("=")[2]

    def asks_to_be_erased(self, user_id: str) -> dict[str, str]:
        """Post what Meta posts; return the answer."""
        body = urlencode({"signed_request": signed_request(asked(user_id=user_id))}).encode()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer: dict[str, str] = json.loads(
            self._browser()("POST", "/privacy/data-deletion", body=body, headers=form).text
        )
        return answer

    def sees_the_end(self, url: str) -> Answer:
        """Return the page of a deletion as it is once the server's worker has done it."""
        path = url.removeprefix(self.services.settings.public_url)
        while "working on it" in (answer := self._browser()("GET", path)).text:
            pass
        return answer

    def browser(self) -> Watched:
        return self._browser()

    def everything(self) -> None:
        """Walk every way there is, the wrong ones too."""
        code = self._linked()
        messenger = Messenger(self._browser())
        messenger.tells(linked(ANA, code, clock.now()))
        messenger.tells(linked(ANA, code, clock.now()))
        messenger.tells(linked(BEN, code, clock.now()))
        messenger.tells(unlinked(ANA, clock.now()))
        Messenger(self._browser(), "canary-wrong-app-secret").tells(linked(ANA, code, clock.now()))
        messenger.posts(b"\xff" + code.encode())
        messenger.shakes_hands()
        messenger.shakes_hands(verify_token="canary-wrong-verify-token")
        self._goes_astray()
        self._signs_in_at_the_provider()
        self._asks_the_api()
        browser = self._browser()
        browser("GET", "/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
        self._collect()

    def _collect(self) -> None:
        """Add what the answers gave to the browsers alone: secrets of attempts, and form tokens."""
        for number, answer in enumerate(self.answers):
            if match := re.match(r"attempt-[^=]+=([^;]+)", answer.headers.get("set-cookie", "")):
                _, (secret, _) = URLSafeTimedSerializer("another key").loads_unsafe(match[1])
                # One that is cut down has none.
                self.secrets |= {f"attempt {number}": secret} if secret else {}
            self.form_tokens |= set(re.findall(r'name="form_token" value="([^"]+)"', answer.text))

    def _linked(self) -> str:
        login, person = self._arrived(ANA)
        person.signs_in(TYPED, WRONG)
        person.presses("Log in", username="x", password="y", form_token="canary-field")
        person.opens(person.sees.form("Back to Messenger").action.removesuffix("/cancel"))
        person.signs_in(password=WRONG)
        person.signs_in()
        action = person.sees.form("Connect").action
        person.opens(action.replace("/confirm", "/picture"))
        person.opens(action)
        body = json.loads(self.graph.messages[-1])
        digits = digits_in(body)
        self.secrets["digits"] = digits
        person.presses("Connect", code=digits)
        code = person.sees.location.rpartition("=")[2]
        self.secrets[f"code of {login.account_linking_token[-4:]}"] = code
        return code

    def _goes_astray(self) -> None:
        _, cancelling = self._arrived(BEN)
        cancelling.presses("Back to Messenger")
        self.graph.is_down = True
        _, waiting = self._arrived(BEN)
        waiting.signs_in()
        self.graph.is_down = False
        login, late = self._arrived(BEN)
        self.graph.forgets(login)
        late.signs_in()
        late.opens(f"{login.address()}&account_linking_token=canary-second-token")
        late.opens(login.address(client_id="999"))
        late.opens(f"/authorize?redirect_uri={login.redirect_uri}&account_linking_token=x")
        late.opens(f"/nothing?{login.address()}")
        late.opens(
            "/authorize?redirect_uri=https://elsewhere.example/canary-query&account_linking_token=x"
        )
        late.opens(login.address(client_id="canary-query"))
        late.opens("/authorize/oidc/stub/callback?state=canary-query&error=canary-error")
        stranger = Person(self._browser())
        stranger.opens("/authorize/canary-query?canary-query=canary-query")

    def _signs_in_at_the_provider(self) -> None:
        self.provider.access_token = "canary-access-token"
        # No name in the ID Token: the other token is used, too.
        self.provider.claims = {"email": None}
        self._comes_back_from_it()
        self.provider.claims = {"nonce": "another"}
        self._comes_back_from_it()
        for number, handed_out in enumerate(self.provider.tokens):
            # Of an ID Token what it says and what proves it, wherever they may be apart.
            self.secrets |= {
                f"{name} {number} {part[:4]}": part
                for name, token in handed_out.items()
                if name != "token_type"
                for part in token.split(".")[-2:]
            }
        assert "/userinfo" in self.provider.asked

    def _comes_back_from_it(self) -> None:
        _, person = self._arrived(BEN)
        departed = person.presses("Continue with Stub").location
        sent = {name: values[0] for name, values in parse_qs(urlsplit(departed).query).items()}
        back = {**self.provider.sends_back(departed), "code": "canary-code-of-the-provider"}
        # Twice: the second time is refused.
        for _ in range(2):
            person.opens(f"/authorize/oidc/stub/callback?{urlencode(back)}")
        verifier = self.provider.exchanged[-1]["code_verifier"]
        once = {"state": sent["state"], "nonce": sent["nonce"], "verifier": verifier}
        number = len(self.provider.exchanged)
        self.secrets |= {f"{name} {number}": text for name, text in once.items()}
        self.secrets |= {"code of the provider": back["code"]}

    def _asks_the_api(self) -> None:
        at, scopes = clock.now(), ("links:read",)
        new = {"scopes": scopes, "page_id": None, "expires_at": None, "at": at}
        key = self.services.write(keys.issue, "bot", **new)  # type: ignore[arg-type]  # as named
        self.secrets["key"] = key
        browser, path = self._browser(), f"/api/v1/links/{PAGE}/{ANA}"
        for bearer in (key, f"{key}x", key.swapcase()):
            browser("GET", path, headers={"Authorization": f"Bearer {bearer}"})
        browser("GET", f"{path}?access_token={key}")
        sender = self.services.write(keys.issue, "sender", **{**new, "scopes": ("messages:send",)})  # type: ignore[arg-type]  # as named
        self.secrets["sender's key"] = sender
        button = {"kind": "login", "psid": BEN, "resume": RESUMED[0]}
        sent = {"Authorization": f"Bearer {sender}", "Content-Type": "application/json"}
        to = f"/api/v1/pages/{PAGE}/buttons"
        for body in (button, {**button, "kind": "logout"}):
            browser("POST", to, body=json.dumps(body).encode(), headers=sent)

    def _arrived(self, psid: str) -> tuple[LogIn, Person]:
        login = log_in()
        self.graph.knows(login, psid)
        self.graph.pictures[psid] = f"https://canary-pictures.example/?psid={psid}&{FACE}"
        browser = self._browser()
        person = Person(browser)
        person.opens(login.address(state=RESUMED[1]))
        person.follows()
        self.secrets[f"token {login.account_linking_token[-4:]}"] = login.account_linking_token
        return login, person

    def _browser(self) -> Watched:
        browser = Watched(self.services.settings.public_url)
        browser.answers = self.answers
        self.opened.callback(browser.close)
        return browser


@contextmanager
def _running(database: URL, **more: str) -> Iterator[Run]:
    """Yield a run whose log goes where stderr is now: within the test, not in a fixture."""
    with (
        responses.RequestsMock(assert_all_requests_are_fired=False) as edge,
        listening("127.0.0.1", 0) as listener,
        providing(clock.now()) as provider,
    ):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        edge.add_passthru(url)
        edge.add_passthru(provider.issuer)
        stub = {
            "AUTHENTICATORS": "local oidc:stub",
            "OIDC_STUB_ISSUER": provider.issuer,
            "OIDC_STUB_CLIENT_ID": CLIENT_ID,
            "OIDC_STUB_CLIENT_SECRET": CLIENT_SECRET,
        }
        changed = {"PUBLIC_URL": url, "LOG_LEVEL": "debug", "METRICS_TOKEN": METRICS_TOKEN}
        services = build(
            settings_for(database, **changed, **stub, CONFIRM_IN_CHAT="always", **more)
        )
        add_jane(services)
        try:
            with serving(services, listener):
                run = Run(services, Graph(edge), provider)
                with run.opened:
                    yield run
        finally:
            services.close()


def test_no_secret_is_found_anywhere(database: URL, capfd: pytest.CaptureFixture[str]) -> None:
    """R29, R110, R132: whatever way is walked, right or wrong."""
    with _running(database) as run:
        run.everything()

        run.services.events.flush()
        kept = _dump(run.services)
        events = _dump(run.services, "attempt_event")
        attempts = _dump(run.services, "attempt").splitlines()

    said = capfd.readouterr()
    pages = [f"{a.text} {_without_way_back(a)}" for a in run.answers if a.status != 303]
    places = {
        "log": said.out + said.err,
        "database": kept,
        "pages": "\n".join(pages),
    }
    found = [
        (name, what)
        for name, secret in run.secrets.items()
        for what, words in places.items()
        if secret in words
    ]
    found += [
        ("form token", what)
        for what in ("log", "database")
        for token in run.form_tokens
        if token in places[what]
    ]
    # Whoever has the address gets the picture without us; it is stored while the page may show it.
    found += [("picture", what) for what in ("log", "pages") if FACE in places[what]]
    over = [row for row in attempts if "'ended_as': None" not in row]
    assert over
    # Of what the bot gave, an attempt under way has the short text, and nobody else's page or line.
    found += [(text, what) for text in RESUMED for what in ("log", "pages") if text in places[what]]
    found += [(text, "recorded") for text in RESUMED if text in events]
    found += [("state of an ended attempt", row) for row in over if RESUMED[1] in row]
    assert (1, True) == (kept.count(RESUMED[0]), RESUMED[1] in kept)
    found += [("picture of an ended attempt", row) for row in over if FACE in row]
    assert [] == found
    assert USERNAME not in places["log"]
    assert [] == [sent for sent in SENT if sent in places["log"] or sent in events]
    assert not {USERNAME, ANA, BEN, "Ana Berg", "127.0.0.1"} & set(re.findall(r"[^' ]+", events))
    # What was looked through is what there is, and not an empty file.
    assert "threadlink_" in places["pages"]
    assert "code_hash" in places["database"]
    assert all(kind in events for kind in ("credentials_wrong", "graph_failed", "entry_refused"))


def test_what_an_operator_must_hear_of_is_logged(
    database: URL, capfd: pytest.CaptureFixture[str]
) -> None:
    """R111: by name, one line each, and every line can be read by a program."""
    with _running(database) as run:
        run.everything()

    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]

    events = {line["event"] for line in lines}
    assert {
        "sign_in.refused",
        "sign_in.done",
        "attempt.confirmed",
        "digits.sent",
        "link.made",
        "link.ended",
        "link.unchanged",
        "link.refused",
        "webhook.handshake",
        "webhook.handshake_refused",
        "request.refused",
        "graph.call",
        "graph.failed",
        "profile.picture_refused",
        "api.key_refused",
        "api.key_exposed",
        "provider.departed",
    } <= events
    refused = {line["problem"] for line in lines if line["event"] == "request.refused"}
    assert {"bad_signature", "bad_payload", "token_refused", "link_ambiguous"} <= refused
    of_requests = [line for line in lines if line["event"].startswith(("request.", "sign_in."))]
    assert all(line["request_id"] for line in of_requests)
    assert all(line["timestamp"].endswith("Z") for line in lines)


# Of the person: PSID, name and what they wrote; the app-scoped id; whom they sign in as.
PERSON = ("7200000000000001", "Canary Person", "canary-message", "7300000000000001")


def test_who_was_erased_is_found_nowhere(database: URL, capfd: pytest.CaptureFixture[str]) -> None:
    """R112: after Meta's callback and the week of the tombstone, and the log says nothing new."""
    psid, name, written, user_id = PERSON
    with _running(database, BOT_MESSENGER_URL="http://127.0.0.1:1/bot") as run:
        code = run.links(psid, name)
        messenger = Messenger(run.browser())
        messenger.tells(linked(psid, code, clock.now()))
        messenger.tells(message(psid, written, clock.now()))
        run.services.events.flush()
        before = _dump(run.services)
        capfd.readouterr()

        run.graph.matches(user_id, psid)
        answer = run.asks_to_be_erased(user_id)
        page = run.sees_the_end(answer["url"])
        at_once = _dump(run.services)
        _in_a_week(run.services)

        kept = _dump(run.services)
        bearer = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        figures = run.browser()("GET", "/metrics", headers=bearer).text

    said = "".join(capfd.readouterr())
    assert [] == [each for each in (psid, name, written) if each not in before]
    # The tombstone alone has the PSID.
    assert [] == [each for each in (name, written, user_id) if each in at_once]
    assert "no longer connected" in page.text
    places = {"log": said, "database": kept, "metrics": figures, "page": page.text}
    assert [] == [
        (what, each) for what, words in places.items() for each in PERSON if each in words
    ]
    assert answer["confirmation_code"] not in said + kept
    assert "privacy.asked" in said
    assert "privacy.done" in said


def _in_a_week(services: Services) -> None:
    for _ in finish_due(services.writer, clock.now() + TOMBSTONE_KEPT):
        pass


def _without_way_back(answer: Answer) -> str:
    return str({name: value for name, value in answer.headers.items() if name != "set-cookie"})


def _dump(services: Services, *only: str) -> str:
    with services.engine.connect() as connection:
        tables = only or inspect(connection).get_table_names()
        rows = (
            row
            for table in tables
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings()  # noqa: S608 - our own tables
        )
        return "\n".join(str(dict(row)) for row in rows)
