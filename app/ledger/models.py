"""Keeps the case ledger: cases, the reports in them, and the append-only timeline of entries with its hash chain."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Double, ForeignKey, Identity, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, enum_type
from app.core.stamp import ActorKind, Door, Role
from app.ledger.vocabulary import (
    Access,
    Action,
    CallOutcome,
    Channel,
    Duty,
    Kind,
    Outcome,
    RequestKind,
    State,
    Urgency,
    VerifyBy,
)
from app.people.models import Resident
from app.territory.models import Grid, Unit


class Category(Base):
    """A node of the category tree; `path` is its full name, `城乡建设/安全生产/事故处理`.

    How its results are verified (evidence asked for, metres within which they lie, by which people) is as the nearest
    category above it says where it says nothing itself.
    """

    __tablename__ = "category"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    path: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"), index=True)
    urgent: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    asks_evidence: Mapped[bool | None]
    check_distance_m: Mapped[int | None]
    verify_by: Mapped[VerifyBy | None] = mapped_column(enum_type(VerifyBy))


class Reason(Base):
    """A reason from the catalogue, told to the filer when a case is not taken up or goes elsewhere."""

    __tablename__ = "reason"

    code: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[RequestKind] = mapped_column(enum_type(RequestKind))
    words: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)


LISTED = [
    "state", "channel", "kind", "urgency", "category_id", "grid_id", "closed_at", "amber_at", "late_since",
    "triage", "confidential", "hidden_from_grid", "against_staff_id", "against_paths",
]  # fmt: skip
"""What the work queue asks of a case: indexes that carry it are read alone, without the cases that do not fit."""


class Case(Base):
    """The ledger's unit of work. `entry_count` and `chain_head` bind its timeline; `version` counts its changes.

    `next_due_at`, `amber_at` and `late_since` repeat, for the queue, what the open clocks say (`ledger.deadlines.note_due`):
    the nearest due and warning moments of those that run, and the first breach among the open ones. `accepted_at`: when it was
    first taken up, by being accepted or answered at once. `triage`: a
    dissatisfied word waits for the supervisor. `settled`: the matter is no longer accepted when it comes again without
    new facts. `to_place`: nobody knows its grid yet. `awaiting_rescue`: handed to 110, 119 or 120, whose arrival is not
    confirmed. `raised`: how many levels up.
    """

    __tablename__ = "case"
    __table_args__ = (
        Index("ix_case_state", "state", "id", postgresql_where="NOT archived"),
        Index(
            "ix_case_territory",
            "territory_path",
            "id",
            postgresql_ops={"territory_path": "text_pattern_ops"},
            postgresql_include=["lead_unit_id", "next_due_at", *LISTED],
            postgresql_where="NOT archived",
        ),
        Index("ix_case_grid", "grid_id", "id"),
        Index("ix_case_category", "category_id", "id"),
        Index("ix_case_channel", "channel", "id"),
        Index("ix_case_kind", "kind", "id"),
        Index("ix_case_urgent", "id", postgresql_where="urgency = 'urgent'"),
        Index("ix_case_archived", "id", postgresql_where="archived"),
        Index(
            "ix_case_lead",
            "lead_unit_id",
            "id",
            postgresql_include=["territory_path", "next_due_at", *LISTED],
            postgresql_where="lead_unit_id IS NOT NULL AND NOT archived",
        ),
        Index(
            "ix_case_lead_open",
            "lead_unit_id",
            "id",
            postgresql_include=["territory_path", "next_due_at", *LISTED],
            postgresql_where="lead_unit_id IS NOT NULL AND closed_at IS NULL AND NOT archived",
        ),
        Index(
            "ix_case_open",
            "id",
            postgresql_include=["lead_unit_id", "territory_path", "next_due_at", *LISTED],
            postgresql_where="closed_at IS NULL AND NOT archived",
        ),
        Index(
            "ix_case_next_due",
            "next_due_at",
            "id",
            postgresql_include=["lead_unit_id", "territory_path", *LISTED],
            postgresql_where="next_due_at IS NOT NULL AND NOT archived",
        ),
        Index("ix_case_merged_into", "merged_into_id", postgresql_where="merged_into_id IS NOT NULL"),
        Index("ix_case_recurrence_of", "recurrence_of_id", postgresql_where="recurrence_of_id IS NOT NULL"),
        Index("ix_case_triage", "id", postgresql_where="triage"),
        Index("ix_case_to_place", "id", postgresql_where="to_place AND closed_at IS NULL"),
        Index("ix_case_published", "id", postgresql_where="published_at IS NOT NULL"),
        Index("ix_case_opened_at", "opened_at", "id", postgresql_where="NOT archived"),
        Index("ix_case_accepted_at", "accepted_at", "id", postgresql_where="accepted_at IS NOT NULL AND NOT archived"),
        Index(
            "ix_case_counted",
            "id",
            postgresql_include=[
                "round",
                "lead_unit_id",
                "state",
                "kind",
                "excluded",
                "against_staff_id",
                "against_paths",
                "territory_path",
                "grid_id",
                "category_id",
                "channel",
            ],
            postgresql_where="NOT archived",
        ),
        Index("ix_case_closed_at", "closed_at", "id", postgresql_where="closed_at IS NOT NULL AND NOT archived"),
        Index(
            "ix_case_led",
            "category_id",
            "closed_at",
            postgresql_where="state = 'closed' AND lead_unit_id IS NOT NULL AND NOT archived",
        ),
        Index("uq_case_upstream_number", "upstream_number", unique=True, postgresql_where="upstream_number IS NOT NULL"),
        CheckConstraint("entry_count > 0", name="entry_count"),
        CheckConstraint("octet_length(chain_head) = 32", name="chain_head"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    state: Mapped[State] = mapped_column(enum_type(State))
    channel: Mapped[Channel] = mapped_column(enum_type(Channel))
    title: Mapped[str]
    kind: Mapped[Kind] = mapped_column(enum_type(Kind))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    urgency: Mapped[Urgency] = mapped_column(enum_type(Urgency))
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("grid.id"))
    territory_path: Mapped[str]
    confidential: Mapped[bool] = mapped_column(default=False)
    anonymous: Mapped[bool] = mapped_column(default=False)
    archived: Mapped[bool] = mapped_column(default=False)
    against_paths: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    against_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    upstream_number: Mapped[str | None]
    outcome: Mapped[Outcome | None] = mapped_column(enum_type(Outcome))
    lead_unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    round: Mapped[int] = mapped_column(default=1)
    heat: Mapped[int] = mapped_column(default=1)
    unit_solved: Mapped[bool | None]
    opened_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    next_due_at: Mapped[datetime | None]
    amber_at: Mapped[datetime | None]
    late_since: Mapped[datetime | None]
    return_locked: Mapped[bool] = mapped_column(server_default="false")
    excluded: Mapped[bool] = mapped_column(server_default="false")
    triage: Mapped[bool] = mapped_column(server_default="false")
    settled: Mapped[bool] = mapped_column(server_default="false")
    awaiting_rescue: Mapped[bool] = mapped_column(server_default="false")
    hidden_from_grid: Mapped[bool] = mapped_column(server_default="false")
    to_place: Mapped[bool] = mapped_column(server_default="false")
    reworks: Mapped[int] = mapped_column(server_default="0")
    reopenings: Mapped[int] = mapped_column(server_default="0")
    reassignments: Mapped[int] = mapped_column(server_default="0")
    extensions: Mapped[int] = mapped_column(server_default="0")
    urgings: Mapped[int] = mapped_column(server_default="0")
    raised: Mapped[int] = mapped_column(server_default="0")
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"))
    recurrence_of_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"))
    published_at: Mapped[datetime | None]
    public_title: Mapped[str | None]
    public_summary: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)
    entry_count: Mapped[int]
    chain_head: Mapped[bytes]

    category: Mapped[Category | None] = relationship()
    grid: Mapped[Grid | None] = relationship()
    lead_unit: Mapped[Unit | None] = relationship()
    reports: Mapped[list["Report"]] = relationship(back_populates="case", order_by="Report.id", foreign_keys="Report.case_id")
    assignments: Mapped[list["Assignment"]] = relationship(back_populates="case", order_by="Assignment.id")

    @property
    def nobody_to_call(self) -> bool:
        """Whether nobody can be contacted or called back: the case is anonymous, or no report names or was claimed by anybody.

        Whoever has withdrawn their report is not called any more.
        """
        wanted = [report for report in self.reports if report.withdrawn_at is None]
        return self.anonymous or all(report.concerned_id is None and not report.claims for report in wanted)

    @property
    def hides_identity(self) -> bool:
        """Whether the handling unit may not know who it is: the case is confidential, or a report of it was promised to be."""
        return self.confidential or any(report.confidential for report in self.reports)


class Report(Base):
    """What one person said, once, through one channel; never overwritten. Belongs to exactly one case.

    `opened_case_id` is set once a merge has moved it: the case that it opened, whose number its person knows. `me_too`: said on
    a published case, counted in its heat, not in the rates.
    """

    __tablename__ = "report"
    __table_args__ = (
        CheckConstraint("num_nonnulls(filer_resident_id, filer_staff_id) <= 1", name="one_filer"),
        CheckConstraint(
            "NOT anonymous OR (filer_resident_id IS NULL AND concerned_id IS NULL AND filer_staff_id IS NULL)", name="anonymous"
        ),
        Index("uq_report_source_key", "source_key", unique=True, postgresql_where="source_key IS NOT NULL"),
        Index("ix_report_concerned_id", "concerned_id", "id", postgresql_where="concerned_id IS NOT NULL"),
        Index("ix_report_filer_resident_id", "filer_resident_id", "id", postgresql_where="filer_resident_id IS NOT NULL"),
        Index("ix_report_filer_staff_id", "filer_staff_id", "case_id", postgresql_where="filer_staff_id IS NOT NULL"),
        Index("ix_report_opened_case_id", "opened_case_id", postgresql_where="opened_case_id IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    channel: Mapped[Channel] = mapped_column(enum_type(Channel))
    title: Mapped[str]
    body: Mapped[str]
    said_at: Mapped[datetime]
    received_at: Mapped[datetime]
    filer_resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    filer_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    concerned_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    anonymous: Mapped[bool] = mapped_column(default=False)
    confidential: Mapped[bool] = mapped_column(default=False)
    claim_index: Mapped[bytes | None]
    consent_id: Mapped[int | None]
    household_id: Mapped[int | None] = mapped_column(ForeignKey("household.id"))
    place_note: Mapped[str | None]
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    raw_point: Mapped[dict[str, Any] | None]
    source_key: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    opened_case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"))
    me_too: Mapped[bool] = mapped_column(default=False, server_default="false")

    case: Mapped[Case] = relationship(back_populates="reports", foreign_keys=[case_id])
    concerned: Mapped[Resident | None] = relationship(foreign_keys=[concerned_id])
    claims: Mapped[list["ReportClaim"]] = relationship(order_by="ReportClaim.at")


class ReportClaim(Base):
    """A signed-in resident who proved a report's claim code: sees, supplements and rates it like the person concerned."""

    __tablename__ = "report_claim"

    report_id: Mapped[int] = mapped_column(ForeignKey("report.id"), primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), primary_key=True, index=True)
    at: Mapped[datetime]


