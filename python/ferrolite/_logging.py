"""Logging through Python's `logging`, under the logger names that LiteLLM's users configure.

The level comes from `FERROLITE_LOG` or `LITELLM_LOG` (DEBUG, INFO, WARNING, ERROR), or from `set_verbose`. Keys
are never logged; bodies of requests and replies only at debug level.
"""

from __future__ import annotations

import logging
import os

from ferrolite import _core


class _Logger(logging.Logger):
    """A logger whose level is the core's too, whoever sets it."""

    def setLevel(self, level: int | str) -> None:  # noqa: N802 - logging's own name
        super().setLevel(level)
        if self.name == "LiteLLM":
            _core.set_log_level(min(self.getEffectiveLevel(), 50))


def _logger(name: str) -> logging.Logger:
    logger = logging.getLogger(name)
    logger.__class__ = _Logger
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(
            logging.Formatter("%(asctime)s - %(name)s:%(levelname)s: %(message)s", "%H:%M:%S")
        )
        logger.addHandler(handler)
    return logger


verbose_logger = _logger("LiteLLM")
verbose_router_logger = _logger("LiteLLM Router")
verbose_proxy_logger = _logger("LiteLLM Proxy")
_LOGGERS = (verbose_logger, verbose_router_logger, verbose_proxy_logger)


def set_level(level: int) -> None:
    """Set the level of the package's loggers and of the core."""
    for logger in _LOGGERS:
        logger.setLevel(level)


def level_from_environment() -> int | None:
    """The level that the environment asks for, if it does."""
    for name in ("FERROLITE_LOG", "LITELLM_LOG"):
        text = os.environ.get(name, "").strip().upper()
        if text:
            level = getattr(logging, text, None)
            return level if isinstance(level, int) else logging.WARNING
    return None


def turn_on_debug() -> None:
    """Log everything, bodies too."""
    if verbose_logger.level != logging.DEBUG:
        set_level(logging.DEBUG)


_turn_on_debug = turn_on_debug  # LiteLLM's documented name for it


is_json = False


def turn_on_json() -> None:
    """Log one JSON object a line."""
    global is_json
    import json

    is_json = True

    class JsonFormatter(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            fields = {
                "timestamp": self.formatTime(record),
                "level": record.levelname,
                "logger": record.name,
                "message": record.getMessage(),
            }
            return json.dumps(fields)

    for logger in _LOGGERS:
        for handler in logger.handlers:
            handler.setFormatter(JsonFormatter())


def print_verbose(print_statement: object) -> None:
    """Log a text at debug level."""
    verbose_logger.debug("%s", print_statement)


def _disable_debugging() -> None:  # pyright: ignore[reportUnusedFunction] - aider calls it
    for logger in _LOGGERS:
        logger.disabled = True


_level = level_from_environment()
if _level is not None:
    set_level(_level)
for _each in _LOGGERS:
    # A level that the program has set stays.
    _each.setLevel(_each.level or logging.WARNING)
