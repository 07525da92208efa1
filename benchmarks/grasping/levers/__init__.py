"""What would make attempts in `bullet` cheaper, tried on the same attempts and taken by none."""
