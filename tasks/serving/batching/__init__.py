"""Requests that share a batch: who waits (`queue`), with whom, and how they are put together.

Batching is continuous: a worker that is free takes whatever waits, and nobody waits for a timer
unless the settings say so. So one request alone is answered at once, and many are answered in
batches as large as the worker is slow.
"""
