"""The settings at Meta, and the checks of `threadlink doctor`.

Imports outbox, messenger and infra.
"""
