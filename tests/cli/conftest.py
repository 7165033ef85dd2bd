import pytest

from app.services.container import Services
from tests.cli.terminal import Operator


@pytest.fixture
def operator(services: Services) -> Operator:
    return Operator(services)
