# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0
"""Parses single values and .env files as Prefect does, as an oracle.

Reads one JSON array [kind, text] a line from stdin, kind being int, float,
bool or dotenv, and writes one answer a line: {"value": ...} or {"error": text}.
The environment variable OUTER is there for .env files to expand.
"""

import io
import json
import logging
import math
import os
import sys

import pydantic

logging.disable(logging.CRITICAL)
os.environ.clear()
os.environ["OUTER"] = "o"

if sys.argv[1] == "3":
    import dotenv

    adapters = {"int": pydantic.TypeAdapter(int), "float": pydantic.TypeAdapter(float), "bool": pydantic.TypeAdapter(bool)}

    def parse(kind, text):
        if kind == "dotenv":
            stream = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")  # as a file is read
            return list(map(list, dotenv.dotenv_values(stream=stream).items()))
        return adapters[kind].validate_python(text)
else:
    try:
        import pydantic.v1 as v1
    except ImportError:
        v1 = pydantic
    types = {"int": int, "float": float, "bool": bool}

    def parse(kind, text):
        return v1.parse_obj_as(types[kind], text)


for line in sys.stdin:
    kind, text = json.loads(line)
    try:
        value = parse(kind, text)
        if isinstance(value, float) and not math.isfinite(value):
            value = str(value)
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
            value = "large"
        answer = {"value": value}
    except ValueError as e:
        answer = {"error": str(e)[:200]}
    print(json.dumps(answer))
