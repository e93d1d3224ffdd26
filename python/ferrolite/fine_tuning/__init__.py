"""Jobs that tune a model."""
