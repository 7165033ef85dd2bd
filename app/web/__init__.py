"""The HTTP side: turns requests into calls on the subjects below, and outcomes into answers.

It alone, with `app.cli`, reads Flask's globals; it commits nothing and calls no other server but
through `app.services`.
"""
