# SPDX-FileCopyrightText: The prefectlogs authors
# SPDX-License-Identifier: Apache-2.0
"""Writes every setting that the installed Prefect has, as the tables
settings/variables*.tsv have them: names, the newest first; key in TOML files;
type; default. "-" is none. The home in a default is ${PREFECT_HOME}.
"""

import datetime
import os
import re
import sys
import tempfile
import typing
from pathlib import Path

home = tempfile.mkdtemp()
for name in [n for n in os.environ if n.startswith("PREFECT_")]:
    del os.environ[name]
os.environ["HOME"] = home
os.chdir(home)
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import prefect


def kind(hint):
    """The one type that values of a setting have, as far as texts differ by it."""
    text = str(hint)
    args = [a for a in typing.get_args(hint) if a is not type(None)]
    if typing.get_origin(hint) is typing.Union and len(args) == 1:
        return kind(args[0])
    for known in (bool, int, float, str, Path, datetime.timedelta):
        if hint is known:
            return {"PosixPath": "path", "Path": "path", "timedelta": "duration"}.get(known.__name__, known.__name__)
    if "SecretStr" in text:
        return "str"
    if text.startswith("set[str]"):
        return "set"
    if "'DEBUG'" in text:
        return "level"
    return "str" if "Literal" in text and "Union" not in text else "other"


def row(names, key, hint, default):
    names = [name for name in names if name.startswith("PREFECT_")]
    default = "-" if default is None else default.replace(home + "/.prefect", "${PREFECT_HOME}")
    print(" ".join(names), key or "-", kind(hint), default, sep="\t", file=out)


if prefect.__version__.startswith("3."):
    from prefect.settings import get_current_settings
    from prefect.settings.legacy import _get_settings_fields
    from prefect.settings.models.root import Settings

    values = get_current_settings().to_environment_variables(include_aliases=True)
    rows = {}
    for name, setting in _get_settings_fields(Settings).items():
        names, _, default = rows.get(setting.accessor, ([], None, None))
        rows[setting.accessor] = (names + [name], setting._type, values.get(name, default))
    for key, (names, hint, default) in rows.items():
        row(names, key, hint, default)
else:
    import prefect.settings

    for name, setting in prefect.settings.SETTING_VARIABLES.items():
        row([name], None, "'DEBUG'" if re.match("PREFECT_LOGGING_.*LEVEL", name) else setting.type, str(setting.value()))
