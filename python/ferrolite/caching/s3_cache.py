"""Values as objects of a bucket of S3."""

from __future__ import annotations

from ferrolite.caching._core_store import CoreStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def s3_spec(
    s3_bucket_name: str | None,
    s3_region_name: str | None = None,
    s3_use_ssl: bool | None = True,
    s3_verify: bool | str | None = None,
    s3_endpoint_url: str | None = None,
    s3_aws_access_key_id: str | None = None,
    s3_aws_secret_access_key: str | None = None,
    s3_aws_session_token: str | None = None,
    s3_path: str | None = None,
) -> dict[str, Any]:
    """How the core's description calls it."""
    return {
        "bucket": s3_bucket_name,
        "region": s3_region_name,
        "use_ssl": s3_use_ssl,
        "ssl_verify": s3_verify if isinstance(s3_verify, bool) else None,
        "ssl_ca_certs": s3_verify if isinstance(s3_verify, str) else None,
        "endpoint_url": s3_endpoint_url,
        "aws_access_key_id": s3_aws_access_key_id,
        "aws_secret_access_key": s3_aws_secret_access_key,
        "aws_session_token": s3_aws_session_token,
        "path": s3_path,
    }


class S3Cache(CoreStore):
    """A bucket of S3, or of what speaks its language at `s3_endpoint_url`.

    Args:
        s3_path: A folder for the objects.
        s3_verify: False to accept any certificate, or the path of a PEM file with roots.
        s3_api_version, s3_config: Accepted; they tell a client of AWS's what it would do otherwise.
    """

    def __init__(
        self,
        s3_bucket_name: str,
        s3_region_name: str | None = None,
        s3_api_version: str | None = None,
        s3_use_ssl: bool | None = True,
        s3_verify: bool | str | None = None,
        s3_endpoint_url: str | None = None,
        s3_aws_access_key_id: str | None = None,
        s3_aws_secret_access_key: str | None = None,
        s3_aws_session_token: str | None = None,
        s3_config: Any = None,
        s3_path: str | None = None,
        **kwargs: Any,
    ) -> None:
        spec = s3_spec(
            s3_bucket_name,
            s3_region_name,
            s3_use_ssl,
            s3_verify,
            s3_endpoint_url,
            s3_aws_access_key_id,
            s3_aws_secret_access_key,
            s3_aws_session_token,
            s3_path,
        )
        super().__init__(kwargs.pop("_core", None), type="s3", **spec)
