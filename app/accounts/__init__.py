"""Sign-in: the built-in accounts, the authenticators, and the rate limits.

Knows nothing of Messenger and of links; imports infra alone.
"""
