"""What happens to each request in the server's event loop, whatever interface it came by.

`answering` finds the version, asks it and counts; `shadows` asks other versions the same, and
`request_log` keeps a sample. They know models by what `tasks.serving.types` says of them.
"""
