#!/usr/bin/env python
"""Django's command-line door."""

import os
import sys

from django.core.management import execute_from_command_line

from leads.past.acting import COMMAND_LINE, Door, act

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    door = Door.MIGRATION if command == "migrate" else Door.COMMAND
    with act(door, source=command, because=COMMAND_LINE):
        execute_from_command_line(sys.argv)
