"""The methods that are compared: the rows of the design table.

Each goes on from C as simulation taught it. Controls come first: what no network adapts. An
adaptation counts for what it gains over the best of them, which validation names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from tasks.graspgan.manifests import MethodSet
from tasks.graspgan.samples.painters import LookName

Begin = Literal["simulation", "randomised"]
GeneratorName = Literal["from_plain", "from_cut"]


@dataclass(frozen=True)
class Method:
    """One way to train C for a target.

    Attributes:
        name: Of the row.
        says: What is done, for people.
        begins: C as it came from plain simulation, or from random looks after that.
        looks: Kinds of looks of simulation that it goes on with; none: no further step.
        generator: Whose adapted crops it goes on with, too.
        confuses: Whether a domain classifier takes part (DANN).
        shares_norms: Whether both domains have the same batch norms where there are two.
        adapts_norms: Whether batch norms take the target's statistics at last (AdaBN).
        colours: Whether simulated crops get the target's colours first.
        label_share: Share of the target's labels that it may use.
        standardises: Whether each crop is standardised.
        is_control: Whether no network adapts anything, and no label of the target is used.
    """

    name: str
    says: str
    begins: Begin = "randomised"
    looks: tuple[LookName, ...] = ()
    generator: GeneratorName | None = None
    confuses: bool = False
    shares_norms: bool = False
    adapts_norms: bool = False
    colours: bool = False
    label_share: float = 0.0
    standardises: bool = True
    is_control: bool = False

    @property
    def sees_target(self) -> bool:
        """Whether anything of the target takes part, so that each target has its own training."""
        has_pictures = self.generator or self.confuses or self.adapts_norms or self.colours
        return bool(has_pictures or self.label_share or "cut" in self.looks)

    @property
    def has_own_norms(self) -> bool:
        """Whether the target has batch norms of its own."""
        is_mixed = bool(self.looks) and bool(self.generator or self.label_share)
        is_mixed |= bool(self.generator and self.label_share)
        return not self.shares_norms and (self.confuses or self.adapts_norms or is_mixed)


def _control(name: str, says: str, **values: object) -> Method:
    return Method(name, says, is_control=True, **values)  # type: ignore[arg-type]


_CONTROLS: Final = (
    _control("simulation", "simulation alone, each crop standardised", begins="simulation"),
    _control(
        "simulation_longer", "simulation alone, as many steps as any other",
        begins="simulation", looks=("plain",),
    ),
    _control("randomised", "randomised looks"),
    _control(
        "randomised_longer", "randomised looks, as many steps as any other", looks=("random",)
    ),
    _control("structured", "structured randomisation", looks=("structured",)),
    _control("cut", "the target's own textures", looks=("cut",)),
    _control(
        "cut_structured", "the target's own textures and structured randomisation",
        looks=("cut", "structured"),
    ),
)  # fmt: skip
_RANDOMISED: Final = _CONTROLS[3]  # with as many steps as what it is compared with


def _raw(method: Method) -> Method:
    """The same with crops as they are: the difference is what it is worth to standardise them."""
    says = f"{method.says.partition(', each crop')[0]}, crops not standardised"
    return replace(method, name=f"{method.name}_raw", says=says, standardises=False)


_RAW_CONTROLS: Final = (
    _raw(_CONTROLS[0]),
    _raw(_RANDOMISED),
    _control(
        "colours_raw", "the target's colours, station by station, crops not standardised",
        looks=("plain",), colours=True, standardises=False,
    ),
)  # fmt: skip
_ADABN: Final = Method(
    "adabn", "AdaBN: randomised looks, then the target's statistics",
    looks=("random",), adapts_norms=True,
)  # fmt: skip
_DANN: Final = Method(
    "dann", "DANN: domain classifier, batch norms by domain", looks=("random",), confuses=True
)
_GRASPGAN: Final = Method(
    "graspgan", "GraspGAN from plain simulation, its crops and raw ones",
    looks=("plain",), generator="from_plain",
)  # fmt: skip
_GRASPGAN_CUT: Final = Method(
    "graspgan_cut", "GraspGAN from the target's own textures", generator="from_cut"
)
_GRASPGAN_DANN: Final = Method(
    "graspgan_dann", "GraspGAN from the target's own textures, and DANN",
    generator="from_cut", confuses=True,
)  # fmt: skip
_LABELS: Final = Method("labels", "all labels of the target", label_share=1.0)
_BEST_WITH: Final = (_CONTROLS[-1], _GRASPGAN_CUT)
_SHARES: Final = (0.05, 0.2)
_MORE_SHARES: Final = (0.01, 0.02, 0.1, 0.5)


def methods(which: MethodSet) -> tuple[Method, ...]:
    """The methods of a set; the names of ``all`` that are no headline have one seed."""
    if which == "few":
        return (*_CONTROLS[:1], *_CONTROLS[3:], _GRASPGAN_CUT, _LABELS)
    headline = (
        *_CONTROLS, *_RAW_CONTROLS,
        _ADABN, _DANN, _GRASPGAN, _GRASPGAN_CUT, _GRASPGAN_DANN,
        _raw(_GRASPGAN), _raw(_GRASPGAN_CUT),
        *_with_labels((*_BEST_WITH, _RANDOMISED), _SHARES),
        _LABELS,
    )  # fmt: skip
    return headline if which == "headline" else (*headline, *_others())


def is_headline(method: Method) -> bool:
    """Whether a method is trained with all seeds."""
    return method in methods("headline")


def num_seeds_of(method: Method, num_seeds: int) -> int:
    """Trainings of a method, where a headline has so many; they count from seed 0."""
    return num_seeds if is_headline(method) else 1


def num_begun(which: MethodSet, num_seeds: int, *, standardises: bool) -> int:
    """Seeds in which methods of a set begin with C on standardised crops, or on crops as they are.

    Args:
        which: The set.
        num_seeds: Trainings of a headline.
        standardises: Whether crops are standardised.
    """
    return _most_seeds(which, num_seeds, lambda method: method.standardises == standardises)


def num_generators(which: MethodSet, num_seeds: int, name: GeneratorName) -> int:
    """Seeds in which methods of a set go on with what a generator adapts."""
    return _most_seeds(which, num_seeds, lambda method: method.generator == name)


def _most_seeds(which: MethodSet, num_seeds: int, needs: Callable[[Method], bool]) -> int:
    found = [num_seeds_of(each, num_seeds) for each in methods(which) if needs(each)]
    return max(found, default=0)


def _with_labels(begun: tuple[Method, ...], shares: tuple[float, ...]) -> Iterator[Method]:
    for each in begun:
        for share in shares:
            percent = f"{100 * share:g}"
            yield replace(
                each,
                name=f"{each.name}_{percent}",
                says=f"{each.says}, and {percent} % of the labels",
                looks=each.looks or (() if each.generator else ("random",)),
                label_share=share,
                is_control=False,
            )


def _others() -> Iterator[Method]:
    """Each further switch."""
    yield replace(_DANN, name="dann_one_norm", says="DANN, one batch norm for both domains",
                  shares_norms=True)  # fmt: skip
    yield replace(_DANN, name="dann_cut", says="DANN on the target's own textures", looks=("cut",))
    yield replace(_GRASPGAN, name="graspgan_alone", says="GraspGAN from plain simulation, its "
                  "crops alone", looks=())  # fmt: skip
    yield from _with_labels(_BEST_WITH, _MORE_SHARES)
    yield _raw(_LABELS)
