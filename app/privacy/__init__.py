"""Privacy: what is kept of a person or a user, told on demand, and erased on request.

Knows every table that holds one of them, so it stands above linking, outbox and accounts.
"""
