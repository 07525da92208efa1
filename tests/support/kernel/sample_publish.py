"""Last stage of the sample pipeline: takes the results of all groups."""

from __future__ import annotations

from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tests.support.kernel.sample_stages import DoubleConfig, DoubledList, Number, NumberList


@stage(StageSpec(name="sample.sum", section="double"))
def sum_numbers(groups: list[ArtifactRef], config: DoubleConfig, ctx: StageContext) -> ArtifactRef:
    """Sum what was doubled."""
    lists = [ctx.store.read(group, DoubledList) for group in groups]
    total = sum(each.value for one in lists for each in one.doubled)
    ctx.tracker.log_metrics({"total": total})
    return ctx.store.write(NumberList(numbers=(Number(item_id="total", value=total),)))
