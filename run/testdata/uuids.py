# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0

"""Reads a JSON list of texts and prints, for each, the UUID that Python makes of it, or null."""

import json
import sys
import uuid


def parse(text):
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


json.dump([parse(text) for text in json.load(sys.stdin)], sys.stdout)
