"""Which format a report has, by what is in it; file names say nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from slipway.errors import InputError
from slipway.scan.adapters.reading import document
from slipway.scan.advisories.osv import is_advisory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slipway.scan.adapters.model import Imported

FORMS: Final = (
    "JSON of Trivy, Grype, osv-scanner or ECR, OSV documents, SARIF 2.1.0, or CycloneDX with vulnerabilities"
)
_HERE: Final = "slipway.scan.adapters"


def findings(path: Path) -> Imported:
    """What the report at `path` says, whichever of `FORMS` it is.

    `UsageError` when there is no such file, `InputError` with file and place when it is damaged or of no format that is known.
    """
    value = document(path)
    try:
        name, reader, given = _reader(value)
        module = import_module(f"{_HERE}.{name}")
        return cast("Callable[[Any], Imported]", getattr(module, reader))(given)
    except InputError as error:
        hint = error.hint or ("" if isinstance(value, dict | list) else f"it must be {FORMS}")
        raise InputError(f"{path}: {error.brief}", details=error.details, hint=hint) from error


def _reader(value: Any) -> tuple[str, str, Any]:
    """The module that reads it, the function there, and what to give it."""
    if isinstance(value, list):
        return _of_list(value)
    if not isinstance(value, dict):
        raise InputError("it is no report of a scanner")
    if value.get("bomFormat") == "CycloneDX":
        return "cyclonedx", "read", value
    if "runs" in value and str(value.get("version", "")).startswith("2."):
        if value["version"] != "2.1.0":
            raise InputError(f"SARIF {str(value['version'])[:20]} is not known here", hint="2.1.0 is")
        return "sarif", "read", value
    if "SchemaVersion" in value and ("Results" in value or "ArtifactName" in value):
        return "trivy", "read", value
    if "repositoryName" in value and "imageScanStatus" in value:
        return "ecr", "read", value
    if "matches" in value:
        return "grype", "read", value
    if isinstance(value.get("results"), list) and "version" not in value:
        return "osv", "read_scanner", value
    if isinstance(value.get("vulns"), list):  # what OSV's server answers
        return "osv", "read_documents", value["vulns"]
    if is_advisory(value):
        return "osv", "read_documents", [value]
    raise _unknown(value)


def _of_list(value: list[Any]) -> tuple[str, str, Any]:
    if not value:
        raise InputError("it is an empty list, which says nothing", hint=f"it must be {FORMS}")
    if all(isinstance(row, dict) and "Target" in row for row in value):
        return "trivy", "read", {"Results": value}
    if all(isinstance(row, dict) and "imageScanStatus" in row for row in value):
        return "ecr", "read", value
    if all(is_advisory(row) for row in value):
        return "osv", "read_documents", value
    raise InputError("it is no report of a scanner", hint=f"it must be {FORMS}")


def _unknown(value: dict[str, Any]) -> InputError:
    hint = f"it must be {FORMS}"
    if "statements" in value:
        hint = "this looks like OpenVEX: give it with --vex"
    elif "spdxVersion" in value:
        hint = "this looks like an SPDX document, an inventory without findings"
    return InputError("it is no report of a scanner that is known here", hint=hint)
