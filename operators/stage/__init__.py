"""One call of a stage: its request, plan, key, run and items; knows no framework.

Read `plan` first: a request, and everything looked up that it names. `key` digests all that a
result depends on, code included. `run` is the call itself and the command of its job; `local`
is the same for tests and notebooks. `items` maps over many items, `item_pool` asks and tells;
both make each by `item_work` and count with `progress`.
"""
