"""One call of a stage: its request, plan, key and run; knows no framework.

Read `request` first: the call, and the wire on which it travels. `plan` looks up everything
that it names; `key` digests all that a result depends on, code included. `run` is the call
itself and the command of its job, in the world that `context` puts together; `local` is the
same for tests and notebooks.
"""
