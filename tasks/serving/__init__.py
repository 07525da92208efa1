"""Models in traffic: what is asked, how it is batched, which version answers, and in what words.

Nothing here knows a socket, a clock or a process: `rest` and `rpc` read requests and write answers
of TensorFlow Serving's two interfaces, `batching` and `versions` are told the time, `routing`
decides by digests. `operators.serving` is the server around it.
"""
