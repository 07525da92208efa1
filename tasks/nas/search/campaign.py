"""Several searches that share their workers and their results.

A campaign says what to train next and takes in what ended. It holds no clock and no generator of
its own: its state is a function of the searches' seeds and of the order of the ends, so that a
run that was cut off comes to the same state when it is told the same ends.

A strategy is rewarded with the accuracy at the first rung, for every child, so that rewards
compare; the rungs above serve the choice of the best. Isomorphic cells count as one child, and
what one search trained no other trains again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tasks.core.ports import Skipped
from tasks.nas.manifests import ChildResult, ChildTask, Rung, Trial
from tasks.nas.search.halving import Halving
from tasks.nas.search.strategies.searcher import Searcher
from tasks.nas.space.canonical import canonical, genotype_hash
from tasks.nas.space.decisions import Decisions
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.space.genotype_space import GenotypeSpace

_Outcome = ChildResult | Skipped
_Key = tuple[str, int]  # hash and rung


@dataclass
class Search:
    """One search of a campaign.

    Attributes:
        name: ``<strategy>-<seed>``, or the control's name.
        searcher: Proposes children.
        num_children: How many it may propose.
        halving: Its rungs.
        num_asked: How many it has proposed.
    """

    name: str
    searcher: Searcher
    num_children: int
    halving: Halving
    num_asked: int = 0


@dataclass(frozen=True)
class _Waiting:
    """A search that waits for a child; with decisions, its strategy wants the reward."""

    search: Search
    decisions: Decisions | None


@dataclass
class Campaign:
    """Searches side by side; see the module.

    Attributes:
        searches: All of them; who has asked least asks next.
        space: What decisions mean.
        rungs: What each rung spends.
        replicate: Of all children.
        trials: Ends so far, in the order in which searches were told.
        genotypes: Cells by hash.
    """

    searches: Sequence[Search]
    space: GenotypeSpace
    rungs: Sequence[Rung]
    replicate: int = 0
    trials: list[Trial] = field(default_factory=list)
    genotypes: dict[str, GenotypeRecord] = field(default_factory=dict)
    _known: dict[_Key, _Outcome] = field(default_factory=dict)
    _in_flight: dict[_Key, list[_Waiting]] = field(default_factory=dict)
    _going_on: deque[tuple[_Key, Search]] = field(default_factory=deque)

    @property
    def num_in_flight(self) -> int:
        """Children that are being trained."""
        return len(self._in_flight)

    def next_task(self) -> ChildTask | None:
        """Return what to train next; None if nothing can be said before another child ends."""
        while self._going_on:
            key, search = self._going_on.popleft()
            if task := self._want(key, _Waiting(search, None)):
                return task
        while open_searches := [s for s in self.searches if s.num_asked < s.num_children]:
            search = min(open_searches, key=lambda each: each.num_asked / each.num_children)
            if task := self._ask(search):
                return task
            if self._going_on:
                return self.next_task()
        return None

    def ended(self, task: ChildTask, outcome: _Outcome) -> None:
        """Take in the end of a child that `next_task` returned."""
        key = task.genotype_hash, task.rung
        self._known[key] = outcome
        for number, waiting in enumerate(self._in_flight.pop(key)):
            self._tell(waiting, key, outcome, is_reused=number > 0)

    def accuracies(self, search: str) -> Mapping[_Key, float]:
        """Accuracies of a search's children, by hash and rung."""
        return {
            (trial.genotype_hash, trial.rung): trial.accuracy
            for trial in self.trials
            if trial.search == search and trial.accuracy is not None
        }

    def _ask(self, search: Search) -> ChildTask | None:
        """Let a search propose a child."""
        decisions = search.searcher.ask()
        search.num_asked += 1
        genotype = canonical(self.space.genotype(decisions))
        name = genotype_hash(genotype)
        self.genotypes.setdefault(name, GenotypeRecord.of(genotype))
        return self._want((name, 0), _Waiting(search, decisions))

    def _want(self, key: _Key, waiting: _Waiting) -> ChildTask | None:
        """Tell a search what is known of a child, or let it wait; a task if none trains it."""
        if key in self._known:
            self._tell(waiting, key, self._known[key], is_reused=True)
            return None
        if key in self._in_flight:
            self._in_flight[key].append(waiting)
            return None
        self._in_flight[key] = [waiting]
        name, rung = key
        return ChildTask(
            item_id=f"{name[:16]}-r{rung}-s{self.replicate}",
            genotype=self.genotypes[name],
            genotype_hash=name,
            rung=rung,
            budget=self.rungs[rung],
            replicate=self.replicate,
        )

    def _tell(self, waiting: _Waiting, key: _Key, outcome: _Outcome, *, is_reused: bool) -> None:
        search = waiting.search
        self.trials.append(_trial(search.name, key, outcome, is_reused=is_reused))
        accuracy = outcome.accuracy if isinstance(outcome, ChildResult) else None
        if waiting.decisions is not None:
            search.searcher.tell(waiting.decisions, accuracy)
        if accuracy is not None:
            name, rung = key
            going_on = search.halving.ended(name, rung, accuracy)
            self._going_on.extend(((each, rung + 1), search) for each in going_on)


def _trial(search: str, key: _Key, outcome: _Outcome, *, is_reused: bool) -> Trial:
    made = outcome if isinstance(outcome, ChildResult) else None
    return Trial(
        search=search,
        genotype_hash=key[0],
        rung=key[1],
        accuracy=made.accuracy if made else None,
        reason="" if made else getattr(outcome, "reason", ""),
        num_params=made.num_params if made else 0,
        mult_adds=made.mult_adds if made else 0,
        cpu_s=made.cpu_s if made and not is_reused else 0.0,
        is_reused=is_reused,
    )
