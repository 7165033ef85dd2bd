"""Outbox: work owed after a commit, stored in the same transaction, and the worker that does it.

Knows nothing of Messenger's formats or of links; imports infra alone.
"""
