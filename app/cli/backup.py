from pathlib import Path

import click

from app.cli.audit import audited
from app.cli.context import ServiceCommand, services
from app.infra.database.backup import BadBackup, Contents, copy, verify


@click.command(cls=ServiceCommand)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--verify", "only_verify", is_flag=True, help="Only verify FILE, an earlier copy.")
@audited
def backup(file: Path, *, only_verify: bool) -> None:
    """Copy the SQLite database to FILE, and verify the copy.

    The server may be running. To restore: stop it, move the copy to where DATABASE_URL points,
    remove the files beside it that end in -wal and -shm, and start it again. For PostgreSQL use
    pg_dump: see docs/operations.md.

    Example: threadlink backup /var/backups/threadlink-$(date +%F).sqlite
    """
    url = services().settings.database_url
    try:
        if only_verify:
            _report(f"{file} is sound", verify(file))
            return
        if url.get_backend_name() != "sqlite" or not url.database:
            raise click.ClickException(
                "this database is not SQLite. Next: pg_dump --format=custom, see docs/operations.md"
            )
        _report(f"{file} is written and verified", copy(Path(url.database), file))
    except BadBackup as exc:
        raise click.ClickException(str(exc)) from exc


def _report(result: str, contents: Contents) -> None:
    rows = ", ".join(f"{table} {count}" for table, count in contents.rows.items())
    click.echo(f"{result}: tables at {contents.revision}; rows: {rows}")
