"""In which precision networks compute, and how their maps lie in memory.

P. Micikevicius et al., "Mixed Precision Training", ICLR 2018. Of the two short types bfloat16 has
float32's range, so that no loss need be scaled. Weights and their optimiser stay float32.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, setting

if TYPE_CHECKING:
    import torch  # what a DAG file imports reaches this module

    NetworkT = TypeVar("NetworkT", bound="torch.nn.Module")


@dataclass(frozen=True, config=SETTINGS)
class ArithmeticConfig:
    """How networks compute while they are trained."""

    precision: Literal["float32", "bfloat16"] = setting(
        "float32",
        help="bfloat16: mixed precision, for GPUs; CPUs without such units are slower with it.",
    )
    channels_last: bool = setting(
        True,
        label="Channels last",
        help="Whether the channels of a position lie side by side in memory.",
    )

    @property
    def memory_format(self) -> torch.memory_format:
        """How maps lie in memory."""
        import torch

        return torch.channels_last if self.channels_last else torch.contiguous_format

    def autocast(self, device: str) -> AbstractContextManager[None]:
        """What losses are computed under; `backward` stands outside of it.

        Args:
            device: ``cpu`` or ``cuda``.
        """
        import torch

        return torch.autocast(device, torch.bfloat16, enabled=self.precision == "bfloat16")

    def placed(self, network: NetworkT, device: str) -> NetworkT:
        """A network on a device, its weights as its maps lie."""
        return network.to(device=device, memory_format=self.memory_format)  # type: ignore[call-overload, no-any-return]
