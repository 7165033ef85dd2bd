"""The generated parts of docs/translating.md: the protected texts, and who has reviewed them."""

from app.infra.settings.languages import SHIPPED, SOURCE
from app.web.languages.catalogue import FOLDER
from tests.web.languages import reviews


def protected() -> str:
    """Return a table of what each protected text stops."""
    rows = "".join(
        f"| {text} | {rule.stops} |\n" for text, rule in reviews.read_rules(FOLDER).items()
    )
    return f"| text | what it stops |\n|---|---|\n{rows}"


def reviewed() -> str:
    """Return a sentence of the languages that no native speaker has reviewed yet."""
    waiting = [language for language in SHIPPED if language != SOURCE and not _by_natives(language)]
    if not waiting:
        return "No shipped language waits for a review by a native speaker.\n"
    return (
        "Shipped after a review by a machine, and waiting for that of a native speaker: "
        f"{', '.join(waiting)}.\n"
    )


def _by_natives(language: str) -> bool:
    own = reviews.read_language(FOLDER, language)
    return all(review["by"] == "native" for review in own.reviews.values())
