"""Check that the tools are here; a real suite would go on to talk to devices."""

import shutil
import sys

import netmiko

tools = {name: shutil.which(name) for name in ("ping", "ip", "ssh")}
for name, path in tools.items():
    print(f"{name:6} {path or 'missing'}")
print(f"netmiko {netmiko.__version__}")
sys.exit(None in tools.values())
