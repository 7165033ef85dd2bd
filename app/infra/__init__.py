"""What every package may use: settings, database, network, observability. Imports no other package.

Exception: of infra, `app.messenger` may import `app.infra.network` alone.
"""
