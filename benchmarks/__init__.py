"""Measures the figures of docs/performance.md, against a baseline (`make bench`)."""
