"""Models in traffic: one ingress, and a process for each version of each model.

`python -m operators.serving` is the server. `ingress` speaks REST and gRPC and counts, `models`
loads versions and batches what is asked of them, `workers` are the processes that answer. What can
be done without a socket or a process stands in `tasks.serving`.
"""
