"""Keeps who acts, in which role, when and through which door: the stamp that every command takes first."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


class ActorKind(StrEnum):
    """What sort of being acts."""

    RESIDENT = "resident"
    STAFF = "staff"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"


class Role(StrEnum):
    """Roles, held per unit; the words are those of `docs/glossary.md`."""

    RESIDENT = "resident"
    HOUSEHOLD_HEAD = "household_head"
    GRID_WORKER = "grid_worker"
    CADRE = "cadre"
    INTAKE = "intake"
    DISPATCHER = "dispatcher"
    HANDLER = "handler"
    UNIT_HEAD = "unit_head"
    REVIEWER = "reviewer"
    CALLBACK_AGENT = "callback_agent"
    SUPERVISOR = "supervisor"
    LEADER = "leader"
    ADMINISTRATOR = "administrator"
    DATA_PROTECTION_OFFICER = "data_protection_officer"
    SYSTEM = "system"


class Door(StrEnum):
    """The way an act came in."""

    MINI_PROGRAM = "mini_program"
    GRID = "grid"
    DESK = "desk"
    JOB = "job"
    COMMAND_LINE = "command_line"
    IMPORT = "import"


@dataclass(frozen=True)
class Post:
    """One role held at one unit; it reaches the unit's whole subtree (`path` is the unit's materialised path)."""

    role: Role
    unit_id: int
    path: str


@dataclass(frozen=True)
class Actor:
    """Who acts: a resident, a member of staff with posts and grids, the system, or somebody unnamed."""

    kind: ActorKind
    id: int | None = None
    posts: tuple[Post, ...] = ()
    grid_ids: frozenset[int] = field(default_factory=frozenset)

    def holds(self, roles: Iterable[Role]) -> Role | None:
        """Give the first of `roles` that the actor holds, else None."""
        held = self.roles()
        return next((role for role in roles if role in held), None)

    def roles(self) -> frozenset[Role]:
        """Give every role the actor holds."""
        if self.kind is ActorKind.SYSTEM:
            return frozenset({Role.SYSTEM})
        if self.kind is ActorKind.STAFF:
            return frozenset(post.role for post in self.posts)
        return frozenset({Role.RESIDENT})

    def paths(self, *roles: Role) -> tuple[str, ...]:
        """Give the unit paths at which the actor holds one of `roles` (any role when none is named)."""
        return tuple(sorted({post.path for post in self.posts if not roles or post.role in roles}))


SYSTEM = Actor(ActorKind.SYSTEM)
ANONYMOUS = Actor(ActorKind.ANONYMOUS)


@dataclass(frozen=True)
class Stamp:
    """Who, in which role, at what moment (aware, UTC), through which door. Made once at each entry point."""

    actor: Actor
    role: Role
    at: datetime
    door: Door

    def acting_as(self, role: Role) -> "Stamp":
        """Give the same stamp in another role that the actor holds."""
        return replace(self, role=role)

    def moved_to(self, at: datetime) -> "Stamp":
        """Give the same stamp at another moment."""
        return replace(self, at=at)
