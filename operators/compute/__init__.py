"""The parallel work: what `tasks.core.ports.Executor` asks for, on Ray or in this process.

Read `serial` first: it shows what an executor owes a stage. `ray_executor` does the same on a
cluster, Dask collections included, and `ray_training` one call in several processes. `ray_jobs`
starts drivers on a cluster, over HTTP, and `ray_shards` has parts of models held by actors, to be
asked for days. Ray and Dask's scheduler are imported here and nowhere else.
"""
