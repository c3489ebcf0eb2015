"""The table of states: whatever is tried, a case is in one known state and got there by a listed move."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Connection, create_engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import StaticPool

from capture.arrival import Arrival
from capture.errors import Bug, Retry
from capture.text import Bilingual
from edge.pipeline import states
from edge.pipeline.states import MOVES, State
from edge.store import cases
from edge.store.schema import case, metadata

STATES: list[State] = list(MOVES)
SOON = Retry("test.retry", Bilingual("稍后", "later"), Bilingual("等待", "wait"))


def arrival(number: int, content: int) -> Arrival:
    return Arrival(f"{number:012x}", f"{content:064x}", 1, "dicom", "dicom", number)


class Cases(RuleBasedStateMachine):
    """A model beside the real table: the state of each case as the docstring's diagram has it."""

    @initialize()
    def begin(self) -> None:
        engine = create_engine("sqlite://", poolclass=StaticPool)
        metadata.create_all(engine)
        self.connection: Connection = engine.connect()
        self.model: dict[str, State] = {}
        self.content: dict[str, str] = {}
        self.due: dict[str, int] = {}
        self.now = 0

    @rule(content=st.integers(0, 2))
    def arrive(self, content: int) -> None:
        one = arrival(len(self.model), content)
        taken = cases.take_in(self.connection, one, self.now)
        first = self.content.setdefault(one.digest, one.id)
        if first == one.id:
            assert taken.outcome == "held"
            self.model[one.id] = "held"
            return
        assert (taken.outcome, taken.same_as) == ("duplicate", first)
        self.model[one.id] = "duplicate"
        if self.model[first] == "set_aside":
            self.model[first] = "held"

    @rule(content=st.integers(0, 2))
    def arrive_twice(self, content: int) -> None:
        """After a crash between commit and acknowledge the spool offers the same arrival again."""
        for case_id in list(self.model)[:1]:
            one = Arrival(case_id, f"{content:064x}", 1, "dicom", "dicom", 0)
            assert cases.take_in(self.connection, one, self.now).outcome == "known"

    @rule(old=st.sampled_from(STATES), new=st.sampled_from(STATES), which=st.integers(0, 20))
    def try_to_move(self, old: State, new: State, which: int) -> None:
        if not self.model:
            return
        case_id = list(self.model)[which % len(self.model)]
        allowed = new in MOVES[old] and self.model[case_id] == old
        try:
            states.move(self.connection, case_id, old, new, self.now)
        except Bug:
            assert not allowed
        else:
            assert allowed
            self.model[case_id] = new
            if not case_id.endswith("-set"):
                self.due.pop(case_id, None)

    @rule()
    def claim(self) -> None:
        waiting = sorted(case_id for case_id, state in self.model.items() if self._is_due(case_id, state))
        claimed = cases.claim(self.connection, self.now)
        assert (claimed.id if claimed else None) == (waiting[0] if waiting else None)
        if claimed:
            self.model[claimed.id] = "judging"

    def _is_due(self, case_id: str, state: State) -> bool:
        due = self.due.get(case_id, self.now + 1)
        if not case_id.endswith("-set"):
            return state == "held" or (state == "waiting_retry" and due <= self.now)
        unread = any(
            other in ("held", "judging") and int(image, 16) <= due
            for image, other in self.model.items()
            if not image.endswith("-set")
        )
        return state in ("held", "waiting_retry") and due <= self.now and not unread

    @rule(wait=st.integers(0, 3))
    def release(self, wait: int) -> None:
        for case_id in [case_id for case_id, state in self.model.items() if state == "judging"][:1]:
            cases.release(self.connection, case_id, SOON, self.now + wait, self.now)
            self.model[case_id] = "waiting_retry"
            self.due[case_id] = self.now + wait

    @rule()
    def time_passes(self) -> None:
        self.now += 1

    @rule()
    def the_agent_starts_again(self) -> None:
        stopped = [case_id for case_id, state in self.model.items() if state == "judging"]
        assert states.recover(self.connection, self.now) == len(stopped)
        self.model |= dict.fromkeys(stopped, "held")

    @rule(wait=st.integers(0, 3))
    def a_set_comes(self, wait: int) -> None:
        """It has no bytes: it is a case from its first image on, due when it may be whole."""
        set_id = f"{len(self.model):012x}-set"
        values = {"sha256": set_id, "size": 0, "source": "", "calling_ae": "", "peer": "", "received_at": self.now}
        self.connection.execute(
            case.insert().values(
                id=set_id, kind="series", state="held", next_at=self.now + wait, updated_at=self.now, **values
            )
        )
        self.model[set_id], self.due[set_id] = "held", self.now + wait

    @rule(which=st.integers(0, 20), wait=st.integers(0, 3))
    def a_late_image_joins(self, which: int, wait: int) -> None:
        """Only a set is held again, and only one that was judged."""
        if not self.model:
            return
        case_id = list(self.model)[which % len(self.model)]
        again = case_id.endswith("-set") and self.model[case_id] in ("judged", "reported", "set_aside")
        assert states.reopen(self.connection, case_id, self.now, self.now + wait) == again
        if again:
            self.model[case_id], self.due[case_id] = "held", self.now + wait

    @rule(which=st.lists(st.integers(0, 5), max_size=3))
    def the_centre_acknowledges(self, which: list[int]) -> None:
        named = [case_id for index, case_id in enumerate(self.model) if index in which]
        states.report(self.connection, named, self.now)
        self.model |= {case_id: "reported" for case_id in named if self.model[case_id] == "judged"}

    @invariant()
    def the_table_agrees(self) -> None:
        if hasattr(self, "connection"):
            rows = self.connection.execute(select(case.c.id, case.c.state)).all()
            assert {row.id: row.state for row in rows} == self.model

    def teardown(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()


TestCases = Cases.TestCase
TestCases.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_state_outside_the_table_is_refused_by_the_database_itself() -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        cases.take_in(connection, arrival(1, 1), 0)
        try:
            connection.execute(case.update().values(state="lost"))
        except IntegrityError as error:
            assert "known_state" in str(error)
        else:
            raise AssertionError("the database took it")


def test_every_state_can_be_reached_and_the_last_ones_stay() -> None:
    reached: set[State] = {"held", "duplicate"}
    while new := {state for old in reached for state in MOVES[old]} - reached:
        reached |= new
    assert reached == set(MOVES)
    assert {state for state, moves in MOVES.items() if not moves} == {"reported", "duplicate"}
