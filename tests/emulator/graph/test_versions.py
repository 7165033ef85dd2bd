from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from app.emulator.graph.versions import version_serving


@pytest.mark.parametrize(
    ("requested", "served"),
    [
        ("v26.0", "v26.0"),
        ("v21.0", "v21.0"),
        ("v20.0", "v21.0"),
        ("v2.6", "v21.0"),
        (None, "v21.0"),
        ("v27.0", "v27.0"),
        ("v28.0", None),
    ],
)
def test_an_expired_version_is_served_as_the_oldest_usable(
    requested: str | None, served: str | None
) -> None:
    assert served == version_serving(requested, datetime(2026, 11, 20, tzinfo=UTC))


def test_the_answer_says_which_version_served_it(graph: FlaskClient) -> None:
    answer = graph.get("/v2.6/me")

    assert "v21.0" == answer.headers["facebook-api-version"]
    assert "application/json; charset=UTF-8" == answer.headers["Content-Type"]
