"""`apo report`: a run as a page to look at."""

from pathlib import Path
from typing import Annotated

import typer

from apo.cli import options as o


def report(
    run: o.RunName,
    out: Annotated[
        str, typer.Option("--out", help="The file; by default report.html in the run's folder.")
    ] = "",
    json: o.Json = False,
) -> None:
    """Write a run as one page of HTML to look at: verdict, curve, front, lineage, rows, spend.

    The page holds all that it needs, and opens offline in any browser; it can be printed and passed
    on. A run that is not finished has one as well.

    Example: `apo report last --out report.html`
    """
    from apo.cli.console import home, print_json
    from apo.report.run_page import FILE, run_page
    from apo.storage.folder import find_run

    folder = find_run(run, home())
    page = run_page(folder)
    target = Path(out) if out else folder.path / FILE
    write_page(page, target, quiet=json)
    if json:
        print_json({"run_id": folder.id, "file": str(target), "bytes": len(page.encode())})


def write_page(page: str, target: Path, *, quiet: bool = False) -> None:
    """Write a page, and say where.

    Raises:
        SettingsError: it cannot be written there.
    """
    from apo.cli.console import tell, typed
    from apo.errors import SettingsError
    from apo.files import write_out

    try:
        write_out(target, page)
    except OSError as error:
        raise SettingsError(
            f"Cannot write {target}: {error.strerror}. Give another file with --out."
        ) from error
    if not quiet:
        tell(f"Report: {typed(target)} ({len(page.encode()) / 1000:,.0f} kB)")
