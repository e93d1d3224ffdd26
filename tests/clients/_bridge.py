"""A proxy on loopback that hands requests to what a test has put in the place of Python's HTTP transports.

A suite that replaces `httpx.HTTPTransport.handle_request` sees every request of LiteLLM's. ferrolite's do not go through
Python, so this takes them off the wire, as the host that they are for, and gives them to the same replacement.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

AIOHTTP = "litellm.llms.custom_httpx.aiohttp_transport"


def start() -> None:
    """Start the proxy, and send ferrolite's calls through it: by the usual variables."""
    import httpx
    import trustme

    authority = trustme.CA()
    with tempfile.NamedTemporaryFile("wb", suffix=".pem", delete=False) as file:
        file.write(authority.cert_pem.bytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(authority, httpx))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    os.environ.update(SSL_CERT_FILE=file.name, HTTPS_PROXY=address, HTTP_PROXY=address, NO_PROXY="127.0.0.1")


def handler(authority: Any, httpx: Any) -> type[BaseHTTPRequestHandler]:
    """Takes tunnels and what comes through them."""
    original = httpx.HTTPTransport.handle_request
    certificates: dict[str, ssl.SSLContext] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        host = ""

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

        def do_CONNECT(self) -> None:
            self.host = self.path
            name = self.host.partition(":")[0]
            if name not in certificates:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                authority.issue_cert(name).configure_cert(context)
                certificates[name] = context
            self.send_response(200)
            self.end_headers()
            self.connection = certificates[name].wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb")
            self.close_connection = False

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            url = f"https://{self.host.removesuffix(':443')}{self.path}" if self.host else self.path
            request = httpx.Request(self.command, url, headers=dict(self.headers), content=body)
            try:
                response = replaced(request)
                data = response.read()
            except Exception as error:
                print(f"the test's transport failed: {error!r}", file=sys.stderr)
                self.close_connection = True
                return
            self.send_response(response.status_code)
            for header, value in response.headers.items():
                if header.lower() not in ("content-length", "transfer-encoding", "content-encoding"):
                    self.send_header(header, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()

        do_GET = do_POST = answer  # noqa: N815 - the base class's names

    def replaced(request: Any) -> Any:
        """What the test answers.

        Raises:
            ConnectionError: It has not replaced anything.
        """
        function = httpx.HTTPTransport.handle_request
        if function is not original:
            return function(None, request)
        aiohttp: Any = sys.modules.get(AIOHTTP)
        function = aiohttp and aiohttp.LiteLLMAiohttpTransport.handle_async_request
        if not function:
            raise ConnectionError(f"nothing answers {request.url}")
        return asyncio.run(function(None, request))

    return Handler
