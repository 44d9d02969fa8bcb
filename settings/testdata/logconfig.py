# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0
"""Resolves logging.yml with the Prefect that is installed, as an oracle.

Reads one case a line from stdin, {"env": {}, "file": text or null, "loggers": []}, where
"@" at the start of a value stands for the directory of the case, and writes one
answer a line: the dictionary, or why Prefect refuses it ("error"); what
dictConfig has against it ("refused"); and which handlers a record reaches,
{"logger": {"level": "api console"}}.
"""

import contextlib
import json
import logging
import logging.config
import math
import os
import sys
import tempfile
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import prefect
import prefect.context
import prefect.logging.configuration as configuration
import prefect.settings

MAJOR = int(prefect.__version__.split(".")[0])
API = "OrionHandler" if prefect.__version__.startswith("2.7") else "APILogHandler"
LEVELS = (10, 20, 25, 30, 40, 50)


contexts = {}  # by environment; Prefect takes its time to make one


def load_settings():
    key = tuple(sorted(os.environ.items()))
    if key not in contexts:
        contexts[key] = new_context()
    prefect.context.GLOBAL_SETTINGS_CONTEXT = contexts[key]


def new_context():
    if MAJOR >= 3:
        import prefect.settings.sources as sources

        sources._file_cache.clear()
        sources.DEFAULT_PREFECT_HOME = Path(os.environ["HOME"]) / ".prefect"
    else:
        prefect.settings._FROM_ENV_CACHE.clear()
    prefect.context.GLOBAL_SETTINGS_CONTEXT = None
    return prefect.context.root_settings_context()


def plain(value):
    """The value as JSON can carry it; whole numbers and others stay apart."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return {"float": repr(value)}
    return value


def kind(handler):
    if type(handler).__name__ in ("APILogHandler", "OrionHandler", "WorkerAPILogHandler"):
        return "api"
    return "console" if isinstance(handler, logging.StreamHandler) else type(handler).__name__


def forget_loggers():
    logging.Logger.manager.loggerDict.clear()
    logging.root.handlers.clear()
    logging.root.filters.clear()
    logging.root.setLevel(logging.WARNING)
    logging._handlers.clear()
    configuration.PROCESS_LOGGING_CONFIG = {} if MAJOR >= 3 else None


def reached(name):
    found = {}
    logger = logging.getLogger(name)
    for level in LEVELS:
        seen = set()
        walked = logger
        while walked:
            for handler in walked.handlers:
                handler.emit = lambda record, k=kind(handler): seen.add(k)
            walked = walked.parent
        logger.log(level, "x")
        found[str(level)] = " ".join(sorted(seen))
    return found


def answer(case, directory):
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(base)
    os.environ["HOME"] = os.path.join(directory, "home")
    for name, value in (case["env"] or {}).items():
        os.environ[name] = directory + value[1:] if value.startswith("@") else value
    if case["file"] is not None:
        path = os.path.join(directory, "logging.yml")
        Path(path).write_text(case["file"].replace("@API@", API))
        os.environ["PREFECT_LOGGING_SETTINGS_PATH"] = path
    result = {"refused": "", "error": "", "reached": {}}

    def dict_config(config):
        try:
            original(config)
        except Exception as e:
            result["refused"] = f"{type(e).__name__}: {e}"
            raise

    try:
        load_settings()
        path = configuration.PREFECT_LOGGING_SETTINGS_PATH.value()
        if not path.exists():
            path = configuration.DEFAULT_LOGGING_SETTINGS_PATH
        text = json.dumps(plain(configuration.load_logging_config(path)))
        result["config"] = json.loads(text.replace(directory, "@"))
        forget_loggers()
        configuration.logging.config.dictConfig = dict_config
        configuration.setup_logging()
        logging.lastResort = logging.NullHandler()
        result["reached"] = {name: reached(name) for name in case["loggers"] or []}
    except BaseException as e:
        result["error"] = f"{type(e).__name__}: {e}"[:400]
    return result


if MAJOR >= 3:
    from prefect.settings.base import PrefectBaseSettings

    dump, dumped = PrefectBaseSettings.to_environment_variables, {}

    def dump_once(settings, **options):  # it takes a tenth of a second
        key = (id(settings), tuple(options.items()))
        if key not in dumped:
            dumped[key] = (settings, dump(settings, **options))
        return dumped[key][1]

    PrefectBaseSettings.to_environment_variables = dump_once
original = logging.config.dictConfig
base = dict(os.environ)
with tempfile.TemporaryDirectory() as directory:
    os.mkdir(os.path.join(directory, "home"))
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            result = answer(json.loads(line), directory)
        print(json.dumps(result), file=answers, flush=True)
    os.chdir("/")
