"""Results, whole or not at all.

Read `manifests` first: the file whose presence says that a result is whole. `artifacts` makes
folders appear at once and adopts who came first; `storage` is one root on any URI that fsspec
knows, with errors that say what to do. `prune` removes what nothing needs (`make prune`).
"""
