"""The engine, the writer with its group commit, the schema, and backups.

Of infra it imports `app.infra.resources` alone.
"""
