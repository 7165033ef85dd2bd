"""Messenger's webhook: the fast path on the event loop, and the Flask views behind it.

Both check and store a delivery by the functions of `intake`. Imports nothing of `web.pages`.
"""
