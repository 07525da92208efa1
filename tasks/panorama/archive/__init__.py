"""The archive that people see: its catalogue, what is published in it, and how that is undone."""
