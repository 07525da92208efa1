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
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import grpc

from operators.plain_log import say
from tasks.serving.log import rows_of
from tasks.serving.replays import replay
from tasks.serving.rpc.messages import PACKAGE
from tasks.serving.types import Code, RequestError

_PATIENCE_S = 60.0


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

        def ask(method: str, message: bytes) -> bytes:
            try:
                call = channel.unary_unary(f"/{PACKAGE}.PredictionService/{method}")
                answer: bytes = call(message, timeout=_PATIENCE_S)
            except grpc.RpcError as error:
                raise RequestError(Code(error.code().value[0]), error.details()) from error
            return answer

        try:
            rows = rows_of(given.logs, given.model)
            told = replay(rows, ask, given.version, given.label, given.tolerance)
        except OSError as error:
            parser.error(str(error))
    say(json.dumps(asdict(told), indent=1))
    return int(told.found.num_differing + told.found.num_failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
