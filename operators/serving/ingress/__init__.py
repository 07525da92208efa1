"""Where requests come in: REST and gRPC as TensorFlow Serving speaks them, counted and logged.

`server` listens; `app` (raw ASGI, by the limits of `connections`) and `rpc` read requests, which
`answering` has answered by `operators.serving.models`. `request_log` keeps a sample, `replay` asks
it again, and `shadows` asks other versions the same.
"""
