"""Outgoing HTTP, addresses, and signatures of Standard Webhooks. Imports nothing of app."""
