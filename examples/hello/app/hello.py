"""Say where we are and what we are made of."""

import os
import platform
import sys
from importlib.metadata import distributions

from rich.console import Console
from rich.table import Table

console = Console(width=72)
console.print(f"[bold]{os.environ['GREETING']}[/bold]")
with open("/etc/os-release") as file:
    system = dict(line.strip().split("=", 1) for line in file if "=" in line)["PRETTY_NAME"].strip('"')
console.print(f"{system}, Python {platform.python_version()} at {sys.prefix}")
table = Table("distribution", "version")
for name, version in sorted((d.name, d.version) for d in distributions()):
    table.add_row(name, version)
console.print(table)
