"""The Graph calls around linking, as documented (messenger-platform.md 3 to 5)."""
