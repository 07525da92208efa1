"""The data set on disk: pictures as PNG, attempts as rows, rows in Parquet shards."""
