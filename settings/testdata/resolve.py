# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0
"""Resolves settings with the Prefect that is installed, as an oracle.

Reads one case a line from stdin, {"env": {}, "files": {path: text}}, where
"@" at the start of a path or of a value stands for the directory of the case,
and writes one answer a line: {"settings": {name: value}} or {"error": text}.
"""

import contextlib
import json
import math
import os
import sys
import tempfile
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
answers = os.fdopen(os.dup(1), "w")  # Prefect prints on stdout, too
os.dup2(2, 1)

import prefect
import prefect.context
import prefect.settings

MAJOR = int(prefect.__version__.split(".")[0])
NAMES = """
API_URL API_KEY API_AUTH_STRING CLIENT_CUSTOM_HEADERS API_SSL_CERT_FILE
API_TLS_INSECURE_SKIP_VERIFY API_REQUEST_TIMEOUT CLIENT_MAX_RETRIES
CLIENT_RETRY_EXTRA_CODES CLIENT_RETRY_JITTER_FACTOR CLOUD_API_URL CLOUD_UI_URL
CLOUD_MAX_LOG_SIZE UI_URL LOGGING_LEVEL LOGGING_EXTRA_LOGGERS
LOGGING_CONFIG_PATH LOGGING_SETTINGS_PATH LOGGING_TO_API_ENABLED
LOGGING_TO_API_BATCH_INTERVAL LOGGING_TO_API_BATCH_SIZE
LOGGING_TO_API_MAX_LOG_SIZE LOGGING_TO_API_WHEN_MISSING_FLOW
LOGGING_ORION_ENABLED LOGGING_ORION_BATCH_INTERVAL LOGGING_ORION_BATCH_SIZE
LOGGING_ORION_MAX_LOG_SIZE HOME DEBUG_MODE
""".split()


def plain(value):
    """The value as JSON can carry it."""
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset, list, tuple)):
        return sorted(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def resolve3():
    import prefect.settings.sources as sources
    from prefect.settings.models.root import _get_settings_accessors, Settings

    sources._file_cache.clear()
    sources.DEFAULT_PREFECT_HOME = Path(os.environ["HOME"]) / ".prefect"
    prefect.context.GLOBAL_SETTINGS_CONTEXT = None
    settings = prefect.context.root_settings_context().settings
    found = {}
    accessors = _get_settings_accessors(Settings)
    for name in NAMES:
        accessor = accessors.get("PREFECT_" + name)
        if accessor:
            value = settings
            for key in accessor.split("."):
                value = getattr(value, key)
            found["PREFECT_" + name] = plain(value)
    return found


def resolve2():
    prefect.settings._FROM_ENV_CACHE.clear()
    prefect.context.GLOBAL_SETTINGS_CONTEXT = None
    settings = prefect.context.root_settings_context().settings
    return {
        "PREFECT_" + name: plain(getattr(prefect.settings, "PREFECT_" + name).value_from(settings))
        for name in NAMES
        if "PREFECT_" + name in prefect.settings.SETTING_VARIABLES
    }


def answer(case, directory):
    def here(text):
        return directory + text[1:] if text.startswith("@") else text

    for path, text in (case["files"] or {}).items():
        file = Path(directory, "work", here(path))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.replace("@@", directory).encode())
    os.chdir(os.path.join(directory, "work"))
    os.environ.clear()
    os.environ.update(base)
    os.environ["HOME"] = os.path.join(directory, "home")
    for name, value in (case["env"] or {}).items():
        os.environ[name] = here(value)
    try:
        return {"settings": {k: v.replace(directory, "@") if isinstance(v, str) else v
                             for k, v in (resolve3 if MAJOR >= 3 else resolve2)().items()}}
    except BaseException as e:  # noqa: B036 - whatever it is, Prefect refuses the case
        return {"error": f"{type(e).__name__}: {e}".replace(directory, "@")[:400]}


base = dict(os.environ)
for line in sys.stdin:
    with tempfile.TemporaryDirectory() as directory:
        for name in ("work", "home"):
            os.mkdir(os.path.join(directory, name))
        with contextlib.redirect_stdout(sys.stderr):
            result = answer(json.loads(line), directory)
        os.chdir("/")
    print(json.dumps(result), file=answers, flush=True)
