"""Alerts: faults that the program finds, told to the operator once, and again when they are over.

Knows which faults there are and what has been told of them; who finds them is above.
"""
