"""Pictures of a data set and its data card: what people look at before they trust it."""
