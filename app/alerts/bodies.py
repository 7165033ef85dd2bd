"""The bodies of alerts: JSON for a program, or a text for a chat service."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from app.alerts.fault import Fault

JSON: Final = "json"
SLACK: Final = "slack"
FOUND: Final = "fault.found"
OVER: Final = "fault.over"

AlertType = Literal["fault.found", "fault.over"]

_TITLES: Final = {FOUND: "Threadlink: fault found", OVER: "Threadlink: fault over"}
# Slack's control characters; all else stays as it is (docs.slack.dev, "Formatting message text",
# read 2026-11). So no name can call @channel or pose as a link.
_CONTROL: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True)
class Form:
    """The form of alerts: *name* is `JSON` or `SLACK`; the console is at *console_url*, if any."""

    name: str
    console_url: str | None = None

    def body(self, kind: AlertType, fault: Fault, *, at: datetime) -> bytes:
        """Return the body by which the operator hears that *fault* was found, or is over."""
        told = self._slack(kind, fault) if self.name == SLACK else self._json(kind, fault, at)
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()

    def _json(self, kind: AlertType, fault: Fault, at: datetime) -> dict[str, object]:
        return {
            "type": kind,
            "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "data": {
                "cause": fault.key.cause,
                "page_id": fault.key.page_id or None,
                "sentence": fault.sentence,
                "fix": fault.fix,
                "console_url": self.console_url,
            },
        }

    def _slack(self, kind: AlertType, fault: Fault) -> dict[str, object]:
        lines = [f"{_TITLES[kind]}: {fault.sentence}"]
        if kind == FOUND:
            lines.append(f"Fix: {fault.fix}")
            lines += [f"Console: {self.console_url}"] if self.console_url else []
        # Without markup: an asterisk or a tilde in a name is one.
        return {"text": "\n".join(lines).translate(_CONTROL), "mrkdwn": False}
