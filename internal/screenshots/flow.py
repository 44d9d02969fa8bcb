# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0

"""The flow of the picture: each of its tasks runs the Go program that SHOP names, and it prints the id of its run."""

import os
import subprocess

from prefect import flow, get_run_logger, task
from prefect.runtime import flow_run, task_run


def run_go(step):
    ids = {"PREFECT__FLOW_RUN_ID": flow_run.id, "PREFECT__TASK_RUN_ID": task_run.id}
    subprocess.run([os.environ["SHOP"], step], env={**os.environ, **ids, "PREFECT_LOGGING_LEVEL": "DEBUG"}, check=True)


@task(task_run_name="charge-cards")
def charge():
    run_go("charge")


@task(task_run_name="pack-parcels")
def pack():
    run_go("pack")


@flow(flow_run_name="nightly-orders")
def shop():
    get_run_logger().info("3 orders to charge and to pack (a line of the Python flow)")
    charge()
    pack()
    print(flow_run.id)


shop()