class Entry(Base):
    """One line of a case's timeline: who did what, in which role, through which door, when; linked to the line before."""

    __tablename__ = "entry"
    __table_args__ = (UniqueConstraint("case_id", "seq"), Index("ix_entry_at", "at", "id"))

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    seq: Mapped[int]
    form: Mapped[int] = mapped_column(default=1)
    at: Mapped[datetime]
    actor: Mapped[ActorKind] = mapped_column(enum_type(ActorKind))
    actor_id: Mapped[int | None]
    role: Mapped[Role] = mapped_column(enum_type(Role))
    door: Mapped[Door] = mapped_column(enum_type(Door))
    action: Mapped[Action] = mapped_column(enum_type(Action))
    from_state: Mapped[State | None] = mapped_column(enum_type(State, "from_state"))
    to_state: Mapped[State] = mapped_column(enum_type(State, "to_state"))
    facts: Mapped[dict[str, Any]]
    words_seal: Mapped[bytes | None]
    link: Mapped[bytes]

    words: Mapped["EntryWords | None"] = relationship(back_populates="entry")


class EntryWords(Base):
    """The words of an entry and their salt, apart from it so that they can be erased without breaking the chain.

    `reply` is for the person concerned; `note` is for the file.
    """

    __tablename__ = "entry_words"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    salt: Mapped[bytes]
    reply: Mapped[str | None]
    note: Mapped[str | None]

    entry: Mapped[Entry] = relationship(back_populates="words")


