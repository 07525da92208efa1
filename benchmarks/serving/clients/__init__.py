"""Who asks a server: `load`, closed and open loops of our own, and `wrk`, where it is installed."""
