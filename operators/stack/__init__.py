"""A machine's servers: up, down, status.

Read `services` first: commands, environment and signs of life of each server. `supervise` (`make
up`) has them kept alive, `databases` says where their records lie, `state` where all the rest does
that is no result. `leftovers` and `prune` clear what nobody needs.
"""
