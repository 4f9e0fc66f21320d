"""Keeps what a proxy filing must be before it is taken in: pure checks of its consent and of the reason to file from afar."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.core.errors import Invalid, NotAllowed
from app.core.stamp import ActorKind, Role, Stamp
from app.filings.models import ConsentBy
from app.ledger.intake.report_people import People
from app.ledger.intake.submission import has_control
from app.ledger.numbers import in_fours
from app.ledger.vocabulary import Kind
from app.people.identity import Person

PROXIES = (Role.CADRE, Role.GRID_WORKER)


class MayNotFileForOthers(NotAllowed):
    """代办由村干部或网格员登记"""


class ConsentIncomplete(Invalid):
    """请完整登记当事人的授权"""


class PersonMissing(Invalid):
    """请登记当事人"""


class ReasonMissing(Invalid):
    """请说明为什么由您代办"""


@dataclass(frozen=True, kw_only=True)
class ConsentGiven:
    """How the person consented: by what, before which witness where it was spoken, by which texted code, on which photo.

    `signature_id` is the id of the photo of their signature, uploaded by the filer.

    `evidence` says where more of it is kept.
    """

    method: ConsentBy
    witness: str | None = None
    witness_phone: str | None = None
    code_id: int | None = None
    signature_id: int | None = None
    evidence: str | None = None


@dataclass(frozen=True, kw_only=True)
class Filing:
    """A matter filed for somebody else, with their consent; grid and unit go by code.

    For whom: `resident_id`, somebody of the roster within the filer's reach, or `person` in words. `people` stand beside them:
    representatives of a group, the guardian of a minor. `reason` says why the filer does it for somebody whom they have not on
    their roster, or when the matter lies outside their villages, `home_request` the number of the request to come home that led
    to it. `files` are the filer's own uploads about the matter, which the person sees with it; the signature is the consent's.
    """

    person: Person | None = None
    resident_id: int | None = None
    consent: ConsentGiven
    body: str
    grid: str
    title: str | None = None
    kind: Kind = Kind.OTHER
    category_id: int | None = None
    confidential: bool = False
    against_unit: str | None = None
    reason: str | None = None
    home_request: str | None = None
    people: People = field(default_factory=People)
    files: Sequence[int] = ()


@contextmanager
def body_named(name: str) -> Iterator[None]:
    """Let refusals inside name the field that holds what is said as its door does."""
    try:
        yield
    except Invalid as refusal:
        refusal.errors = {name if field == "body" else field: words for field, words in refusal.errors.items()}
        raise


def check_proxy(stamp: Stamp) -> Stamp:
    """Give the stamp in the role in which the actor files for others; raises MayNotFileForOthers."""
    role = stamp.actor.holds(PROXIES) if stamp.actor.kind is ActorKind.STAFF else None
    if role is None:
        raise MayNotFileForOthers
    return stamp.acting_as(role)


def check_consent(consent: ConsentGiven, *, filer_name: str, person: Person) -> None:
    """Raise ConsentIncomplete unless the consent is whole.

    A spoken one has a witness, who is neither the filer nor the person concerned; one by text names its code, a
    signature its photo.
    """
    errors: dict[str, list[str]] = {}
    witness = (consent.witness or "").strip()
    if consent.method is ConsentBy.SPOKEN and not witness:
        errors["consent.witness"] = ["口头授权请登记见证人"]
    elif witness and _same(witness, filer_name):
        errors["consent.witness"] = ["见证人不能是代办人自己"]
    elif witness and (_same(witness, person.name) or _same(consent.witness_phone, person.phone)):
        errors["consent.witness"] = ["见证人不能是当事人本人"]
    if consent.method is ConsentBy.SMS_CODE and consent.code_id is None:
        errors["consent.code_id"] = ["请先给当事人发送授权码"]
    if consent.method is ConsentBy.SIGNATURE and consent.signature_id is None:
        errors["consent.signature_id"] = ["请上传当事人签名的照片"]
    for name, words in (("witness", consent.witness), ("evidence", consent.evidence)):
        if words and has_control(words):
            errors[f"consent.{name}"] = ["有看不见的控制字符，请重新输入"]
    if errors:
        raise ConsentIncomplete(errors=errors)


def _same(one: str | None, other: str | None) -> bool:
    plain = ["".join(each for each in (words or "") if each.isalnum()) for words in (one, other)]
    return bool(plain[0]) and plain[0] == plain[1]


def check_reason(reason: str | None, *, place: str, villages: Iterable[str], known: bool) -> None:
    """Raise ReasonMissing where a filing from afar gives no reason.

    It is one when the matter's `place` lies outside the filer's `villages` (unit paths), or when the filer's own roster does not
    have the person (`known`), whether another one does or none: the refusal tells nobody where somebody lives.
    """
    if (reason or "").strip():
        return
    if not place.startswith(tuple(villages)):
        raise ReasonMissing(errors={"reason": ["事项不在您的辖区，请说明为什么由您代办"]})
    if not known:
        raise ReasonMissing(errors={"reason": ["当事人不在您负责的名册里，请说明为什么由您代办"]})


def handout(number: str, claim_code: str) -> str:
    """Give the words that are printed for the resident."""
    return (
        f"您好！您委托代办的事项已经登记。\n工单号：{in_fours(number)}\n查询码：{in_fours(claim_code)}\n"
        "凭这两个号码，您本人或家人可以在小程序“凭码查询”里查看进度、补充情况，办结后作出评价；也可以拨打热线查询。\n"
        "查询码只交给您本人，请不要告诉别人。代办人可以查看进度，但不能代您评价。"
    )
