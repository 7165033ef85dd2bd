"""What operators and their tools read: health checks, Prometheus metrics, trace spans.

Observes requests and changes none; no other package of the web imports it, the factory excepted.
"""
