# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0

"""A flow whose task starts a Go program, which calls a Go service, and sends a message to another.

    go build -o /tmp/shop/ ./...
    /tmp/shop/stock 127.0.0.1:8080 & /tmp/shop/jobs 127.0.0.1:8081 &
    python flow.py /tmp/shop/packer http://127.0.0.1:8080 http://127.0.0.1:8081

Expect the lines of all three under the task run of pack.
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
def pack(packer, stock, jobs):
    get_run_logger().info("starting %s", packer)
    TraceContextTextMapPropagator().inject(span := {})
    env = {**os.environ, "PREFECT__FLOW_RUN_ID": flow_run.id, "PREFECT__TASK_RUN_ID": task_run.id}
    env |= {name.upper(): value for name, value in span.items()}
    subprocess.run([packer, stock, jobs], env=env, check=True)


@flow
def orders(packer, stock, jobs):
    pack(packer, stock, jobs)


if __name__ == "__main__":
    orders(*sys.argv[1:])
