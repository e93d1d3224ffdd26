"""Names that programs written for LiteLLM's proxy import from here."""

from __future__ import annotations

from ferrolite.caching import DualCache as DualCache
from ferrolite.integrations.custom_logger import CustomLogger as CustomLogger
from ferrolite.proxy._types import LitellmUserRoles as LitellmUserRoles
from ferrolite.proxy._types import ProxyException as ProxyException
from ferrolite.proxy._types import UserAPIKeyAuth as UserAPIKeyAuth
