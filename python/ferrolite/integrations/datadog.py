"""Calls as logs of Datadog."""

from __future__ import annotations

import json
import os
import socket

from ferrolite.integrations.custom_batch_logger import CustomBatchLogger, has_failed, post

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class DataDogLogger(CustomBatchLogger):
    """Sends to Datadog, or to its agent: `DD_API_KEY` and `DD_SITE`, or `LITELLM_DD_AGENT_HOST` and `…_PORT`.

    Raises:
        ValueError: There is neither a key nor an agent.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        get = os.environ.get
        agent = get("LITELLM_DD_AGENT_HOST")
        key = get("DD_API_KEY")
        if agent:
            self.url = f"http://{agent}:{get('LITELLM_DD_AGENT_PORT', '10518')}/api/v2/logs"
        elif key:
            self.url = (
                get("DD_BASE_URL")
                or f"https://http-intake.logs.{get('DD_SITE', 'datadoghq.com')}/api/v2/logs"
            )
        else:
            raise ValueError("datadog needs the environment variable DD_API_KEY or LITELLM_DD_AGENT_HOST")
        self.headers = {"DD-API-KEY": key} if key else {}

    def item(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> Any:
        """A log line."""
        told = kwargs.get("standard_logging_object")
        if told is None:
            return None
        get = os.environ.get
        tags = {"env": get("DD_ENV", "unknown"), "service": get("DD_SERVICE", "litellm-server")}
        tags["version"] = get("DD_VERSION", "unknown")
        return {
            "ddsource": get("DD_SOURCE", "litellm"),
            "ddtags": ",".join(f"{name}:{value}" for name, value in tags.items()),
            "hostname": get("HOSTNAME") or socket.gethostname(),
            "message": json.dumps(told, default=str),
            "service": tags["service"],
            "status": "error" if has_failed(kwargs) else "info",
        }

    def send_batch(self, items: list[Any]) -> None:
        """Post it."""
        post(self.url, items, self.headers)
