"""Settings of the report of `search_cells`."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, setting


@dataclass(frozen=True, config=SETTINGS)
class ReportConfig:
    """Where copies of the report go."""

    export_to: str = setting(
        "", help="Folder that receives genotype, page, plots and tables; empty for none."
    )
