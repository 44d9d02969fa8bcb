# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0

"""Two tasks call a service at the same time; the flow sends its spans by OTLP, and nothing else.

The tasks end when standard input does, so that all can be looked at while it is running. `go run ./correlation` starts it, with the
service and a Collector.
"""

import os
import sys
import threading
import urllib.request

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)

from prefect import flow, task  # noqa: E402
from prefect.runtime import flow_run, task_run  # noqa: E402

SERVICE = os.environ["SERVICE"]
together = threading.Barrier(2)


@task
def count(item: str) -> None:
    print(f"task {task_run.id} {item}\n", end="", flush=True)  # in one piece: two tasks print
    together.wait()
    with trace.get_tracer("shop").start_as_current_span("call"):
        headers: dict[str, str] = {}
        propagate.inject(headers)  # as the instrumentations of requests and httpx do
        urllib.request.urlopen(urllib.request.Request(f"{SERVICE}/stock/{item}", headers=headers)).read()
    sys.stdin.read()


@flow
def stock() -> None:
    print(f"flow {flow_run.id}", flush=True)
    for future in [count.submit(item) for item in ("apples", "pears")]:
        future.result()


stock()
provider.shutdown()
