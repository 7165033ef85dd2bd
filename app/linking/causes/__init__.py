"""Causes: why an attempt ended as it did, who fixes it and how, and what to answer the customer.

One table, `table.CAUSES`. Commands, the API and docs/support.md take their words from it.
"""
