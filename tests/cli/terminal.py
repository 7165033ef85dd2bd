"""An operator's terminal."""

from click.testing import CliRunner, Result

from app.cli import main
from app.services.container import Services


class Operator:
    """An operator at a terminal of the machine that runs *services*."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def types(self, *words: str, told: str = "") -> Result:
        result = CliRunner().invoke(main, words, input=told, obj=self._services)
        # An expected failure is a sentence, never a traceback.
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result
