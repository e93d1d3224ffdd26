"""The worker that asynchronous success callbacks run on."""

from ferrolite._observe.async_worker import GLOBAL_LOGGING_WORKER as GLOBAL_LOGGING_WORKER
from ferrolite._observe.async_worker import LoggingWorker as LoggingWorker
