import pytest

from app.messenger.graph.usage import Usage, read_usage

# Graph API, rate limiting; the second captured in fbsamples/messenger-platform-samples, postman.
APP = '{"call_count":28,"total_time":25,"total_cputime":25}'
PAGE = (
    '{"106378625516323":[{"type":"messenger","call_count":1,"total_cputime":1,"total_time":97,'
    '"estimated_time_to_regain_access":3}]}'
)


@pytest.mark.parametrize(
    ("headers", "usage"),
    [
        ({}, Usage()),
        ({"X-App-Usage": APP}, Usage({"app": 28})),
        ({"X-Page-Usage": APP}, Usage({"page": 28})),
        ({"X-Business-Use-Case-Usage": PAGE}, Usage({"business": 97}, 180)),
        (
            {"X-App-Usage": APP, "X-Business-Use-Case-Usage": PAGE},
            Usage({"app": 28, "business": 97}, 180),
        ),
    ],
    ids=["none", "app", "page", "use case", "both"],
)
def test_the_fullest_figure_of_each_allowance_is_told(
    headers: dict[str, str], usage: Usage
) -> None:
    """
    R104: the operator hears of it before Graph refuses.
    """
    assert usage == read_usage(headers)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "x",
        "[]",
        "1",
        "null",
        '{"a":1}',
        '{"a":[1]}',
        '{"call_count":"28"}',
        '{"a":' + "[" * 9999,
    ],
    ids=lambda header: header[:12],
)
def test_an_unreadable_allowance_says_nothing(header: str) -> None:
    assert Usage() == read_usage({"X-Business-Use-Case-Usage": header})


@pytest.mark.parametrize("minutes", ["-5", "0", "-1e300"])
def test_there_is_no_wait_of_less_than_nothing(minutes: str) -> None:
    """
    R105: a negative time would let the next call go at once, or in the past.
    """
    header = f'{{"1":[{{"estimated_time_to_regain_access":{minutes}}}]}}'

    assert read_usage({"X-Business-Use-Case-Usage": header}).wait_s is None


def test_a_wait_beyond_a_day_is_a_day() -> None:
    """
    R105: a figure of theirs becomes a date of ours.
    """
    endless = '{"1":[{"estimated_time_to_regain_access":1e300}]}'

    assert Usage({}, 86_400) == read_usage({"X-Business-Use-Case-Usage": endless})
