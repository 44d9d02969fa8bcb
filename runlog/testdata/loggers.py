# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0

"""Says what the loggers of the installed Prefect are: names from standard input, JSON to standard output."""

import json
import os
import sys
from types import SimpleNamespace
from uuid import UUID

from prefect.logging.loggers import flow_run_logger, get_logger, task_run_logger

os.environ["PREFECT__DEPLOYMENT_NAME"] = "nightly"
FLOW, TASK = UUID("11111111-2222-3333-4444-555555555555"), UUID("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")


def described(adapter):
    """A logger's name, its fields, and what a call makes of them."""
    _, kwargs = adapter.process("", {"extra": {"flow_name": "of the call", "n": "1"}})
    return {"name": adapter.logger.name, "fields": adapter.extra, "call": kwargs["extra"]}


flow_run = SimpleNamespace(id=FLOW, name="tapir", deployment_id=FLOW, parent_task_run_id=None)
task_run = SimpleNamespace(id=TASK, name="pack-0", flow_run_id=FLOW)
flow, task = SimpleNamespace(name="orders"), SimpleNamespace(name="pack")
print(json.dumps({
    "names": {name: get_logger(name).name for name in json.load(sys.stdin)},
    "same": get_logger("a") is get_logger("prefect.a") and get_logger("") is get_logger("") and get_logger("a") is get_logger("a"),
    "loggers": {
        "flow run": described(flow_run_logger(flow_run, flow)),
        "flow run without its flow": described(flow_run_logger(flow_run)),
        "task run": described(task_run_logger(task_run, task, flow_run, flow)),
        "task run alone": described(task_run_logger(task_run)),
        "given fields win": described(flow_run_logger(flow_run, flow, flow_run_name="given", more="m")),
    },
}))
