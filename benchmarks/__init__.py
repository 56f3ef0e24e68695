"""What docs/performance.md quotes: measured here, by `make bench`, against a named baseline."""
