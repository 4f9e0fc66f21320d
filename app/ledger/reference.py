"""Keeps what the ledger needs before its first case: policies and the catalogue of reasons. Seeding twice changes nothing."""

from sqlalchemy import select

from app.core.database import db
from app.ledger.catalogue import seed_policies
from app.ledger.models import Reason
from app.ledger.vocabulary import RequestKind

REASONS: dict[str, tuple[RequestKind, str]] = {
    "not_our_matter": (RequestKind.REJECT, "不属于本级受理范围"),
    "no_facts": (RequestKind.REJECT, "没有具体事实，且无法补充"),
    "already_answered": (RequestKind.REJECT, "同一事项已答复，没有新的事实"),
    "in_litigation": (RequestKind.REDIRECT, "已进入或应当通过诉讼、仲裁解决"),
    "petition": (RequestKind.REDIRECT, "属于信访事项"),
    "emergency": (RequestKind.REDIRECT, "属于 110、119、120 紧急事项"),
    "other_county": (RequestKind.REDIRECT, "属于其他县区事项"),
    "wrong_unit": (RequestKind.RETURN, "不属于本单位职责"),
    "wrong_place": (RequestKind.RETURN, "不在本单位辖区"),
    "better_placed": (RequestKind.REASSIGN, "由其他单位主办更合适"),
    "no_longer_ours": (RequestKind.REASSIGN, "职责已调整到其他单位"),
    "needs_others": (RequestKind.SUPPORT, "需要其他单位配合"),
    "larger_works": (RequestKind.EXTEND, "工程量大，施工需要更多时间"),
    "waits_for_others": (RequestKind.EXTEND, "需要等待检测、鉴定或其他单位的结果"),
    "weather": (RequestKind.EXTEND, "天气原因暂时无法施工"),
    "engineering": (RequestKind.SUSPEND, "已列入工程计划，需按计划实施"),
    "season": (RequestKind.SUSPEND, "受季节限制，需到适宜时节办理"),
    "policy": (RequestKind.SUSPEND, "需等待上级政策明确"),
    "litigation": (RequestKind.SUSPEND, "正在诉讼、仲裁或复议，需等待结果"),
    "impossible": (RequestKind.TERMINATE, "经查确实无法办理"),
    "no_cooperation": (RequestKind.TERMINATE, "多次联系，反映人不配合核实"),
    "beyond_means": (RequestKind.TERMINATE, "超出法律和政策规定的范围"),
    "force_majeure": (RequestKind.EXCLUDE, "不可抗力"),
    "unreasonable": (RequestKind.EXCLUDE, "诉求超出政策规定"),
    "not_responsible": (RequestKind.EXCLUDE, "不属于被考核单位的责任"),
    "double_entry": (RequestKind.VOID, "重复录入"),
    "test_entry": (RequestKind.VOID, "测试或误录"),
}


def seed_reference() -> None:
    """Store the default policies and reasons that are not there yet."""
    seed_policies()
    known = set(db.session.scalars(select(Reason.code)))
    db.session.add_all(Reason(code=code, kind=kind, words=words) for code, (kind, words) in REASONS.items() if code not in known)
    db.session.flush()
