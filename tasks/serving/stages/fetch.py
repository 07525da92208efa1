"""First stage: take the model, so that no other release can, and fetch the candidate's bundle."""

from __future__ import annotations

from pathlib import Path

from tasks.core.errors import ConfigError
from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.serving.release.client import Releasing, served_name
from tasks.serving.release.config import FetchConfig
from tasks.serving.release.manifests import Candidate


@stage(StageSpec(name="serving.fetch", section="fetch", reads_outside=True))
def fetch_candidate(config: FetchConfig, ctx: StageContext) -> ArtifactRef:
    """Fetch a registered version, and hold the model for it.

    Raises:
        ConfigError: There is no such version, it answers already, the server does not have the
            model, or another release holds it.
    """
    if not config.model:
        raise ConfigError("model: expected the name of a registered model, got none; set it")
    version = int(config.version) if config.version.isdigit() else config.version
    fetched = ctx.models.fetch(config.model, version, ctx.scratch / "bundle")
    served = served_name(ctx.server, config.model, config.served)
    releasing = Releasing(ctx.server, served, ctx.run_id)
    stable = releasing.look().stable
    if stable == fetched.version:
        raise ConfigError(
            f"version: expected another one than {stable}, which answers for {served} already"
        )
    held = releasing.hold(fetched.version)
    ctx.tracker.set_tags({"model": config.model, "version": str(fetched.version)})
    return ctx.store.write(
        Candidate(
            model=config.model,
            version=fetched.version,
            served=served,
            stable=held.stable,
            holder=ctx.run_id,
            bundle={name: ctx.store.add(path, name) for name, path in _files(fetched.bundle)},
        )
    )


def _files(folder: Path) -> list[tuple[str, Path]]:
    found = sorted(each for each in folder.rglob("*") if each.is_file())
    return [(each.relative_to(folder).as_posix(), each) for each in found]
