"""Processes that hold one version of a model each, and how the ingress speaks with them.

`process` is the program of such a process, `answering` what it does, `worker` the ingress' view of
one, `frames` what the two send each other, and `spare` keeps one ready that has imported all.
"""
