"""The waiting adds up to what the page says."""

from __future__ import annotations

from operators.tries import (
    API_PAUSES_S,
    API_TRIES,
    CLOSE_RETRIES,
    TASK_BACKOFF,
    TASK_MAX_PAUSE,
    TASK_PAUSE,
    TASK_RETRIES,
    TASK_SILENCE_S,
    TASK_TOKEN_S,
)

MINUTE_S = 60.0


def least_wait_s(retries: int) -> float:
    """All pauses of a task; Airflow makes none of them shorter."""
    first_s, most_s = TASK_PAUSE.total_seconds(), TASK_MAX_PAUSE.total_seconds()
    return sum(min(most_s, first_s * TASK_BACKOFF**k) for k in range(retries))


def test_a_task_waits_half_an_hour_and_the_closing_of_a_run_one_and_a_half() -> None:
    assert 30 * MINUTE_S <= least_wait_s(TASK_RETRIES) < 35 * MINUTE_S
    assert 90 * MINUTE_S <= least_wait_s(CLOSE_RETRIES) < 100 * MINUTE_S


def test_the_api_may_be_away_for_ten_minutes() -> None:
    shortest, longest = ((API_TRIES - 1) * pause_s for pause_s in API_PAUSES_S)
    assert shortest >= 10 * MINUTE_S
    assert 10 * MINUTE_S + max(API_PAUSES_S) <= TASK_SILENCE_S, "it is not taken for dead before"
    # Airflow renews a token when a fifth of its time is left.
    assert longest < TASK_TOKEN_S / 5, "it is still known after"
