"""Asks a version again what the request log keeps, and says how its answers differ.

    python -m operators.serving.ingress.replay LOG [LOG …] --address HOST:PORT
        [--model NAME] [--version N | --label LABEL] [--tolerance 0.001]

LOG is a file of the log, or its folder; the address is that of gRPC. Rows whose inputs were left
out can't be asked again, and outputs that were left out are not compared. Prints counts as JSON;
ends with 1 if any answer differs or is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import grpc

from operators.plain_log import say
from tasks.serving.differences import FAILED, Differences, compare
from tasks.serving.log import PATTERN, Logged, arrays_of, read_rows
from tasks.serving.rpc.messages import MESSAGES, PACKAGE, parse

_SERVICE = f"/{PACKAGE}.PredictionService"
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Replayed:
    """What came of a replay.

    Attributes:
        found: Answers compared with those of the log.
        num_left_out: Rows that could not be asked again, as the log left out inputs.
        failures: How often each reason of a failure came.
    """

    found: Differences
    num_left_out: int
    failures: dict[str, int] = field(default_factory=dict)


def replay(
    rows: Iterator[Logged],
    channel: grpc.Channel,
    version: int | None,
    label: str,
    tolerance: float,
) -> Replayed:
    """Ask a version what rows of the log were asked.

    Args:
        rows: The rows.
        channel: Where it is asked.
        version: Number of the version; None for whichever answers.
        label: Label of the version; empty for none.
        tolerance: Difference that is none.
    """
    ask = channel.unary_unary(f"{_SERVICE}/Predict")
    scores: dict[str, dict[str, str]] = {}
    found, num_left_out, failures = Differences(), 0, dict[str, int]()
    for row in rows:
        if not row.is_whole or "+" in row.signature:  # heads together are no Predict
            num_left_out += 1
            continue
        request = parse("PredictRequest", row.request)
        request.model_spec.ClearField("version")
        request.model_spec.version_label = label
        if version is not None:
            request.model_spec.version.value = version
        try:
            answer = ask(request.SerializeToString(), timeout=_PATIENCE_S)
        except grpc.RpcError as error:
            reason = f"{error.code().name}: {error.details()}"[:200]
            failures[reason] = failures.get(reason, 0) + 1
            found += FAILED
            continue
        if row.model not in scores:
            scores[row.model] = _scores(channel, request.model_spec)
        outputs = arrays_of(parse("PredictResponse", answer).outputs)
        expected = row.outputs()
        mine = {name: outputs[name] for name in expected if name in outputs}
        found += compare(expected, mine, tolerance, scores[row.model].get(row.signature, ""))
    return Replayed(found, num_left_out, failures)


def _scores(channel: grpc.Channel, spec: Any) -> dict[str, str]:
    """The output that scores classes, by signature, of a version."""
    request = MESSAGES["GetModelMetadataRequest"](metadata_field=["signature_def"])
    request.model_spec.CopyFrom(spec)
    ask = channel.unary_unary(f"{_SERVICE}/GetModelMetadata")
    raw = ask(request.SerializeToString(), timeout=_PATIENCE_S)
    told = MESSAGES["SignatureDefMap"]()
    parse("GetModelMetadataResponse", raw).metadata["signature_def"].Unpack(told)
    signatures = told.signature_def.items()
    return {
        name: next(iter(each.outputs))
        for name, each in signatures
        if each.method_name.endswith("classify")
    }


def rows_of(places: Sequence[Path], model: str) -> Iterator[Logged]:
    """Rows of files, or of folders of files, of one model or all.

    Raises:
        OSError: A file can't be read, or is none.
    """
    for place in places:
        for path in sorted(place.glob(PATTERN)) if place.is_dir() else [place]:
            yield from (row for row in read_rows(path) if model in ("", row.model))


def main(arguments: Sequence[str]) -> int:
    """Replay a log as the command line says; see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG")
    parser.add_argument("--address", required=True)
    parser.add_argument("--model", default="")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--version", type=int)
    which.add_argument("--label", default="")
    parser.add_argument("--tolerance", type=float, default=1e-3)
    given = parser.parse_args(arguments)
    with grpc.insecure_channel(given.address) as channel:
        rows = rows_of(given.logs, given.model)
        try:
            told = replay(rows, channel, given.version, given.label, given.tolerance)
        except OSError as error:
            parser.error(str(error))
    say(json.dumps(asdict(told), indent=1))
    return int(told.found.num_differing + told.found.num_failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
