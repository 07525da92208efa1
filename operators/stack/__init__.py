"""A machine's servers: up, down, status, headless runs."""
