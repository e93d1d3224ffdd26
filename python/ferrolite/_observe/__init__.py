"""Watching calls: callbacks, loggers, and what they are told. Loaded with the first call that somebody watches."""
