"""The parts of a long stage, each made in parallel and committed on its own.

Read `work` first: one item's key, its folder, and the call that makes it in a worker; `running`
holds those in flight. `stage_items` maps over many items, which `claims` keep other runs from
making too; `pool` asks and tells; both count with `progress`. What items say while they are made,
`reports` keep and `watch` shows; an item that was cut off goes on from its `checkpoint`.
"""
