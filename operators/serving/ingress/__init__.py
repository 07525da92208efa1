"""Where requests come in: REST and gRPC as TensorFlow Serving speaks them, counted and logged.

`server` listens; `app` (raw ASGI, by the limits of `connections`) and `rpc` read requests, which
`tasks.serving.traffic` has answered by `operators.serving.models`. `replay` asks again what the
request log keeps.
"""
