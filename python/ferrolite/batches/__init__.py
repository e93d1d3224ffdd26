"""Batches: files of requests that a provider works off in its own time."""
