"""Response classes by the interface they come from."""
