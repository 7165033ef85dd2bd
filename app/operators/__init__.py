"""The people who run this server: who they are, what they may do, and what they did.

Knows no Flask, and nothing of the people who link.
"""
