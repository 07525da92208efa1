"""The parallel work: what `tasks.core.ports.Executor` asks for, on Ray or in this process.

Read `serial` first: it shows what an executor owes a stage. `ray_executor` does the same on a
cluster, Dask collections included, and `ray_training` one call in several processes.
`limits` holds one item to its threads, time and memory, wherever it runs; `ray_jobs` starts drivers
on a cluster, over HTTP. Ray and Dask's scheduler are imported here and nowhere else.
"""
