"""Benchmarks: measure Threadlink beside raw floors and other servers. Not part of the package."""
