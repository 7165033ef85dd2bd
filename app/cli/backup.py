from pathlib import Path

import click
from flask.cli import with_appcontext

from app.cli.audit import audited
from app.infra.database.backup import BadBackup, Contents, copy, verify
from app.web.current import services


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--verify", "only_verify", is_flag=True, help="Look at FILE; copy nothing.")
@with_appcontext
@audited
def backup(file: Path, *, only_verify: bool) -> None:
    """Copy the SQLite database to FILE while the server runs, and verify the copy.

    To restore: stop the server, move the copy to where DATABASE_URL points (and remove -wal and
    -shm beside it), start again. With PostgreSQL: pg_dump, see docs/deploying.md.

    Example: threadlink backup /var/backups/threadlink-$(date +%F).sqlite
    """
    url = services().settings.database_url
    try:
        if only_verify:
            _tell(f"{file} is sound", verify(file))
            return
        if url.get_backend_name() != "sqlite" or not url.database:
            raise click.ClickException(
                "this database is not SQLite. Next: pg_dump --format=custom, see docs/deploying.md"
            )
        _tell(f"{file} is written and verified", copy(Path(url.database), file))
    except BadBackup as exc:
        raise click.ClickException(str(exc)) from exc


def _tell(what: str, found: Contents) -> None:
    rows = ", ".join(f"{number} of {table}" for table, number in found.rows.items())
    click.echo(f"{what}: tables at {found.revision}; {rows}")
