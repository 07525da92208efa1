"""How often is it tried again, and how long is it waited for: every number, on this page.

From the inside out. What a layer gives up, the one above tries again as a whole; nothing that
was committed is made a second time.

- A commit that meets a broken result: removes it and tries again.
- A call to MLflow: a few times within seconds. While the server is away a stage's records wait,
  and its run's end waits ten minutes for it; what is then left, and what the server refuses, is
  dropped with a warning. Opening a run, closing a DAG run's and noting that a result was reused
  fail the task.
- An item whose worker died, or that passed a limit: once more, then it is skipped with its
  reason. Ray itself tries nothing again, so that nothing is counted twice. What a disk or a server
  did is never an item's fault: it fails the stage.
- An item that another run makes at this time: waited for, as long as that run gives signs of life.
  A minute without one, or a process that is known to have ended, and this run makes it.
- A training of several processes, one of which died: so, too. All of them go on from the item's
  last checkpoint.
- A driver that was killed: again, as a try of its task; three times in a row, then the task fails.
- A disk or store that is full or read-only: the stage lets go of its workers, waits a minute and
  runs once more. If that did not help, the error lasts.
- A Ray head that does not answer: a trigger asks for half an hour, without a worker, and so does
  one that has to stop a job. A task that has no job yet fails with `TransientError`.
- Airflow's API server away: a task's process asks again for ten minutes at least, in its place.
- A task that failed with `TransientError` (driver, head, store or MLflow lost): again by Airflow,
  with pauses that double from 5 s to 2 min, for half an hour in sum. So it is with what kills a
  task's process. Any other error fails at once, since it would come again.
- The closing of a run: so too, for an hour and a half.
- A server that ends: again, by its supervisor, at once if it had run for a while, else after a
  pause that grows by a second each time.
- A writer of SQLite waits for the others. (MLflow sets 20 s of its own for each call.)
"""

from __future__ import annotations

from datetime import timedelta

COMMIT_TRIES = 3

MLFLOW_TRIES, MLFLOW_PAUSE_S = 3, 0.5
# How long the end of a stage waits for an MLflow that is away, and how often it is asked.
MLFLOW_RETURN_S, MLFLOW_POLL_S = 600.0, 10.0
# While the stage runs a server that hangs is left alone this many times as long as asking it took.
MLFLOW_PAUSE_SHARE = 9.0

ITEM_TRIES = 2

# A claim to an item that was not renewed for so long is another run's to take; it looks so often.
LEASE_S, CLAIM_POLL_S = 60.0, 2.0
# Tries of Ray's own.
CALL_RETRIES = 0

DRIVER_TRIES = 3

STORE_PAUSE_S = 60.0

# How long a Ray head that was lost may take to come back, and how often it is looked for.
HEAD_RETURN_S, HEAD_POLL_S = 1800.0, 3.0

# Airflow draws each pause between the two.
API_TRIES, API_PAUSES_S = 121, (5.0, 10.0)
# A task that was not heard of for so long is taken for dead: longer than the API may be away.
TASK_SILENCE_S = 660
# A task's word to the API is good for so long: all waiting in a queue, and for the API.
TASK_TOKEN_S = 7200

# The pause after try k is PAUSE * BACKOFF ** (k - 1), at most doubled by Airflow, at most MAX.
TASK_PAUSE, TASK_BACKOFF, TASK_MAX_PAUSE = timedelta(seconds=5), 2.0, timedelta(minutes=2)
TASK_RETRIES, CLOSE_RETRIES = 19, 49

# After how long a server counts as started, and how often in a row it may end before: 84 minutes.
SERVER_STEADY_S, SERVER_RESTARTS = 60, 100

SQLITE_WAIT_S, DATABASE_CONNECT_S = 60, 10

# How long `make run KEEP=1` leaves its servers after their last use.
KEPT_S = 600.0
