"""What an operator has in front of them."""

from click.testing import CliRunner, Result
from flask.cli import ScriptInfo

from app import create_app
from app.cli import main
from app.services.container import Services


class Operator:
    """Somebody at a terminal of the machine that runs *services*."""

    def __init__(self, services: Services) -> None:
        self._info = ScriptInfo(create_app=lambda: create_app(services))

    def types(self, *words: str, told: str = "") -> Result:
        result = CliRunner().invoke(main, words, input=told, obj=self._info)
        # A foreseen failure is a sentence, never a traceback.
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result
