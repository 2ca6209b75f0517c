"""Test execution manifests (`*.tem`) and the YAML files that they name, as plain data of JSON. Pure.

The shapes are those that the pyATS Image Builder writes: mappings of profiles and runtimes become lists with names.
"""

from __future__ import annotations

from typing import Any

_LARGEST = 1 << 20  # bytes of YAML
_MOST = 100_000  # values, with all that aliases stand for written out
_DEVICE = ("os", "platform", "model", "pid", "type", "logical")


class Malformed(Exception):  # noqa: N818 - not for users: a warning says what it says
    """Why a file is passed over."""


def read_yaml(content: bytes) -> Any:
    """The document, with values and keys as JSON has them; `Malformed` when it is none, or absurdly large."""
    import yaml

    if len(content) > _LARGEST:
        raise Malformed("it is too large")
    try:
        value = yaml.load(content, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe one
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Malformed(
            f"line {mark.line + 1} is not valid YAML" if mark else "it is not valid YAML"
        ) from error
    except (ValueError, RecursionError) as error:  # dates that are none; nesting without end
        raise Malformed("it is not valid YAML") from error
    return _Plain().value(value)


class _Plain:
    def __init__(self) -> None:
        self._left = _MOST

    def value(self, value: Any, depth: int = 0) -> Any:
        self._left -= 1
        if self._left < 0 or depth > 64:
            raise Malformed("it stands for more data than can be meant")
        if isinstance(value, dict):
            return {_key(key): self.value(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list | tuple | set):
            items = sorted(value, key=str) if isinstance(value, set) else value
            return [self.value(inner, depth + 1) for inner in items]
        if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124 - not a number
            return str(value)
        return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _key(key: object) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)


def profiles(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The profiles of a manifest, and one called DEFAULT of what stands at its top; each with the environment of its runtime."""
    known = _mapping(data.get("runtimes"), "runtimes")
    given = {
        name: dict(_mapping(profile, f"profile {name}"))
        for name, profile in _mapping(data.get("profiles"), "profiles").items()
    }
    given["DEFAULT"] = {
        "runtime": "system",
        "arguments": data.get("arguments") or {},
        "environment": _mapping(known.get("system"), "runtime system").get("environment") or {},
    }
    for name, profile in given.items():
        runtime = str(profile.get("runtime", "system"))
        if environment := _mapping(known.get(runtime), f"runtime {runtime}").get("environment"):
            profile["environment"] = environment
        if tags := [*_list(data.get("tags")), *_list(profile.get("tags"))]:
            profile["tags"] = tags
        profile["name"] = name
    return list(given.values())


def runtimes(data: dict[str, Any]) -> list[dict[str, Any]]:
    known = _mapping(data.get("runtimes"), "runtimes")
    return [{**_mapping(runtime, f"runtime {name}"), "name": name} for name, runtime in known.items()]


def testbed(data: Any) -> dict[str, Any]:
    """The devices of a testbed file: what is known of each, and where its console is."""
    devices = _mapping(_mapping(data, "it").get("devices"), "devices")
    return {name: _device(device) for name, device in devices.items() if isinstance(device, dict)}


def _device(device: dict[str, Any]) -> dict[str, Any]:
    found = {key: device[key] for key in _DEVICE if device.get(key)}
    connections = device.get("connections")
    console = connections.get("a") if isinstance(connections, dict) else None
    if isinstance(console, dict) and console.get("ip") and console.get("port"):
        found["console"] = f"{console['ip']}:{console['port']}"
    if device.get("device_id"):
        found["device_id"] = device["device_id"]
    return found


def worker(data: Any) -> dict[str, Any]:
    """The module that brings the devices of a clean file up."""
    bringup = _mapping(_mapping(data, "it").get("bringup"), "bringup")
    module = _mapping(bringup.get("BringUpWorker"), "BringUpWorker").get("module")
    return {"bringup_module": module} if module else {}


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed(f"{what} is not a mapping")
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
