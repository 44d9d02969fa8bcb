# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0

"""Flows that start the Go program beside this file: `go build -o worker . && python flow.py`.

Expect its lines on the page of the flow run, and again under the task run of pack.
"""

import os
import subprocess

from prefect import flow, task
from prefect.runtime import flow_run, task_run


def environment():
    """What a program needs to log into the run that starts it, and to go on with its trace."""
    env = {**os.environ, "PREFECT__FLOW_RUN_ID": flow_run.id or "", "PREFECT__TASK_RUN_ID": task_run.id or ""}
    try:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    except ImportError:  # Prefect 2 does without OpenTelemetry
        return env
    trace = {}
    TraceContextTextMapPropagator().inject(trace)  # nothing, unless a span is active
    return {**env, **{name.upper(): value for name, value in trace.items()}}


@task
def pack(program):
    """Its lines stand under this task run."""
    subprocess.run([program, "task"], env=environment(), check=True)


@flow
def orders(program="./worker"):
    """Right however it is started: called, served, or by a worker."""
    subprocess.run([program, "flow"], env=environment(), check=True)
    pack(program)


@flow
def deployed(program="./worker"):
    """Enough where a worker starts the flow: it sets PREFECT__FLOW_RUN_ID, which every child inherits."""
    subprocess.run([program, "deployed"], check=True)


if __name__ == "__main__":
    orders()
