# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0

"""Logs by Prefect's own handler, as benchmarks asks for it, and prints what that cost."""

import json
import logging
import resource
import sys
import time

from prefect.logging.handlers import APILogHandler, APILogWorker

told = json.load(sys.stdin)
logger = logging.getLogger("benchmark")
logger.propagate = False
logger.setLevel(logging.INFO)
logger.addHandler(APILogHandler())


def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


cpu, began, n = used(), time.perf_counter(), told["records"]
for i in range(n):
    if told["rate"] and i % 100 == 0:
        time.sleep(max(0, began + i / told["rate"] - time.perf_counter()))
    logger.info(told["message"], extra=told["runs"][i % len(told["runs"])])
called = time.perf_counter() - began
APILogWorker.drain_all()
took = time.perf_counter() - began
print(json.dumps({
    "NS": called / n * 1e9,
    "CPU": (used() - cpu) / n * 1e6,
    "Rate": n / took,
    "PeakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
