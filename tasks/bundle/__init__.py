"""Models as they are served: one folder from training to traffic.

A bundle is a folder whose `bundle.json` (`manifest`) says what can be asked of a model, by which
networks, and what they must answer. `making` writes one, `folders` reads it back and believes
nothing that its digests don't say, `runtimes` opens its networks and `replay` asks them what is
known.
"""
