"""The kernel that all systems share: errors, references, records, config, ports and seeds."""
