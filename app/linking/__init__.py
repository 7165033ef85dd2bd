"""Linking attempts, the links that they make, and what follows from Messenger's events.

Every function takes a session and commits nothing: callers run it by `Writer.write`, which may run
it twice. Imports outbox, accounts and messenger's values; knows neither Flask nor the Graph client.
"""
