"""Merge patches as changes of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.service.v4.bodies import checked, merged
from slipway.service.v4.problems import Fault, ProblemError, at, invalid, pointer

if TYPE_CHECKING:
    from slipway.service.v4.resources import Resource


def edited(resource: Resource, current: dict[str, Any], patch: object, base: str) -> dict[str, Any]:
    """The fields that a merge patch touches with their new values; 422 with all that is wrong.

    Only these are checked: a record may have come another way, with names that this API would not take.
    """
    if not isinstance(patch, dict):
        raise at(base, "input should be an object")
    values: dict[str, Any] = {}
    touched: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in patch.items():
        info = resource.edit.model_fields.get(name)
        if info is None or value is not None:
            touched[name] = merged(current.get(name), value)
        elif info.is_required():
            faults.append(Fault("this cannot be removed", pointer([name], base)))
        else:
            values[name] = info.get_default(call_default_factory=True)
    try:
        model = checked(resource.patch, touched, base)
    except ProblemError as error:
        raise invalid((*faults, *error.problem.faults)) from None
    if faults:
        raise invalid(faults)
    return {**values, **{name: getattr(model, name) for name in touched}}
