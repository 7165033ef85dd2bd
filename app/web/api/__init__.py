"""The API for bots and mirrors: one table row per operation, from which requests are served and the
OpenAPI document is made. Calls the subjects through services; knows nothing of pages and sessions.
"""
