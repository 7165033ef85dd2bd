"""Interfaces for operators and their tools: health checks, Prometheus metrics, trace spans.

Observes requests and changes none; no other package of the web imports it, the factory excepted.
"""
