"""Clients of Meta's Graph API: one method for each call, over one transport."""
