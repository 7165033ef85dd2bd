"""What the files for operators name must exist."""

import re
from pathlib import Path

from app import metrics

DEPLOY = Path(__file__).parents[2] / "docs/deploy"
FROM_THE_DATABASE = {"threadlink_outbox_items", "threadlink_outbox_oldest_seconds"}


def test_every_alert_speaks_of_figures_that_exist() -> None:
    """
    A rule about a figure that was renamed never fires, and nobody notices.
    """
    text = (DEPLOY / "alerts.yaml").read_text(encoding="utf-8")
    named = {
        re.sub(r"_(total|bucket)$", "", name) for name in re.findall(r"threadlink_[a-z_]+", text)
    }

    exposed = set(re.findall(r"^# TYPE (threadlink_[a-z_]+?)(?:_total)? ", told(), re.MULTILINE))

    assert set() == named - exposed - FROM_THE_DATABASE - {"threadlink_token"}


def test_the_worker_s_unit_is_as_closed_as_the_server_s() -> None:
    server, worker = (
        (DEPLOY / name).read_text(encoding="utf-8").partition("NoNewPrivileges")[2]
        for name in ("threadlink.service", "threadlink-worker.service")
    )

    assert server == worker


def test_both_units_reload_by_the_signal_that_the_program_takes() -> None:
    for name in ("threadlink.service", "threadlink-worker.service"):
        lines = (DEPLOY / name).read_text(encoding="utf-8").splitlines()

        assert "ExecReload=/bin/kill -HUP $MAINPID" in lines


def told() -> str:
    return metrics.exposition(()).decode()
