"""Where CI is set, what would be skipped fails: green there means that everything ran."""

import os
from collections.abc import Generator
from typing import Final, TypeVar

import pytest

AnyReport = TypeVar("AnyReport", pytest.TestReport, pytest.CollectReport)

IS_CI: Final = os.environ.get("CI", "").lower() in {"1", "true"}


# Outermost, so that what skips and what was expected to fail are told apart already.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _strict((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _strict((yield))


def _strict(report: AnyReport) -> AnyReport:
    if IS_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: {reason} (CI allows no skipped test)"
    return report
