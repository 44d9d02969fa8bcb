# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0
"""Lays log records out with the formatters of the Prefect that is installed, as an
oracle: one case a line from stdin, one answer a line.
"""

import contextlib
import json
import logging
import os
import sys

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

from prefect.logging.formatters import JsonFormatter, PrefectFormatter

for line in sys.stdin:
    case = json.loads(line)
    record = logging.LogRecord(case["name"], case["level"], "", 0, case["message"], (), None)
    record.created = case["micros"] / 1e6
    record.msecs = float(case["micros"] // 1000 % 1000)
    record.__dict__.update(case["extra"] or {})
    try:
        if case["json"]:
            answer = JsonFormatter(case["json"], None, "%").format(record)
        else:
            answer = PrefectFormatter(
                case["text"] or None, case["date"] or None, flow_run_fmt=case["flow"] or None, task_run_fmt=case["task"] or None
            ).format(record)
    except Exception as e:
        answer = f"error: {e!r}"
    print(json.dumps(answer), file=answers, flush=True)
