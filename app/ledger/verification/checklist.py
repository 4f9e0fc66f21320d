"""Keeps the checklist of a review: what is there, what is odd, what is missing, in words and numbers. Pure.

Only what is missing must be explained when a result passes; a warning is no bar. Source: the rules of a case, section 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.ledger.vocabulary import CheckItem, CheckState, VerifyBy


@dataclass(frozen=True)
class Check:
    """One item of the checklist: how it stands, in words, and the number that the words speak of."""

    item: CheckItem
    state: CheckState
    words: str
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What the checklist is made from.

    `contacted_at` is the first contact since the present lead got the case, `contacted_before` says whether there was one
    earlier. `distance_m` is None where the case or the result has no place; `limit_m` None where the category sets no distance.
    `same_reply` counts the other cases that got the very same reply, odd from `same_reply_most` on. `approved` is what the
    people who verify for this category say last in this round; None while nobody has.
    """

    submitted_at: datetime | None
    nobody_to_call: bool
    contacted_at: datetime | None
    contacted_before: bool
    asks_evidence: bool
    evidence: int
    case_has_place: bool
    distance_m: float | None
    limit_m: int | None
    same_reply: int
    same_reply_most: int
    assists: int
    assists_out: int
    verify_by: VerifyBy
    approved: bool | None


def checklist(found: Findings) -> list[Check]:
    """Give the items of a review, each time all of them and in the same order."""
    return [_contact(found), _evidence(found), _place(found), _reply(found), _assists(found), _people(found)]


def missing(checks: Sequence[Check]) -> list[Check]:
    """Give the items that must be explained when the result passes all the same."""
    return [check for check in checks if check.state is CheckState.MISSING]


def _contact(found: Findings) -> Check:
    item = CheckItem.CONTACT
    if found.nobody_to_call:
        return Check(item, CheckState.OK, "没有可以联系的当事人")
    if found.contacted_at is not None and (found.submitted_at is None or found.contacted_at <= found.submitted_at):
        return Check(item, CheckState.OK, "反馈结果前已联系群众")
    if found.contacted_before:
        return Check(item, CheckState.WARNING, "这次派单或返工后没有联系记录，此前联系过群众")
    return Check(item, CheckState.MISSING, "反馈结果前没有联系群众的记录")


def _evidence(found: Findings) -> Check:
    item, count = CheckItem.EVIDENCE, found.evidence
    if count:
        return Check(item, CheckState.OK, f"有 {count} 项佐证", count)
    if found.asks_evidence:
        return Check(item, CheckState.MISSING, "这类事项要求佐证，反馈中没有", 0)
    return Check(item, CheckState.OK, "这类事项不要求佐证", 0)


def _place(found: Findings) -> Check:
    item = CheckItem.PLACE
    if found.limit_m is None:
        return Check(item, CheckState.OK, "这类事项不核对位置")
    if not found.case_has_place:
        return Check(item, CheckState.OK, "工单没有登记位置，无法核对")
    if found.distance_m is None:
        return Check(item, CheckState.WARNING, "反馈中没有办理位置")
    metres = round(found.distance_m)
    if found.distance_m > found.limit_m:
        return Check(item, CheckState.WARNING, f"办理位置距事发位置 {metres} 米，超过 {found.limit_m} 米", metres)
    return Check(item, CheckState.OK, f"办理位置距事发位置 {metres} 米", metres)


def _reply(found: Findings) -> Check:
    item, count = CheckItem.REPLY, found.same_reply
    if count >= found.same_reply_most:
        return Check(item, CheckState.WARNING, f"同样的答复已用在另外 {count} 个工单上，请核对是否针对本事项", count)
    if count:
        return Check(item, CheckState.OK, f"同样的答复用在另外 {count} 个工单上", count)
    return Check(item, CheckState.OK, "答复没有与其他工单雷同", 0)


def _assists(found: Findings) -> Check:
    item = CheckItem.ASSISTS
    if not found.assists:
        return Check(item, CheckState.OK, "没有协办单位", 0)
    if found.assists_out:
        words = f"{found.assists} 个协办单位中有 {found.assists_out} 个没有反馈，主办已说明原因"
        return Check(item, CheckState.WARNING, words, found.assists_out)
    return Check(item, CheckState.OK, f"{found.assists} 个协办单位都已反馈", 0)


def _people(found: Findings) -> Check:
    item = CheckItem.PEOPLE
    if found.verify_by is VerifyBy.CALLBACK:
        words = "没有可以回访的当事人" if found.nobody_to_call else "核验通过后回访当事人"
        return Check(item, CheckState.OK, words)
    what = "网格员现场查看" if found.verify_by is VerifyBy.LOOK else "代表评单"
    if found.approved is None:
        return Check(item, CheckState.MISSING, f"这类事项要求{what}，还没有")
    if not found.approved:
        no = "认为没有解决" if found.verify_by is VerifyBy.LOOK else "评价不满意"
        return Check(item, CheckState.MISSING, f"{what}{no}")
    return Check(item, CheckState.OK, f"{what}认可")
