"""Versions of models: found in a folder or a registry, loaded, asked in batches, and let go.

`serving` is what the ingress asks; it has a `model` for each name, which brings the versions that
`sources` finds into the state that `tasks.serving.versions` decides. A version's queue and its
worker are in `traffic`.
"""
