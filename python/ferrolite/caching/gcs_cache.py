"""Values as objects of a bucket of Google Cloud Storage."""

from __future__ import annotations

from ferrolite.caching._core_store import CoreStore


class GCSCache(CoreStore):
    """A bucket.

    Args:
        bucket_name: The bucket; the environment's `GCS_BUCKET_NAME` else.
        path_service_account: The path of a service account's file, or its JSON; else what the environment, `gcloud`
            or the machine says.
        gcs_path: A folder for the objects.
    """

    def __init__(
        self,
        bucket_name: str | None = None,
        path_service_account: str | None = None,
        gcs_path: str | None = None,
    ) -> None:
        super().__init__(
            type="gcs", bucket=bucket_name, path_service_account=path_service_account, path=gcs_path
        )
