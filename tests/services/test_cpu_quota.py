"""The CPU quota of a container or unit: half a core of 64 is one process, not 64."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.services import processes
from app.services.cpu_quota import cpu_quota

CGROUP = "sys/fs/cgroup"
UNIT = "system.slice/threadlink.service"


@pytest.mark.parametrize(
    ("groups", "files", "quota"),
    [
        pytest.param("0::/\n", {f"{CGROUP}/cpu.max": "50000 100000\n"}, 0.5, id="container"),
        pytest.param(
            f"0::/{UNIT}\n", {f"{CGROUP}/{UNIT}/cpu.max": "150000 100000\n"}, 1.5, id="unit"
        ),
        pytest.param(
            f"0::/{UNIT}\n",
            {
                f"{CGROUP}/{UNIT}/cpu.max": "max 100000\n",
                f"{CGROUP}/system.slice/cpu.max": "300000 100000\n",
            },
            3.0,
            id="slice above",
        ),
        pytest.param(
            f"0::/{UNIT}\n",
            {
                f"{CGROUP}/{UNIT}/cpu.max": "400000 100000\n",
                f"{CGROUP}/system.slice/cpu.max": "200000 100000\n",
            },
            2.0,
            id="the smaller of two",
        ),
        pytest.param("0::/\n", {f"{CGROUP}/cpu.max": "max 100000\n"}, None, id="no limit"),
        pytest.param("0::/\n", {}, None, id="no file at the root"),
        pytest.param(
            "4:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n",
            {
                f"{CGROUP}/cpu,cpuacct/cpu.cfs_quota_us": "250000\n",
                f"{CGROUP}/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            2.5,
            id="version 1 in a container",
        ),
        pytest.param(
            "3:cpu,cpuacct:/docker/1\n0::/docker/1\n",
            {
                f"{CGROUP}/cpu/docker/1/cpu.cfs_quota_us": "100000\n",
                f"{CGROUP}/cpu/docker/1/cpu.cfs_period_us": "50000\n",
            },
            2.0,
            id="version 1 beside version 2",
        ),
        pytest.param(
            "3:cpu,cpuacct:/\n",
            {
                f"{CGROUP}/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
                f"{CGROUP}/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            None,
            id="version 1 without a limit",
        ),
        pytest.param(
            "5:cpuset:/docker/1\n",
            {f"{CGROUP}/cpuset/docker/1/cpu.max": "50000 100000\n"},
            None,
            id="another controller",
        ),
        pytest.param("0::/\n", {f"{CGROUP}/cpu.max": "50000 0\n"}, None, id="no period"),
        pytest.param("0::/\n", {f"{CGROUP}/cpu.max": "half\n"}, None, id="no number"),
        pytest.param("nonsense\n", {f"{CGROUP}/cpu.max": "50000 100000\n"}, None, id="no group"),
        pytest.param(None, {f"{CGROUP}/cpu.max": "50000 100000\n"}, None, id="no proc"),
    ],
)
def test_the_quota_is_read_from_the_files_of_either_version(
    groups: str | None, files: Mapping[str, str], quota: float | None, tmp_path: Path
) -> None:
    given = files if groups is None else {"proc/self/cgroup": groups, **files}
    for name, content in given.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="ascii")

    assert quota == cpu_quota(tmp_path)


@pytest.mark.parametrize(
    ("cores", "quota", "count"),
    [(64, None, 64), (64, 0.5, 1), (64, 0.01, 1), (64, 1.5, 2), (64, 2.0, 2), (2, 8.0, 2)],
)
def test_processes_are_as_many_as_the_quota_has_cores_begun(
    cores: int, quota: float | None, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(processes, "cpu_quota", lambda: quota)

    assert count == processes.core_count()
