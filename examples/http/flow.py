# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0

"""A flow whose task starts a Go program, which calls a Go service.

go build -o packer ./packer && go build -o stock ./stock && ./stock & python flow.py
"""

import os
import subprocess
import sys

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prefect import flow, get_run_logger, task
from prefect.runtime import flow_run, task_run

trace.set_tracer_provider(TracerProvider())  # Prefect's spans; add an exporter to see them


@task
def pack(program, stock):
    """The lines of both Go programs stand under this task run."""
    get_run_logger().info("starting %s", program)
    TraceContextTextMapPropagator().inject(span := {})
    env = {**os.environ, "PREFECT__FLOW_RUN_ID": flow_run.id, "PREFECT__TASK_RUN_ID": task_run.id}
    env |= {name.upper(): value for name, value in span.items()}
    subprocess.run([program, stock], env=env, check=True)


@flow
def orders(program="./packer", stock="http://127.0.0.1:8080"):
    pack(program, stock)


if __name__ == "__main__":
    orders(*sys.argv[1:])
