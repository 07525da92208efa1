"""Zero-cost proxies: scores of untrained networks, with weights earned from trained ones."""
