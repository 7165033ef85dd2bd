from app.accounts.sign_in_methods import KINDS
from tests.accounts import authenticator_kinds


def test_every_kind_is_held_to_the_contract() -> None:
    """test_contract.py runs over the kinds that authenticator_kinds.py has."""
    assert set(KINDS) == set(authenticator_kinds.KINDS)
