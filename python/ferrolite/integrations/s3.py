"""Calls as JSON objects in a bucket of S3."""

# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
# The package it speaks through need not be there.

from __future__ import annotations

import json
import os

from ferrolite.integrations.custom_batch_logger import CustomBatchLogger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CLIENT = {
    "s3_region_name": "region_name",
    "s3_api_version": "api_version",
    "s3_use_ssl": "use_ssl",
    "s3_verify": "verify",
    "s3_endpoint_url": "endpoint_url",
    "s3_aws_access_key_id": "aws_access_key_id",
    "s3_aws_secret_access_key": "aws_secret_access_key",
    "s3_aws_session_token": "aws_session_token",
}


class S3Logger(CustomBatchLogger):
    """Puts an object for each call, through `boto3`.

    Args:
        **kwargs: `s3_bucket_name`, `s3_path`, `s3_region_name`, `s3_endpoint_url`, `s3_aws_access_key_id` …; by
            default the setting `s3_callback_params`, and `S3_BUCKET_NAME`. A value "os.environ/NAME" is read
            from the environment. Further ones are those of `CustomBatchLogger`.

    Raises:
        ImportError: `boto3` is not installed.
        ValueError: There is no bucket.
    """

    def __init__(self, **kwargs: Any) -> None:
        import boto3

        import ferrolite

        settings: dict[str, Any] = dict(ferrolite.s3_callback_params or {})
        settings |= {name: kwargs.pop(name) for name in list(kwargs) if name.startswith("s3_")}
        super().__init__(**kwargs)
        for name, value in settings.items():
            if isinstance(value, str) and value.startswith("os.environ/"):
                settings[name] = os.environ.get(value.removeprefix("os.environ/"))
        self.bucket = settings.get("s3_bucket_name") or os.environ.get("S3_BUCKET_NAME")
        if not self.bucket:
            raise ValueError("s3 needs a bucket: s3_callback_params['s3_bucket_name'], or S3_BUCKET_NAME")
        self.path = (settings.get("s3_path") or "").strip("/")
        options = {
            theirs: settings[ours] for ours, theirs in _CLIENT.items() if settings.get(ours) is not None
        }
        self.client: Any = boto3.client("s3", **options)

    def item(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> Any:
        """The payload, with what names its object: fields may be left out of it."""
        told = kwargs.get("standard_logging_object")
        if told is None:
            return None
        return start_time, told.get("id") or kwargs.get("litellm_call_id"), told

    def send_batch(self, items: list[Any]) -> None:
        """Put them."""
        self.send_each(items, self._put)

    def _put(self, item: tuple[Any, str, Any]) -> None:
        from datetime import timezone

        start, name, told = item
        began = start.astimezone(timezone.utc)
        name = f"time-{began:%H-%M-%S-%f}_{name}.json"
        key = "/".join(part for part in (self.path, f"{began:%Y-%m-%d}", name) if part)
        body = json.dumps(told, default=str).encode()
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType="application/json")
