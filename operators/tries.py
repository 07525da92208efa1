"""How often is it tried again, and how long is it waited for: every number, on this page.

From the inside out. What a layer gives up, the one above tries again as a whole; nothing that
was committed is made a second time.

- A commit that meets a broken result: removes it and tries again.
- A call to MLflow: a few times within seconds. A record that is still refused is dropped with
  a warning; only the opening and closing of a run fail the task, which Airflow tries again.
- An item whose worker died, or that passed a limit: once more, then it is skipped with its
  reason. Ray itself tries nothing again, so that nothing is counted twice.
- A training whose worker died: once more, from its last checkpoint.
- A Ray head that does not answer: an operator waits for its return before it submits, a trigger
  while it follows a job.
- A task that failed with `TransientError` (driver lost, head lost for longer): again by Airflow.
  Any other error fails at once, since it would come again.
- A server that ends while it starts: again, by its supervisor.
"""

from __future__ import annotations

from datetime import timedelta

COMMIT_TRIES = 3

MLFLOW_TRIES, MLFLOW_PAUSE_S = 3, 0.5

ITEM_TRIES = 2
# Tries of Ray's own.
CALL_RETRIES = 0

TRAINING_RESTARTS = 1

# How long a Ray head that was lost may take to come back, and how often it is looked for.
HEAD_RETURN_S, HEAD_POLL_S = 90.0, 3.0
# How long a job that is followed may not be heard of.
JOB_SILENCE_S = 60.0

TASK_RETRIES, TASK_PAUSE = 2, timedelta(seconds=5)

SERVER_RESTARTS = 5

# How long `make run KEEP=1` leaves its servers after their last use.
KEPT_S = 600.0
