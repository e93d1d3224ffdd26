"""The objects ferrolite answers with. Import them from ``ferrolite.types.utils``."""
