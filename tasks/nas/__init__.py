"""Architecture search: cells found on CIFAR-10, stacked deeper and wider, and transferred."""
