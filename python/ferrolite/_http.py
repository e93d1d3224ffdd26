"""HTTP clients over httpx, for programs that borrow LiteLLM's. This package sends nothing through them."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

_settings = sys.modules["ferrolite"].__dict__


def _client(kind: str, timeout: Any, verify: Any, concurrent_limit: int | None = None, **options: Any) -> Any:
    import httpx

    limits = httpx.Limits(max_connections=concurrent_limit, max_keepalive_connections=concurrent_limit)
    timeout = httpx.Timeout(600.0, connect=5.0) if timeout is None else timeout
    verify = _settings["ssl_verify"] if verify is None else verify
    return getattr(httpx, kind)(timeout=timeout, verify=verify, limits=limits, **options)


def _request(client: Any, method: str, url: str, data: Any, timeout: Any, **fields: Any) -> Any:
    if data is not None:
        fields["content" if isinstance(data, (str, bytes)) else "data"] = data
    if timeout is not None:
        fields["timeout"] = timeout
    given = {name: value for name, value in fields.items() if value is not None}
    return client.build_request(method, url, **given)


def _checked(reply: Any) -> Any:
    """The reply, or the error that it is, with `status_code`, `message` and `text`."""
    import httpx

    try:
        return reply.raise_for_status()
    except httpx.HTTPStatusError as error:
        told: Any = error
        told.status_code, told.message, told.text = reply.status_code, reply.text, reply.text
        # Keys may be in the query, and the text of an error is logged.
        bare = str(reply.url.copy_with(query=None, userinfo=b""))
        told.args = (str(error).replace(str(reply.url), bare),)
        raise


class AsyncHTTPHandler:
    """An asynchronous client. What is sent with `post` and its like raises `httpx.HTTPStatusError` from 400 on."""

    def __init__(
        self,
        timeout: Any = None,
        event_hooks: Any = None,
        concurrent_limit: int | None = None,
        client_alias: str | None = None,
        ssl_verify: Any = None,
        shared_session: Any = None,
        transport: Any = None,
        follow_redirects: bool = True,
        http2: bool = False,
    ) -> None:
        self.timeout = timeout
        self.client_alias = client_alias
        self.client = _client(
            "AsyncClient",
            timeout,
            ssl_verify,
            concurrent_limit,
            event_hooks=event_hooks,
            transport=transport,
            follow_redirects=follow_redirects,
            http2=http2,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def get(
        self,
        url: str,
        params: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        follow_redirects: bool | None = None,
        timeout: Any = None,
        max_response_bytes: int | None = None,
        stream: bool = False,
    ) -> Any:
        """A GET request; `max_response_bytes` is accepted."""
        request = _request(self.client, "GET", url, None, timeout, params=params, headers=headers)
        follow = self.client.follow_redirects if follow_redirects is None else follow_redirects
        return await self.client.send(request, stream=stream, follow_redirects=follow)

    async def post(
        self,
        url: str,
        data: Any = None,
        json: Any = None,
        params: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        timeout: Any = None,
        stream: bool = False,
        logging_obj: Any = None,
        files: Any = None,
        content: Any = None,
    ) -> Any:
        """A POST request; `data` is a form, or a text."""
        fields: dict[str, Any] = {
            "json": json,
            "params": params,
            "headers": headers,
            "files": files,
            "content": content,
        }
        return await self._send("POST", url, data, timeout, stream, **fields)

    async def put(
        self,
        url: str,
        data: Any = None,
        json: Any = None,
        params: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        timeout: Any = None,
        stream: bool = False,
        content: Any = None,
        follow_redirects: bool | None = None,
    ) -> Any:
        """A PUT request; `data` is a form, or a text."""
        fields: dict[str, Any] = {"json": json, "params": params, "headers": headers, "content": content}
        return await self._send("PUT", url, data, timeout, stream, **fields)

    async def patch(
        self,
        url: str,
        data: Any = None,
        json: Any = None,
        params: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        timeout: Any = None,
        stream: bool = False,
        content: Any = None,
    ) -> Any:
        """A PATCH request; `data` is a form, or a text."""
        fields: dict[str, Any] = {"json": json, "params": params, "headers": headers, "content": content}
        return await self._send("PATCH", url, data, timeout, stream, **fields)

    async def delete(
        self,
        url: str,
        data: Any = None,
        json: Any = None,
        params: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        timeout: Any = None,
        stream: bool = False,
        content: Any = None,
    ) -> Any:
        """A DELETE request; `data` is a form, or a text."""
        fields: dict[str, Any] = {"json": json, "params": params, "headers": headers, "content": content}
        return await self._send("DELETE", url, data, timeout, stream, **fields)

    async def _send(self, method: str, url: str, data: Any, timeout: Any, stream: bool, **fields: Any) -> Any:
        request = _request(self.client, method, url, data, timeout, **fields)
        reply = await self.client.send(request, stream=stream)
        if stream and reply.is_error:
            await reply.aread()
        return _checked(reply)


class HTTPHandler:
    """The same for code that waits."""

    def __init__(
        self,
        timeout: Any = None,
        concurrent_limit: int | None = None,
        client: Any = None,
        ssl_verify: Any = None,
        disable_default_headers: bool = False,
        follow_redirects: bool = True,
    ) -> None:
        self.timeout = timeout
        self.client = client or _client(
            "Client", timeout, ssl_verify, concurrent_limit, follow_redirects=follow_redirects
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def get(
        self,
        url: str,
        params: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        follow_redirects: bool | None = None,
        timeout: Any = None,
        stream: bool = False,
    ) -> Any:
        """A GET request."""
        request = _request(self.client, "GET", url, None, timeout, params=params, headers=headers)
        follow = self.client.follow_redirects if follow_redirects is None else follow_redirects
        return self.client.send(request, stream=stream, follow_redirects=follow)

    def post(
        self,
        url: str,
        data: Any = None,
        json: Any = None,
        params: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        stream: bool = False,
        timeout: Any = None,
        files: Any = None,
        content: Any = None,
        logging_obj: Any = None,
    ) -> Any:
        """A POST request; `data` is a form, or a text."""
        fields: dict[str, Any] = {
            "json": json,
            "params": params,
            "headers": headers,
            "files": files,
            "content": content,
        }
        return self._send("POST", url, data, timeout, stream, **fields)

    def put(
        self,
        url: str,
        data: Any = None,
        json: Any = None,
        params: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        stream: bool = False,
        timeout: Any = None,
        content: Any = None,
    ) -> Any:
        """A PUT request; `data` is a form, or a text."""
        fields: dict[str, Any] = {"json": json, "params": params, "headers": headers, "content": content}
        return self._send("PUT", url, data, timeout, stream, **fields)

    def patch(
        self,
        url: str,
        data: Any = None,
        json: Any = None,
        params: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        stream: bool = False,
        timeout: Any = None,
        content: Any = None,
    ) -> Any:
        """A PATCH request; `data` is a form, or a text."""
        fields: dict[str, Any] = {"json": json, "params": params, "headers": headers, "content": content}
        return self._send("PATCH", url, data, timeout, stream, **fields)

    def delete(
        self,
        url: str,
        data: Any = None,
        json: Any = None,
        params: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        timeout: Any = None,
        stream: bool = False,
        content: Any = None,
    ) -> Any:
        """A DELETE request; `data` is a form, or a text."""
        fields: dict[str, Any] = {"json": json, "params": params, "headers": headers, "content": content}
        return self._send("DELETE", url, data, timeout, stream, **fields)

    def _send(self, method: str, url: str, data: Any, timeout: Any, stream: bool, **fields: Any) -> Any:
        request = _request(self.client, method, url, data, timeout, **fields)
        reply = self.client.send(request, stream=stream)
        if stream and reply.is_error:
            reply.read()
        return _checked(reply)
