"""The worker that success callbacks run on."""

from ferrolite._observe.worker import LoggingExecutor as LoggingExecutor
from ferrolite._observe.worker import executor as executor
