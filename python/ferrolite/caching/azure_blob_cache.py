"""Values as blobs of a storage account of Azure's."""

from __future__ import annotations

from ferrolite.caching._core_store import CoreStore


class AzureBlobCache(CoreStore):
    """A container, which must be there. The token is the environment's or the machine's.

    Args:
        account_url: The address of the storage account.
        container: The container's name.
    """

    def __init__(self, account_url: str, container: str) -> None:
        super().__init__(type="azure-blob", account_url=account_url, container=container)
