"""What people look at: pages, sheets, plots, and estimates with their intervals."""
