"""The server of models: TensorFlow Serving's REST and gRPC, each version in a process of its own.

    python -m operators.serving --config configs/serving.yaml
    python -m operators.serving --models FOLDER

The folder holds a folder for each model, which holds its versions, each a bundle in a folder named
by its number. Settings are taken again when their file changes. TERM lets those who wait be
answered, within the limit that the settings name; once more ends it at once.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from operators.access import SERVING_TOKEN
from operators.installation import (
    AIRFLOW_URL,
    MLFLOW_URL,
    ROOT,
    STATE_FOLDER,
    load_profile,
    profile_name,
)
from operators.plain_log import log_plainly, plain, say
from operators.processes.ports import HOST, free_ports
from operators.serving.ingress.server import Listen, serve
from operators.serving.models.serving import Serving
from tasks.core.errors import OrreryError
from tasks.core.files import user_path
from tasks.core.params import load_config
from tasks.serving.config import ServingConfig
from tasks.serving.versions.folder import models_below

CONFIG = ROOT / "configs" / "serving.yaml"
REST_PORT, GRPC_PORT = 8501, 8500


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to end; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m operators.serving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--config", type=Path, default=CONFIG, help="file of the settings")
    source.add_argument("--models", help="folder of models, instead of settings")
    parser.add_argument("--host", default=HOST, help="address to listen on")
    parser.add_argument("--rest-port", type=int, default=REST_PORT, help="any free one if taken")
    parser.add_argument("--grpc-port", type=int, default=GRPC_PORT, help="any free one if taken")
    given = parser.parse_args(arguments)
    log_plainly("%(asctime)s %(levelname)s %(message)s")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(_run(given))
        except OrreryError as error:
            say(f"ERROR {plain(error)}")
            return 1


async def _run(given: argparse.Namespace) -> int:
    if given.models is None:
        file, config = given.config, load_config(ServingConfig, given.config)
    else:
        file, config = None, models_below(user_path(given.models, "--models"))
    kept = Path(os.environ.get(STATE_FOLDER, ROOT / ".state")) / "serving"
    serving = Serving(config, load_profile(profile_name()).tracking_uri, kept)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, loop, stop)
    rest = listening(given.host, given.rest_port)
    with listening(given.host, given.grpc_port) as probe:
        grpc = f"{given.host}:{probe.getsockname()[1]}"
    token = os.environ.get(SERVING_TOKEN, "")

    addresses = {"MLflow": MLFLOW_URL, "Airflow": AIRFLOW_URL}
    links = {name: os.environ[each] for name, each in addresses.items() if os.environ.get(each)}

    def begun(rest_port: int, grpc_port: int) -> None:
        gc.collect()
        gc.freeze()  # what is there by now stays, and no collection need look at it
        say(f"REST  http://{given.host}:{rest_port}/v1/models/NAME")
        say(f"gRPC  {given.host}:{grpc_port}")
        say(f"models: {', '.join(serving.models()) or f'none; name some in {file}'}")

    try:
        await serving.start(file)
        await serve(serving, Listen(rest, grpc, token, links), stop, begun)
    finally:
        await serving.close()
    return 0


def listening(host: str, port: int) -> socket.socket:
    """A socket that is bound to a port, or to any free one if that is taken."""
    try:
        return socket.create_server((host, port))
    except OSError:
        return socket.create_server((host, free_ports(1)[0]))


def _stop(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    stop.set()
    for number in (signal.SIGTERM, signal.SIGINT):  # the next one ends it as usual
        loop.remove_signal_handler(number)


if __name__ == "__main__":
    sys.exit(main())
