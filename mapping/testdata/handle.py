# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0

"""Hands log records to Prefect's own handler and prints what it would send.

Reads one record in JSON a line, and prints for each {"log": what is sent, or null, "error": the name of the exception
that the handler met, "exception": what OpenTelemetry's Python SDK would put into exception.* attributes}.
"""

import json
import logging
import sys
import traceback

import prefect.logging.handlers as handlers

sent = []


class Sink:
    def send(self, log):
        sent.append(log)

    def enqueue(self, log):
        sent.append(log)


if hasattr(handlers, "OrionHandler"):  # 2.7
    handler = handlers.OrionHandler()
    handler.get_worker = lambda context: Sink()
else:
    handler = handlers.APILogHandler()
    handlers.APILogWorker.instance = classmethod(lambda cls, *args: Sink())
    handlers.emit_api_log = sent.append  # 3.8

problems = []
handler.handleError = lambda record: problems.append(type(sys.exc_info()[1]).__name__)


class Refused(Exception):
    pass


def raised(kind, message):
    kinds = {"ValueError": ValueError, "KeyError": KeyError, "Refused": Refused}
    try:
        if kind == "chained":
            try:
                raise ValueError("the first")
            except ValueError as first:
                raise Refused(message) from first
        raise kinds[kind](message)
    except Exception:
        return sys.exc_info()


for line in sys.stdin:
    case = json.loads(line)
    exc_info = raised(case["exception"], case["exception_message"]) if case["exception"] else None
    record = logging.LogRecord(
        case["name"], case["level"], "f.py", 1, case["message"], tuple(case["args"] or ()), exc_info, "f"
    )
    record.created = case["micros"] / 1e6
    for key, value in (case["extra"] or {}).items():
        setattr(record, key, value)
    sent.clear()
    problems.clear()
    handler.emit(record)
    exception = None
    if exc_info:
        exception = {
            "type": exc_info[0].__name__,
            "message": str(exc_info[1]),
            "stacktrace": "".join(traceback.format_exception(*exc_info)),
        }
    log = sent[0] if sent else None
    if log is not None:
        log = {key: value for key, value in log.items() if key not in ("__payload_size__", "worker_id")}
    print(json.dumps({"log": log, "error": problems[0] if problems else "", "exception": exception}, default=str))
