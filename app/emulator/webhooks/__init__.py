"""Webhook deliveries: building, signing, sending, retrying and recording them.

Knows no views: it is given settings, state, faults and a clock.
"""
