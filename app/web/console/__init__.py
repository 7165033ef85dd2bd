"""The operators' console: an application of its own, at a host name of its own.

It knows neither the pages of people nor the webhook nor the API, and none of them knows it.
"""
