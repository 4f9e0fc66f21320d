"""Keeps sign-in and sessions: staff by password with lock-out, residents by WeChat identity; tokens are stored hashed."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.crypto import keyring
from app.core.database import db
from app.core.errors import NotFound, TooMany, Unauthenticated
from app.core.stamp import Actor, ActorKind, Post, Role, Stamp
from app.core.throttle import Throttle
from app.people.models import Principal, Resident, Session, Staff, StaffGrid, StaffPost, WechatAccount
from app.territory.models import Unit

IDLE = {Principal.STAFF: timedelta(hours=12), Principal.RESIDENT: timedelta(days=30)}
ABSOLUTE = {Principal.STAFF: timedelta(days=7), Principal.RESIDENT: timedelta(days=180)}
TOUCH = timedelta(minutes=5)
"""How exact `used_at` is kept; a write for every request would cost more than it tells."""

FREE_TRIES = 5
LONGEST_LOCK = timedelta(hours=1)

_hasher = PasswordHasher()
_NOBODY = _hasher.hash(secrets.token_hex(16))


class SignInFailed(Unauthenticated):
    """账号或密码不正确"""


class SignInLocked(TooMany):
    """多次输错密码，账号暂时锁定"""


class TokenInvalid(Unauthenticated):
    """登录已失效，请重新登录"""


class StaffNotFound(NotFound):
    """没有这个工作人员"""


@dataclass(frozen=True)
class SignedIn:
    """A fresh session: the token (shown once) and when it ends at the latest."""

    token: str
    ends_at: datetime
    principal_id: int


def hash_password(password: str) -> str:
    """Give the argon2id hash of a password."""
    return _hasher.hash(password)


def _token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _open_session(stamp: Stamp, principal: Principal, principal_id: int) -> SignedIn:
    token = secrets.token_urlsafe(32)
    session = Session(
        token_hash=_token_hash(token),
        principal=principal,
        staff_id=principal_id if principal is Principal.STAFF else None,
        resident_id=principal_id if principal is Principal.RESIDENT else None,
        door=stamp.door,
        created_at=stamp.at,
        used_at=stamp.at,
        ends_at=stamp.at + ABSOLUTE[principal],
        revoked_at=None,
    )
    db.session.add(session)
    db.session.flush()
    return SignedIn(token, session.ends_at, principal_id)


@dataclass(frozen=True)
class Attempt:
    """What became of a sign-in: a session, or the refusal to raise once the count of failures is stored."""

    signed_in: SignedIn | None
    refusal: Unauthenticated | TooMany | None


def try_password(stamp: Stamp, login: str, password: str) -> Attempt:
    """Try to sign a member of staff in. A failure is counted, so the caller stores it first and raises the refusal after.

    After five failures the account is locked for 1, 2, 4 … minutes, an hour at most. An unknown login takes as long, says the
    same and is locked like one with a wrong password.
    """
    # The row stays locked while the hash is computed, but not against the foreign keys of what that person does meanwhile.
    staff = db.session.scalars(select(Staff).where(Staff.login == login).with_for_update(key_share=True)).first()
    if staff is None:
        return Attempt(None, _refuse_unknown(stamp.at, login, password))
    if staff.locked_until is not None and staff.locked_until > stamp.at:
        return Attempt(None, _locked(staff.locked_until, stamp.at))
    if not _matches(staff.password_hash, password) or not staff.active:
        staff.failed_count += 1
        staff.locked_until = _lock(staff.failed_count, stamp.at)
        return Attempt(None, SignInFailed())
    staff.failed_count, staff.locked_until = 0, None
    return Attempt(_open_session(stamp, Principal.STAFF, staff.id), None)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _lock(failures: int, at: datetime) -> datetime | None:
    """Give until when a login is locked that has failed so often, lastly at `at`; None while tries are free."""
    over = failures - FREE_TRIES
    return at + min(timedelta(minutes=2 ** min(over, 10)), LONGEST_LOCK) if over >= 0 else None


def _locked(until: datetime, at: datetime) -> SignInLocked:
    return SignInLocked(retry_after=int((until - at).total_seconds()) + 1)


def _refuse_unknown(at: datetime, login: str, password: str) -> SignInFailed | SignInLocked:
    """Refuse a login that nobody has, counting and locking as if somebody had it: the lock must not tell who exists."""
    key = f"unknown-login:{keyring().blind(login, field='login').hex()}"
    fresh = insert(Throttle).values(key=key, opened_at=at, tries=0)
    db.session.execute(fresh.on_conflict_do_nothing(index_elements=[Throttle.key]))
    failures = db.session.get_one(Throttle, key, with_for_update=True)
    until = _lock(failures.tries, failures.opened_at)
    if until is not None and until > at:
        return _locked(until, at)
    _matches(_NOBODY, password)
    failures.tries, failures.opened_at = failures.tries + 1, at
    return SignInFailed()


def sign_in_wechat(stamp: Stamp, *, appid: str, openid: str) -> SignedIn:
    """Sign in the resident of a WeChat identity that the gateway vouched for, enrolling it at its first visit."""
    ring = keyring()
    index = ring.blind(f"{appid}\0{openid}", field="openid")
    known = select(WechatAccount.resident_id).where(WechatAccount.appid == appid, WechatAccount.openid_index == index)
    resident_id = db.session.scalars(known).first()
    if resident_id is None:
        resident = Resident(created_at=stamp.at, updated_at=stamp.at)
        db.session.add(resident)
        db.session.flush()
        stored = db.session.execute(
            insert(WechatAccount)
            .values(
                appid=appid,
                openid=ring.encrypt(openid, field="wechat_account.openid"),
                openid_index=index,
                resident_id=resident.id,
                created_at=stamp.at,
            )
            .on_conflict_do_nothing(index_elements=[WechatAccount.appid, WechatAccount.openid_index])
            .returning(WechatAccount.resident_id)
        ).scalar()
        if stored is None:  # the same person's other sign-in was first
            db.session.delete(resident)
        resident_id = stored if stored is not None else db.session.scalars(known).one()
    return _open_session(stamp, Principal.RESIDENT, resident_id)


_SESSION = select(
    Session.id, Session.principal, Session.staff_id, Session.resident_id, Session.used_at, Session.ends_at, Session.revoked_at
).where(Session.token_hash == bindparam("token_hash"))


def actor_of(token: str, at: datetime, *, touch: bool = True) -> tuple[Actor, int]:
    """Give the actor and session id of a token; raises TokenInvalid when unknown, idle too long, ended or revoked.

    Without `touch` the use leaves no mark: a session marked at the moment of an anonymous report would tell whose it is.
    """
    row = db.session.connection().execute(_SESSION, {"token_hash": _token_hash(token)}).first()
    if row is None or row.revoked_at is not None or at >= row.ends_at or at >= row.used_at + IDLE[row.principal]:
        raise TokenInvalid
    if touch and at >= row.used_at + TOUCH:
        db.session.execute(update(Session).where(Session.id == row.id).values(used_at=func.greatest(Session.used_at, at)))
    if row.principal is Principal.RESIDENT:
        return Actor(ActorKind.RESIDENT, row.resident_id), row.id
    return staff_actor(row.staff_id), row.id


def staff_actor(staff_id: int) -> Actor:
    """Give a member of staff as an actor, with posts and grids as they are now; raises TokenInvalid when inactive."""
    posts = db.session.execute(
        select(StaffPost.role, StaffPost.unit_id, Unit.path)
        .join(Unit, Unit.id == StaffPost.unit_id)
        .join(Staff, Staff.id == StaffPost.staff_id)
        .where(StaffPost.staff_id == staff_id, Staff.active)
        .order_by(StaffPost.id)
    ).all()
    if not posts:
        raise TokenInvalid
    grids: frozenset[int] = frozenset()
    if any(post.role is Role.GRID_WORKER for post in posts):
        grids = frozenset(db.session.scalars(select(StaffGrid.grid_id).where(StaffGrid.staff_id == staff_id)))
    return Actor(ActorKind.STAFF, staff_id, tuple(Post(post.role, post.unit_id, post.path) for post in posts), grids)


def revoke_session(session_id: int, at: datetime) -> None:
    """End a session."""
    db.session.execute(update(Session).where(Session.id == session_id, Session.revoked_at.is_(None)).values(revoked_at=at))
