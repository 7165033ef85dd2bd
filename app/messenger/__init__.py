"""Messenger's formats and Graph calls, as values: no Flask, no database, no clock of its own.

Of infra it imports the network alone; it knows nothing of links, accounts or settings.
"""
