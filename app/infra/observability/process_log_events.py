"""The meaning of the log events about processes that hang."""

from typing import Final

from app.infra.observability.log_event import LogEvent

PROCESSES: Final = (
    LogEvent(
        "process.stalled",
        "The `loops` of this process have not moved for half a minute: `/healthz` answers 503, and "
        "systemd, if it watches the process, restarts it.",
        "Look at the database. If nothing restarts the process: restart it.",
    ),
    LogEvent(
        "server.process_killed",
        "The process `process` of the server had not ended 24 seconds after it was told to, and "
        "was killed. Messenger repeats what it had not answered.",
        "Look at the database.",
    ),
)
