"""``threadlink keys create``: which scopes a key of one Page can have."""

from tests.cli.terminal import Operator
from tests.conftest import on_sqlite
from tests.installation import PAGE

pytestmark = on_sqlite


def test_a_key_of_a_page_reads_no_accounts(operator: Operator) -> None:
    """They are of all Pages: such a key would get 404 for each."""
    create = ("keys", "create", "crm", "--scope", "accounts:read")

    refused = operator.types(*create, "--page", PAGE)

    assert 2 == refused.exit_code
    assert "accounts:read is of no Page" in refused.output
    assert "There are no keys" in operator.types("keys", "list").output
    assert 0 == operator.types(*create).exit_code
