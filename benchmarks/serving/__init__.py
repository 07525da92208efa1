"""What serving costs and how it behaves, beside peers: see `benchmarks.serving.__main__`."""
