"""Faults on purpose: small runs of each pipeline, while servers die and people interfere.

`faults` says what is done and to whom, `scenes` what goes on meanwhile, `judge` what came of it;
`soak` runs many small runs and looks for what grows. The command is `python -m benchmarks.chaos`
(`make chaos`).
"""
