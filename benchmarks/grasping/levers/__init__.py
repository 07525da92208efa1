"""What makes attempts in `bullet` cheaper, or would: what is taken is left out, and more tried."""
