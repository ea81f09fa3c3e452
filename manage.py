#!/usr/bin/env python
"""Runboard's command line: `manage.py up`, `run_worker`, `migrate` and the rest."""

import os
import sys


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    from dashboard.env import BadSetting

    try:
        if sys.argv[1:2] == ["up"]:
            # `up` makes the secrets and the database that settings need, so it runs before they are read.
            from dashboard.local.up import main as up

            return up(sys.argv[2:])
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except BadSetting as error:
        print(f"runboard: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
