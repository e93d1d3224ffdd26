"""What calls are told to: the base class of loggers, and integrations by their names (`_registry`)."""
