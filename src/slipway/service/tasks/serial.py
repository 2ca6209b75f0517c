"""What DBOS stores, as JSON: its own default would run whatever somebody puts into the database."""

from __future__ import annotations

import json
from typing import Any, Final

from dbos import Serializer

from slipway.service.tasks.model import TaskError

_ERROR: Final = "slipway-error"


class Json(Serializer):
    """Plain data, and errors by what they say."""

    def serialize(self, data: Any) -> str:
        if isinstance(data, BaseException):
            data = {_ERROR: str(data)}
        return json.dumps(data)

    def deserialize(self, serialized_data: str) -> Any:
        data = json.loads(serialized_data)
        return TaskError(str(data[_ERROR])) if isinstance(data, dict) and _ERROR in data else data

    def name(self) -> str:
        return "slipway-json"
