"""The floor of every package: settings, database, network, observability. Imports no other package.

`app.messenger` may import `app.infra.network` alone.
"""
