"""The faults that can be turned on, and the failures that they and real mistakes produce.

Values and switches only: where a fault takes effect is found by searching for its name.
"""
