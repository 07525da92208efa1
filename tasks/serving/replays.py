"""Asks a version again what the request log keeps, and compares the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tasks.serving.differences import FAILED, Differences, compare
from tasks.serving.log import Logged, arrays_of
from tasks.serving.rpc.messages import MESSAGES, parse
from tasks.serving.types import RequestError

# Method of the PredictionService and its message; gives the answer's, or raises a RequestError.
Ask = Callable[[str, bytes], bytes]
_MAX_SHOWN = 200


@dataclass(frozen=True)
class Replayed:
    """What came of a replay.

    Attributes:
        found: Answers compared with those of the log.
        num_left_out: Rows that could not be asked again: the log left out inputs, or they were for
            several heads at once.
        failures: How often each reason of a failure came.
    """

    found: Differences
    num_left_out: int
    failures: dict[str, int]


def replay(
    rows: Iterable[Logged], ask: Ask, version: int | None, label: str, tolerance: float
) -> Replayed:
    """Ask a version what rows of the log were asked.

    Args:
        rows: The rows.
        ask: Asks a server.
        version: Number of the version; None for whichever answers.
        label: Label of the version; empty for none.
        tolerance: Difference that is none.
    """
    found, num_left_out, failures = Differences(), 0, Counter[str]()
    scores: dict[str, dict[str, str]] = {}
    for row in rows:
        if not row.is_whole or "+" in row.signature:
            num_left_out += 1
            continue
        request = parse("PredictRequest", row.request)
        request.model_spec.ClearField("version")
        request.model_spec.version_label = label
        if version is not None:
            request.model_spec.version.value = version
        try:
            answer = ask("Predict", request.SerializeToString())
            if row.model not in scores:
                scores[row.model] = _scores(ask, request.model_spec)
        except RequestError as error:
            failures[f"{error.code.name}: {error}"[:_MAX_SHOWN]] += 1
            found += FAILED
            continue
        outputs, expected = arrays_of(parse("PredictResponse", answer).outputs), row.outputs()
        mine = {name: outputs[name] for name in expected if name in outputs}
        found += compare(expected, mine, tolerance, scores[row.model].get(row.signature, ""))
    return Replayed(found, num_left_out, dict(failures))


def _scores(ask: Ask, spec: Any) -> dict[str, str]:
    """The output that scores classes, by signature, of a version."""
    request = MESSAGES["GetModelMetadataRequest"](metadata_field=["signature_def"])
    request.model_spec.CopyFrom(spec)
    answer = ask("GetModelMetadata", request.SerializeToString())
    told = MESSAGES["SignatureDefMap"]()
    parse("GetModelMetadataResponse", answer).metadata["signature_def"].Unpack(told)
    signatures = told.signature_def.items()
    classify = {k: each for k, each in signatures if each.method_name.endswith("classify")}
    return {name: next(iter(each.outputs)) for name, each in classify.items()}
