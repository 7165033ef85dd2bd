"""The OpenAPI document agrees with the code: it names what is accepted and all that is answered."""

import json
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import responses
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from app.linking.notices import NOTICES
from app.services.container import Services
from app.web.api.blueprint import OPERATIONS
from app.web.api.openapi import Problem
from app.web.api.samples import sample
from tests.browsers import InProcess
from tests.installation import PUBLIC_URL
from tests.web.api.conftest import Caller, add_link
from tests.web.api.test_buttons import MESSAGES, SENT

PATH = "/api/v1/openapi.json"


def test_the_document_names_every_operation_that_is_served(app: Flask, client: InProcess) -> None:
    document = json.loads(client("GET", PATH).body)
    served = {
        (method.lower(), str(rule).replace("<", "{").replace(">", "}"))
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/api/v1/") and str(rule) != PATH
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    named = {(method, path) for path, calls in document["paths"].items() for method in calls}

    assert served == named
    assert ("3.1.0", len(OPERATIONS)) == (document["openapi"], len(named))


def test_the_document_describes_the_four_notices(client: InProcess) -> None:
    document = json.loads(client("GET", PATH).body)

    assert {"link.created", "link.replaced", "link.removed", "link.refused"} == set(
        document["webhooks"]
    )


def test_every_field_says_what_it_means_and_gives_an_example(client: InProcess) -> None:
    document = json.loads(client("GET", PATH).body)
    components = document["components"]["schemas"]
    fields = {
        f"{name}.{field}": schema
        for name, component in components.items()
        for field, schema in component["properties"].items()
    }
    fields |= {
        f"{call['operationId']}: {parameter['name']}": parameter["schema"]
        for calls in document["paths"].values()
        for call in calls.values()
        for parameter in call["parameters"]
    }

    assert {"LinkObject.psid", "Created.type", "Button.text", "show_link: psid"} <= set(fields)
    assert [] == [
        name
        for name, schema in fields.items()
        if not schema.get("description", "").endswith(".") or not schema.get("examples")
    ]


def test_every_call_has_examples_of_all_that_is_sent(client: InProcess) -> None:
    document = json.loads(client("GET", PATH).body)
    calls = [call for calls in document["paths"].values() for call in calls.values()]
    notices = [notice["post"] for notice in document["webhooks"].values()]
    contents = [one["requestBody"]["content"] for one in (*calls, *notices) if "requestBody" in one]
    contents += [
        answer["content"]
        for call in calls
        for answer in call["responses"].values()
        if "content" in answer
    ]

    shown = [media.keys() & {"example", "examples"} for one in contents for media in one.values()]

    assert 40 < len(shown)
    assert all(shown)


@pytest.mark.parametrize(
    "kind", [*NOTICES, Problem, *(one.answer for one in OPERATIONS if one.answer)]
)
def test_the_examples_of_fields_make_a_whole(kind: type[msgspec.Struct]) -> None:
    """They are of the types of their fields, and within the limits."""
    assert isinstance(sample(kind), kind)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
def test_whatever_is_sent_the_answer_is_one_the_document_names(
    app: Flask, services: Services, bot: Caller, mode: GenerationMode
) -> None:
    """R96: zero 5xx, zero undocumented statuses, every answer of the shape it says."""
    add_link(services)
    schema = schemathesis.openapi.from_wsgi(PATH, app, base_url=PUBLIC_URL)
    headers = {"Authorization": f"Bearer {bot.key}", "Host": urlsplit(PUBLIC_URL).netloc}
    seen: set[int] = set()

    for result in schema.get_all_operations():
        assert isinstance(result, Ok)

        @settings(max_examples=30, database=None, suppress_health_check=list(HealthCheck))
        @given(case=result.ok().as_strategy(mode))
        def ask(case: Case[Any]) -> None:
            answer = case.call_and_validate(
                headers=headers,
                # Invalid keys are rate-limited with 429 (test_authentication.py), and a text
                # that only looks like a cursor is refused.
                excluded_checks=[ignored_auth, positive_data_acceptance],
            )
            seen.add(answer.status_code)

        with responses.RequestsMock(assert_all_requests_are_fired=False) as edge:
            edge.post(MESSAGES, json=SENT)
            ask()

    assert seen & ({200} if mode is GenerationMode.POSITIVE else {400})
