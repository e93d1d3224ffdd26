"""Values in a file that several processes may share."""

from __future__ import annotations

from ferrolite.caching._core_store import CoreStore


class DiskCache(CoreStore):
    """A directory with values.

    Args:
        disk_cache_dir: The directory; `.ferrolite_cache` by default.
    """

    def __init__(self, disk_cache_dir: str | None = None) -> None:
        super().__init__(type="disk", disk_cache_dir=disk_cache_dir)
