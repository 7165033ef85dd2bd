"""The forms of an HTML page, with the values that a browser would send."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """A form with its preset values."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    # By the label of each button, the name and value that it adds when pressed.
    buttons: dict[str, dict[str, str]] = field(default_factory=dict)

    def press(self, label: str | None) -> dict[str, str] | None:
        """Return what the button adds: the first one without a *label*; None if there is none."""
        if label is None:
            return next(iter(self.buttons.values()), {})
        return self.buttons.get(label)


def forms_in(html: str) -> list[Form]:
    """Return the forms of *html*, in the order of the page."""
    return _FormParser(html).forms


class _FormParser(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._button: dict[str, str] | None = None
        self._label = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            method = attributes.get("method", "get").lower()
            self._form = Form(attributes.get("action", ""), method)
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "button" and attributes.get("type", "submit") == "submit":
            self._button, self._label = _name_and_value(attributes), ""
        elif tag == "input":
            _add_input(self._form, attributes)

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._label += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._form is not None and self._button is not None:
            self._form.buttons[" ".join(self._label.split())] = self._button
            self._button = None
        elif tag == "form":
            self._form = None


def _add_input(form: Form, attributes: Mapping[str, str]) -> None:
    kind = attributes.get("type", "text").lower()
    if kind == "submit":
        form.buttons[attributes.get("value", "Submit")] = _name_and_value(attributes)
    elif attributes.get("name") and (kind not in {"checkbox", "radio"} or "checked" in attributes):
        default = "on" if kind == "checkbox" else ""
        form.values[attributes["name"]] = attributes.get("value", default)


def _name_and_value(attributes: Mapping[str, str]) -> dict[str, str]:
    return {attributes["name"]: attributes.get("value", "")} if attributes.get("name") else {}
