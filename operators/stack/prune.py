"""Makes room: ``python -m operators.stack.prune --dry-run``.

Removed is what no finished result needs in the store, what nobody uses of this machine's scratch
folders and logs, and, where the profile's ``keep`` says so, old records in MLflow and Airflow.
Finished results and registered models stay.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from operators.installation import ROOT, load_profile, profile_name
from operators.record.old_runs import remove_old_runs
from operators.stack import databases, services
from operators.stack.leftovers import clear
from operators.stack.state import STATE
from operators.stack.supervise import noted_database, running_ports
from operators.store.prune import prune
from operators.store.storage import Storage
from tasks.core.errors import OrreryError, ResourceError

logger = logging.getLogger(__name__)


def remove_old_records(before: datetime, *, dry_run: bool) -> None:
    """Remove what MLflow and Airflow recorded of runs that ended before a time.

    Raises:
        ResourceError: Airflow's command fails.
    """
    ports = running_ports()
    if ports is None:
        logger.info("old runs of MLflow and Airflow stay, since the stack is down: `make up` first")
        return
    if noted_database() not in ("", databases.told()):
        raise ResourceError(
            f"the stack keeps its records in {noted_database()}, not in {databases.told()}: set "
            f"{databases.DATABASE_URL} as it was for `make up`"
        )
    database = databases.mlflow_env()[databases.MLFLOW_DATABASE]
    gone = remove_old_runs(ports.mlflow_url, database, before, dry_run=dry_run)
    how = "would remove" if dry_run else "removed"
    logger.info("%s %d runs of MLflow that ended before %s", how, len(gone), f"{before:%Y-%m-%d}")
    home = STATE / "airflow"
    env = services.base_env() | services.airflow_env(home, ROOT / "dags", ports)
    env |= databases.airflow_env(home)
    options = ["--yes", "--skip-archive", *(["--dry-run"] * dry_run)]
    since = f"--clean-before-timestamp={before.isoformat()}"
    databases.airflow_db("clean", *options, since, env=env)
    logger.info("%s Airflow's records from before %s", how, f"{before:%Y-%m-%d}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(prog="python -m operators.stack.prune", description=__doc__)
    parser.add_argument("--profile", default=profile_name(), help="whose store to prune")
    parser.add_argument("--store", help="URI of another store, and of nothing else")
    parser.add_argument("--days", type=float, help="what is younger stays; else the profile's")
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    given = parser.parse_args(arguments)
    try:
        profile = load_profile(given.profile)
        keep = timedelta(days=profile.keep.days if given.days is None else given.days)
        storage = Storage(given.store or profile.absolute_store_uri(), profile.store_options)
        removed = prune(storage, keep, dry_run=given.dry_run)
        how = "would go" if given.dry_run else "removed"
        logger.info("%d folders of %s %s", len(removed), storage.uri, how)
        if not given.store:
            clear(keep, logger.info, dry_run=given.dry_run)
            if profile.keep.runs_days is not None:
                before = datetime.now(UTC) - timedelta(days=profile.keep.runs_days)
                remove_old_records(before, dry_run=given.dry_run)
    except OrreryError as error:
        logger.error("ERROR %s", error)  # noqa: TRY400 - said for people
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
