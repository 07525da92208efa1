"""Becomes a server, once what an earlier one of the same name left behind is ended.

    python -m operators.processes.alone <command>

A server that is killed leaves its children (MLflow's server process, the scheduler's workers,
all of Ray below the head), which would keep its ports and go on with its work.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from operators.installation import MARK
from operators.plain_log import say
from operators.processes import marked

# Each begins with the name of the only servers that get it: the stages, which Ray runs, need none.
_SECRETS = (
    *("DATABASE_URL", "MLFLOW_BACKEND_STORE_URI", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"),
    *("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC", "AIRFLOW__CORE__FERNET_KEY"),
    *("AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET"),
)


def main(command: Sequence[str]) -> None:
    """End the orphans of this server, which its mark names, and become the command."""
    mark = os.environ[MARK]
    if left := marked.members(mark):
        say(f"ending what an earlier {mark} left: {[each.pid for each in left]}")
        marked.end(mark, patience_s=0.0)
    service = mark.rpartition("/")[2].partition("-")[0].upper()
    for name in _SECRETS:
        if not name.startswith(service):
            os.environ.pop(name, None)
    if service == "RAY":  # the others' databases may ask for it
        os.environ.pop("PGPASSWORD", None)
    os.execvp(command[0], list(command))  # noqa: S606 - the supervisor's own command


if __name__ == "__main__":
    main(sys.argv[1:])
