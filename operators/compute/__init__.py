"""The parallel work: Ray and serial executors, limits."""
