"""What hooks of the gateway are given and raise."""

from __future__ import annotations

from enum import Enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class LitellmUserRoles(str, Enum):
    """What a user may do."""

    PROXY_ADMIN = "proxy_admin"
    PROXY_ADMIN_VIEW_ONLY = "proxy_admin_viewer"
    ORG_ADMIN = "org_admin"
    INTERNAL_USER = "internal_user"
    INTERNAL_USER_VIEW_ONLY = "internal_user_viewer"
    TEAM = "team"
    CUSTOMER = "customer"

    def __str__(self) -> str:
        return str(self.value)


_NONE = [
    "token",
    "key_name",
    "key_alias",
    "max_budget",
    "expires",
    "user_id",
    "user_email",
    "user_role",
    "user_alias",
    "team_id",
    "team_alias",
    "team_metadata",
    "team_spend",
    "team_max_budget",
    "org_id",
    "organization_id",
    "end_user_id",
    "end_user_max_budget",
    "tpm_limit",
    "rpm_limit",
    "team_tpm_limit",
    "team_rpm_limit",
    "user_tpm_limit",
    "user_rpm_limit",
    "max_parallel_requests",
    "budget_duration",
    "budget_reset_at",
    "created_at",
    "updated_at",
    "project_id",
    "parent_otel_span",
    "request_route",
    "jwt_claims",
    "allowed_model_region",
]
_EMPTY: dict[str, Any] = {
    "spend": 0.0,
    "models": [],
    "aliases": {},
    "config": {},
    "metadata": {},
    "permissions": {},
    "model_spend": {},
    "model_max_budget": {},
    "team_models": [],
    "allowed_cache_controls": [],
    "guardrails": [],
    "blocked": False,
}


class UserAPIKeyAuth:
    """Whose a request is. A custom auth function returns one; every hook is given it.

    Args:
        api_key: The key; what is kept of it is its hash: objects end up in logs.
        **fields: Whatever is known besides: user_id, team_id, user_role, metadata, …
    """

    def __init__(self, api_key: str | None = None, **fields: Any) -> None:
        for name in _NONE:
            setattr(self, name, None)
        for name, value in _EMPTY.items():
            setattr(self, name, value.copy() if isinstance(value, (dict, list)) else value)
        self.api_key = api_key if not api_key or _is_hash(api_key) else hash_token(api_key)
        self.token = self.api_key
        for name, value in fields.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"UserAPIKeyAuth has no field {name!r}")

    def get(self, name: str, default: Any = None) -> Any:
        """A field, or `default`."""
        return self.__dict__.get(name, default)

    def model_dump(self, exclude_none: bool = False, **_: Any) -> dict[str, Any]:
        """All fields."""
        return {name: value for name, value in self.__dict__.items() if not (exclude_none and value is None)}

    def __repr__(self) -> str:
        # Without the key: objects end up in logs.
        return f"UserAPIKeyAuth(user_id={self.user_id!r}, team_id={self.team_id!r}, user_role={self.user_role!r})"


def _is_hash(text: str) -> bool:
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)


def hash_token(token: str) -> str:
    """A key as it is kept."""
    from hashlib import sha256

    return sha256(token.encode()).hexdigest()


class ProxyException(Exception):
    """A failure that says itself how it is answered.

    Args:
        message, type, param, code: As the client reads them; `code` is the status.
    """

    def __init__(
        self,
        message: str,
        type: str | None = None,
        param: str | None = None,
        code: int | str | None = None,
        headers: dict[str, str] | None = None,
        **_: Any,
    ) -> None:
        super().__init__(message)
        self.message = str(message)
        self.type = type
        self.param = param
        self.code = str(code)
        self.headers = headers or {}
