"""A machine's servers: up, down, status, headless runs.

Read `services` first: commands, environment and signs of life of each server. `servers` keeps
them alive under one supervisor, each by way of `alone`, for `supervise` (`make up`) and for
`headless`, which runs one pipeline without the full stack (`make run`), with Airflow in a process
of its own, `headless_child`. `databases` says where their records lie, `state` where all the rest
does that is no result. `processes` starts everything in marked sessions and ends exactly that;
`interrupts` lets a run that is told to end do so in order.
"""