class Assignment(Base):
    """A unit's part in one round of a case: lead, assist, or what the lead has passed on below it (`parent_id`).

    `first_responder`: a village or community that leads only until the department that answers by statute has its say.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        Index("uq_assignment_lead", "case_id", unique=True, postgresql_where=text("duty = 'lead' AND ended_at IS NULL")),
        Index("ix_assignment_unit_id", "unit_id", "case_id"),
        Index("ix_assignment_dispatched_at", "dispatched_at", "id"),
        Index("ix_assignment_handler_id", "handler_id", "case_id", postgresql_where="handler_id IS NOT NULL AND ended_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    round: Mapped[int]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    duty: Mapped[Duty] = mapped_column(enum_type(Duty))
    by_meeting: Mapped[bool] = mapped_column(server_default="false")
    first_responder: Mapped[bool] = mapped_column(server_default="false")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    dispatched_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    contacted_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship(back_populates="assignments")
    unit: Mapped[Unit] = relationship()


class CaseAccess(Base):
    """What a unit may see or do of a case beyond its territory; losing a case turns write into read.

    `lead`: it is the case's lead unit now (`rounds.parts.name_lead` keeps it), so that lists find the rest by an index of its own.
    """

    __tablename__ = "case_access"
    __table_args__ = (
        Index("ix_case_access_unit_path", "unit_path", "case_id", postgresql_ops={"unit_path": "text_pattern_ops"}),
        Index(
            "ix_case_access_given",
            "unit_path",
            "case_id",
            postgresql_ops={"unit_path": "text_pattern_ops"},
            postgresql_where="NOT lead",
        ),
    )

    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    unit_path: Mapped[str]
    mode: Mapped[Access] = mapped_column(enum_type(Access))
    lead: Mapped[bool] = mapped_column(default=False, server_default="false")


class GridMove(Base):
    """A grid worker said that a case is not of their grid: from where it went to which grid (None: to be placed by hand).

    `assignment_id` is the part of the village that led it for that grid. Who said so keeps sight of the case.
    """

    __tablename__ = "grid_move"
    __table_args__ = (
        Index("ix_grid_move_case_id", "case_id", "staff_id"),
        Index("ix_grid_move_staff_id", "staff_id", "case_id"),
        Index("ix_grid_move_assignment_id", "assignment_id", postgresql_where="assignment_id IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    from_grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"))
    to_grid_id: Mapped[int | None] = mapped_column(ForeignKey("grid.id"))
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    at: Mapped[datetime]


class Call(Base):
    """A hotline call: its own record, whether or not it made a case; the number is sealed."""

    __tablename__ = "call"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    number: Mapped[bytes | None]
    number_index: Mapped[bytes | None] = mapped_column(index=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    recording: Mapped[str | None]
    outcome: Mapped[CallOutcome] = mapped_column(enum_type(CallOutcome))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"), index=True)
