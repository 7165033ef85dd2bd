from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SKIPS = """
    import pytest

    def test_runs():
        pass

    def test_skips():
        pytest.skip("no browser here")

    @pytest.mark.xfail(reason="known", strict=True)
    def test_fails_as_expected():
        raise AssertionError
"""


@pytest.mark.parametrize(
    ("ci", "expected"),
    [
        ("", {"passed": 1, "skipped": 1, "xfailed": 1}),
        ("true", {"passed": 1, "failed": 1, "xfailed": 1}),
    ],
    ids=["on a laptop", "in CI"],
)
def test_a_skipped_test_fails_in_ci_only(
    ci: str, expected: dict[str, int], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody looks, a browser that is missing would look like success."""
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(SKIPS)

    result = pytester.runpytest_subprocess("-p", "tests.no_skips", "-p", "no:cacheprovider")

    result.assert_outcomes(**expected)
    assert ("CI allows no skipped test" in result.stdout.str()) == bool(ci)


def test_a_module_that_skips_itself_fails_in_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile("import pytest; pytest.importorskip('no_such_module')")

    result = pytester.runpytest_subprocess("-p", "tests.no_skips", "-p", "no:cacheprovider")

    result.assert_outcomes(errors=1)


def test_a_test_that_a_worker_process_skips_fails_in_ci_too(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    `make test` runs the tests in several processes, which report to one.
    """
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(SKIPS, test_module="import pytest; pytest.importorskip('no_such_module')")

    result = pytester.runpytest_subprocess(
        *("-p", "xdist", "-p", "tests.no_skips", "-p", "no:cacheprovider"),
        *("--numprocesses", "2", "--continue-on-collection-errors"),
    )

    assert pytest.ExitCode.OK != result.ret
    result.stdout.fnmatch_lines(["*no browser here (CI allows no skipped test)*"])
    result.stdout.fnmatch_lines(["*no_such_module* (CI allows no skipped test)*"])
