"""A gateway for tests: the one of the `ferrolite` command, in the background of this process.

>>> from ferrolite.gateway import Gateway
>>> with Gateway(config="config.yaml", port=0) as gateway:
...     openai.OpenAI(base_url=gateway.base_url + "/v1", api_key="sk-1234")
"""

from __future__ import annotations

from ferrolite import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self


class Gateway:
    """A gateway that runs until the `with` block ends or `stop` is called.

    Args:
        **options: The flags of the `ferrolite` command, with underscores: `config` (a file), or `model` and what goes
            with it; `host`, `port` (0 for any free one), `num_workers`, `json_logs`, `log_level`.

    Raises:
        ValueError: The configuration has an error; the text names every one, with file and line.
        OSError: The port cannot be listened on.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._core: _core.CoreGateway | None = None

    def start(self) -> Self:
        """Start it, unless it runs already."""
        if self._core is None:
            self._core = _core.CoreGateway(self._options)
        return self

    def stop(self) -> None:
        """Stop it; requests under way end first, within the configuration's limit."""
        core, self._core = self._core, None
        if core is not None:
            core.stop()

    @property
    def base_url(self) -> str:
        """The address, without a path: `http://127.0.0.1:4000`."""
        return self.facts["base_url"]

    @property
    def facts(self) -> dict[str, Any]:
        """What is served: base_url, models (name and number of deployments), has_key, is_open, warnings."""
        if self._core is None:
            raise RuntimeError("the gateway is not running")
        return self._core.facts

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
