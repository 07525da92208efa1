"""Whether a candidate is worse, told while it is watched, as early as the evidence allows.

Looking again and again at a usual test finds a difference sooner or later where there is none. What
is counted here may be looked at after each answer: the evidence against "no worse" is a wealth that
is not expected to grow while that holds, so it ever reaches 1 / alpha with a chance of at most
alpha (Ville's inequality; A. Ramdas, P. Grünwald, V. Vovk, G. Shafer, "Game-Theoretic Statistics
and Safe Anytime-Valid Inference", Statistical Science 38, 2023, sections 2 and 3; for counts of the
arms of a canary M. Lindon and A. Malek, "Anytime-Valid Inference for Multinomial Count Data",
NeurIPS 2022).

Two versions, of which n and n' answers of a time are bad with chance p and p': whoever is no worse
than r times the other has at most the share q = r n / (r n + n') of the bad answers. Each of its
own multiplies the wealth by s / q, each of the other's by (1 - s) / (1 - q), where s is what q
would be at m r instead of r. With log(1 + x) <= x the logarithm of the factor that is expected of
that time is at most (s - q) (p n / q - p' n' / (1 - q)) = (s - q) (r n + n') (p / r - p') <= 0
where p <= r p'. So it deviates from the paper, whose shares are fixed: they may change from time to
time, as a canary's do, and p and p' too, as in a failure elsewhere that strikes both. What must
hold is that answers fail each by itself, given their version: one cause that strikes many requests
of one version at once counts as many.

How much worse it would be is not known: the wealth is spread evenly over some m (a mixture).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

# How many times worse than allowed the candidate may be; evidence is the mean over them.
MULTIPLES: Final = (1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
_LARGEST_LOG: Final = 700.0  # exp of more is infinite
_SURE: Final = 1 - 1e-9


@dataclass(frozen=True)
class Evidence:
    """Evidence that a candidate is worse than allowed.

    Attributes:
        logs: Logarithm of the wealth for each multiple.
    """

    logs: tuple[float, ...] = (0.0,) * len(MULTIPLES)

    @property
    def value(self) -> float:
        """The evidence: 1 is none, and who is no worse reaches x with a chance of 1 / x."""
        highest = max(self.logs)
        mean = sum(math.exp(each - highest) for each in self.logs) / len(self.logs)
        return math.exp(min(_LARGEST_LOG, highest + math.log(mean)))

    def against(
        self, num_bad: int, num: int, num_bad_other: int, num_other: int, max_ratio: float
    ) -> Evidence:
        """The evidence after a time in which both were asked.

        Args:
            num_bad: The candidate's bad answers.
            num: All its answers.
            num_bad_other: The other's bad answers.
            num_other: All the other's.
            max_ratio: How many times as often as the other's its answers may be bad.
        """
        if not num or not num_other:
            return self  # nothing can be compared

        def share(ratio: float) -> float:
            return ratio * num / (ratio * num + num_other)

        allowed = share(max_ratio)
        return self._after(
            num_bad, num_bad_other, allowed, [share(max_ratio * each) for each in MULTIPLES]
        )

    def above(self, num_bad: int, num: int, max_share: float) -> Evidence:
        """The evidence after so many answers, of which a share may be bad.

        Args:
            num_bad: Bad answers.
            num: All answers.
            max_share: Share that may be bad.
        """
        others = [min(_SURE, 1 - (1 - max_share) ** each) for each in MULTIPLES]
        return self._after(num_bad, num - num_bad, max_share, others)

    def _after(self, num: int, num_other: int, share: float, others: list[float]) -> Evidence:
        logs = (
            known + num * math.log(each / share) + num_other * math.log((1 - each) / (1 - share))
            for known, each in zip(self.logs, others, strict=True)
        )
        return Evidence(tuple(logs))
