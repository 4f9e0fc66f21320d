"""Keeps the words of every notice, by template name; parameters are numbers, labels and moments, never identity data."""

from enum import StrEnum
from string import Formatter
from typing import Any


class By(StrEnum):
    """How a notice should reach its recipient: as a message, as a text on the telephone, or spoken in a call."""

    MESSAGE = "message"
    SMS = "sms"
    VOICE = "voice"


TEMPLATES: dict[str, str] = {
    "submit": "您反映的事项已登记，工单号 {number}，我们会尽快受理。",
    "submit_danger": "您反映的事项已登记，工单号 {number}，值班人员已收到告警。有生命危险请立即拨打 110、119、120。",
    "supplement": "工单 {number} 有新的补充说明，请查看。",
    "ask_info": "工单 {number} 需要您补充情况，请在 {info_due} 前到小程序中查看并回复，也可以拨打热线。"
    "到期没有补充，将按现有情况继续办理。",
    "supply_info": "工单 {number} 已补充情况，请继续受理。",
    "lapse_info": "工单 {number} 的补充期限已到，将由工作人员按现有情况继续办理。",
    "accept": "您反映的事项（工单号 {number}）已受理，正在派单。",
    "answer": "您反映的事项（工单号 {number}）已答复，请查看。",
    "ask_reject": "工单 {number} 申请不予受理，请您审批。",
    "ask_redirect": "工单 {number} 申请转其他渠道，请您审批。",
    "reject": "您反映的事项（工单号 {number}）不予受理，原因和建议请查看答复。",
    "redirect": "您反映的事项（工单号 {number}）需要通过其他渠道办理，办法请查看答复。",
    "reject_asker": "工单 {number} 不予受理的申请已同意。",
    "reject_lead": "工单 {number} 已不予受理，不用再办理。",
    "redirect_asker": "工单 {number} 转其他渠道的申请已同意。",
    "redirect_lead": "工单 {number} 已转其他渠道，不用再办理。",
    "dispatch": "工单 {number} 已派给{unit}办理。",
    "dispatch_lead": "新工单 {number} 由您单位主办，请尽快签收。",
    "dispatch_assists": "新工单 {number} 由您单位协办，请尽快签收。",
    "submit_assist": "工单 {number} 的协办或二级承办单位已反馈。",
    "sub_dispatch": "工单 {number} 由{unit}派给您单位承办，请尽快签收。",
    "assign_handler": "工单 {number} 已指定由您经办，请及时办理。",
    "leave_begins": "{name}请假，由您接续办理的工单已转到您名下，请在工作台查看。",
    "correct": "工单 {number} 的登记内容有更正，时限可能有变化，请查看。",
    "move_grid": "工单 {number} 的网格不对，请按实际位置重新确定网格。",
    "move_grid_deciders": "工单 {number} 不在原网格，申请改派，请您审批。",
    "hand_to_emergency": "紧急：工单 {number} 已移交 110、119 或 120，请盯紧到场情况，到场后及时确认。",
    "confirm_arrival": "工单 {number} 的救援力量已到场。",
    "confirm_upstream": "工单 {number} 上级平台已有审核意见，请查看。",
    "raise": "工单 {number} 已提级，请上级单位牵头推动，{unit}继续办理。",
    "adjust_clock": "工单 {number} 的上级时限有变化，办理时限可能随之提前，请查看。",
    "pass": "您反映的事项（工单号 {number}）已有办理结果，请查看并评价。",
    "send_back": "工单 {number} 未通过核验，已退回，请继续办理，时限不变。",
    "record_callback": "工单 {number} 已回访。",
    "rate": "工单 {number} 群众已评价。",
    "rate_to_confirm": "有人凭查询码对您的事项（工单号 {number}）作了评价，"
    "我们会打电话向您核实后再计入。如果不是您本人，请告诉来电人员。",
    "closed_persons": "您反映的事项（工单号 {number}）已办结，感谢您的评价。如果问题又出现，{reopen_until} 前可以申请重新办理。",
    "unreachable_persons": "您反映的事项（工单号 {number}）已有办理结果，我们多次联系您都没有接通，现先办结。"
    "{rating_until} 前您仍可以评价；没有解决的，{reopen_until} 前可以申请重新办理。",
    "to_upstream_persons": "感谢您对工单 {number} 的评价，办理结果已报上级审核。",
    "triage_waits_persons": "您对工单 {number} 的意见已收到，督办员将在 {triage_due} 前研判怎样继续办理。",
    "triage_waits": "工单 {number} 群众不满意，请在 {triage_due} 前研判。",
    "late_dissatisfaction": "已办结的工单 {number} 群众评价不满意，请查看不满意清单。",
    "ask_return": "工单 {number} 的承办单位申请退单，请您审批。",
    "ask_reassign": "工单 {number} 申请改派，请您审批。",
    "ask_support": "工单 {number} 申请加派协办单位，请您审批。",
    "ask_extend": "工单 {number} 申请延期，请您审批。",
    "ask_suspend": "工单 {number} 申请挂账，请您审批。",
    "ask_terminate": "工单 {number} 申请终止办理，请您审批。",
    "ask_exclude": "工单 {number} 申请剔除，请您审批。",
    "ask_void": "工单 {number} 申请作废，请您审批。",
    "ask_withdraw": "工单 {number} 的反映人希望撤回，请电话核实是否自愿。",
    "ask_judge_closed": "工单 {number} 群众不满意，申请判定办结，请您审批。",
    "refuse_request": "工单 {number} 的申请未获同意，请查看理由，继续办理。",
    "refuse_request_persons": "您希望撤回的事项（工单号 {number}）经核实继续办理，情况请查看进展。",
    "return": "工单 {number} 已同意退单。",
    "return_dispatchers": "工单 {number} 已退单，请重新派单。",
    "reassign": "您反映的事项（工单号 {number}）已改由{unit}办理。",
    "reassign_asker": "工单 {number} 的申请已同意，改由{unit}办理。",
    "reassign_lead": "工单 {number} 改由您单位主办，请尽快签收。",
    "add_assist": "工单 {number} 已加派协办单位。",
    "add_assist_assists": "工单 {number} 请您单位协办，请尽快签收。",
    "extend": "工单 {number} 的办理期限已延长，请查看新的期限。",
    "extend_persons": "您反映的事项（工单号 {number}）需要更多时间办理，新的期限是 {overall_due}，原因请查看进展。",
    "suspend": "工单 {number} 已挂账，到复核日期自动恢复办理。",
    "suspend_persons": "您反映的事项（工单号 {number}）暂时还不具备办理条件，原因和复核日期请查看进展。",
    "resume": "工单 {number} 已恢复办理，时限继续计算。",
    "resume_persons": "您反映的事项（工单号 {number}）已恢复办理。",
    "terminate": "工单 {number} 已终止办理。",
    "terminate_persons": "您反映的事项（工单号 {number}）终止办理，原因请查看答复。",
    "exclude": "工单 {number} 已同意剔除，考核前后两个口径都会列出。",
    "void": "工单 {number} 已作废。",
    "void_persons": "您反映的事项（工单号 {number}）的登记已作废，原因请查看答复。",
    "withdraw": "工单 {number} 已由反映人撤回。",
    "withdraw_persons": "您反映的事项（工单号 {number}）已按您的要求撤回。以后需要时，可以随时重新反映。",
    "judge_closed": "工单 {number} 已判定办结。",
    "judge_closed_persons": "您反映的事项（工单号 {number}）经研判已办结，说明请查看答复。",
    "triage": "工单 {number} 群众不满意，请重新办理。",
    "triage_dispatch_persons": "您对工单 {number} 的意见已收到，将重新派单办理。",
    "withdraw_one": "工单 {number} 有一位反映人撤回了诉求，其他人的诉求请继续办理。",
    "triage_persons": "您对工单 {number} 的意见已收到，{unit}将重新办理，{resolve_due} 前反馈结果。",
    "reopen": "工单 {number} 已重新打开，请在 {dispatch_due} 前派单。",
    "reopen_owner": "您单位办理过的工单 {number} 已重新打开，等待重新派单，请了解情况。",
    "reopen_persons": "您反映的事项（工单号 {number}）已重新打开，将再次办理，我们承诺 {overall_due} 前全部办完。",
    "mark_settled": "您反映的事项（工单号 {number}）已多次答复；没有新的情况时，同一事项不再重复受理，说明请查看答复。",
    "merge": "您反映的事项（工单号 {number}）与另一件相同的事项合并办理，原工单号仍可查询进度，办结后会单独回访您。",
    "merge_filers": "您登记的工单 {number} 与另一件相同的事项合并办理，原工单号仍可查询进度。",
    "merge_lead": "工单 {number} 与另一件反映同一件事的工单合并办理，您单位不用再单独办理。",
    "merge_assists": "工单 {number} 与另一件反映同一件事的工单合并办理，您单位不用再单独协办。",
    "merge_subs": "工单 {number} 与另一件反映同一件事的工单合并办理，您单位不用再单独承办。",
    "merge_asker": "工单 {number} 已与另一件工单合并办理，您提出的申请不再审批；仍有需要的，请到合并后的工单上提出。",
    "absorb": "工单 {number} 并入了反映同一件事的其他工单，请查看并一并答复。",
    "unmerge": "您反映的事项（工单号 {number}）经核实是另外一件事，已单独继续办理。",
    "unmerge_filers": "您登记的工单 {number} 已从并案中拆出，单独继续办理。",
    "unmerge_lead": "工单 {number} 已从并案中拆出，仍由您单位主办，时限按原来的计算，请马上查看。",
    "unmerge_assists": "工单 {number} 已从并案中拆出，仍请您单位协办，时限按原来的计算，请马上查看。",
    "unmerge_subs": "工单 {number} 已从并案中拆出，仍由您单位承办，时限按原来的计算，请马上查看。",
    "release": "工单 {number} 并入的一件工单已拆出，请按原事项继续办理。",
    "look": "工单 {number} 已有人现场查看，请查看核验清单。",
    "appraise": "工单 {number} 已有代表评单，请查看核验清单。",
    "whistle": "工单 {number} 吹哨：请您单位派人到“{place}”报到，到场后请签到。",
    "whistle_cancelled": "工单 {number} 的吹哨已取消，不用再到“{place}”报到。",
    "arrive": "{unit}已到“{place}”报到（工单 {number}）。",
    "whistle_contested": "工单 {number} 的被叫单位认为吹哨没有必要，请裁定。",
    "hand_to": "工单 {number} 交由您在现场办理，请及时签收、联系群众并反馈。",
    "slip_made": "您的服务订单（工单号 {number}）的查询码由村里打印送到，请当面收下；没有收到的，请拨打热线。",
    "reissue_code": "您的事项（工单号 {number}）补发了查询码，原来的查询码已作废。如果不是您要求的，请拨打热线。",
    "dispute_consent": "工单 {number} 的当事人表示没有委托代办，请核查。",
    "rule_on_consent": "工单 {number} 的代办委托已核查，结论请查看。",
    "rule_on_consent_persons": "您反映的“没有委托代办”（工单号 {number}）已核查，结论请查看答复。",
    "home_request": "工单 {number} 请求上门代办，请在 {due} 前接单，或者说明不能上门的原因。",
    "take_visit": "您的上门代办请求（工单号 {number}）已有人接单，约定 {arrive_due} 前上门。",
    "decline_visit": "您的上门代办请求（工单号 {number}）村里暂时不能上门，原因请查看答复，工作人员会继续处理。",
    "decline_visit_intake": "工单 {number} 村里不能上门代办，请接续处理。",
    "give_back_visit": "您的上门代办请求（工单号 {number}）原来接单的人来不了了，村里会另外安排人上门，请稍候。",
    "visit_over": "您接单上门的工单 {number} 已另行处理，不用再上门了。",
    "visit_over_persons": "您的上门代办请求（工单号 {number}）已由工作人员接手处理，原来约好的上门取消，进展请查看。",
    "consent_code": "{filer}将代您反映“{title}”。如果您同意，请把授权码 {code} 告诉对方，10 分钟内有效；不同意请不要告诉任何人。",
    "claim_code": "您的事项工单号 {number}，查询码 {code}。凭这两个号码可在小程序里查看、补充和评价，请不要告诉别人。",
    "danger": "紧急：工单 {number} 提到“{word}”，请立即处置，危及生命的马上联动 110、119、120。",
    "urge": "工单 {number} 有人催办，请尽快办理并联系群众。",
    "order_supervision": "工单 {number} 有督办意见，请查看，并按时反馈。",
    "answer_supervision": "工单 {number} 的承办单位已反馈督办，请审阅。",
    "decide_progress": "工单 {number} 已列入周调度，请查看决定，并按要求落实。",
    "take": "服务订单 {number} 已有人接单。",
    "take_persons": "您的服务订单（工单号 {number}）已有人接单，正在办理。",
    "give_back": "服务订单 {number} 的接单人已退回，请尽快另行安排。",
    "order_over": "您接的服务订单 {number} 已经结束，不用再去了，谢谢您。",
    "order_passed_on": "您接的服务订单 {number} 已转给别人办理，不用再去了，谢谢您。",
    "pass_station": "您的服务订单（工单号 {number}）已办完一站，进度请查看。",
    "return_station": "服务订单 {number} 已退回上一站，请查看原因。",
    "service_offered": "有新的服务订单 {number}，请在 {sign_due} 前接单。",
    "service_open": "您所在的村（社区）有一份新的服务订单，方便时请到小程序接单。",
    "station_begins": "服务订单 {number} 已到“{station}”，请及时办理。",
    "warn_clock": "工单 {number} 的{clock}快到了：{due} 前。",
    "breach_clock": "工单 {number} 的{clock}已超时（{due}），请马上办理。",
    "escalate_clock": "工单 {number} 的{clock}超时仍未办结（{due}），已升至第 {level} 级。",
    "warn_urgent": "紧急：工单 {number} 的{clock}快到了：{due} 前，请马上办理。",
    "breach_urgent": "紧急：工单 {number} 的{clock}已超时（{due}），请马上办理。",
    "escalate_urgent": "紧急：工单 {number} 的{clock}超时仍未办结（{due}），已升至第 {level} 级。",
    "calendar_missing": "{year}年的节假日安排还没有导入，跨到这一年的时限只是暂定。请在国务院通知公布后及时导入日历。",
    "duty_phone": "{unit}值班电话：工单 {number} 的{clock}已到（{due}），请马上办理。",
    "warn_visit": "{count} 户的走访快到期，最早 {due} 前。",
    "breach_visit": "{count} 户的走访已到期（最早 {due}），还没有完成，请尽快上门。",
    "breach_visit_unit": "{unit}有 {count} 户的走访已到期（最早 {due}），还没有完成，请督促。",
    "death_carer": "您帮扶的一位居民已经去世，请您节哀。与这位居民有关的走访和提醒已经停止，感谢您一直以来的照顾。",
    "death_village": "{grid}登记了一位居民去世，有关的走访和提醒已经停止。请协助家属办理后续事宜；如登记有误，可以撤销。",
    "effect_proposed": "{grid}走访登记了需要村里确认的人户变动，请查看。",
    "duty_leader": "{unit}带班领导：工单 {number} 的{clock}已超时（{due}），仍未办理，请马上督促。",
}

BY: dict[str, By] = {
    "danger": By.VOICE,
    "duty_phone": By.VOICE,
    "duty_leader": By.VOICE,
    "hand_to_emergency": By.SMS,
    "consent_code": By.SMS,
    "claim_code": By.SMS,
    "home_request": By.SMS,
    "whistle": By.SMS,
    "whistle_cancelled": By.SMS,
    "warn_urgent": By.SMS,
    "breach_urgent": By.SMS,
    "escalate_urgent": By.SMS,
}
"""What cannot wait until somebody looks at a screen; a gateway that cannot speak or text sends a message."""


def names_in(template: str) -> set[str]:
    """Give the names of the parameters that a template needs; raises KeyError for an unknown template."""
    return {name for _, name, _, _ in Formatter().parse(TEMPLATES[template]) if name}


SUMMED = frozenset({"warn_visit", "breach_visit", "breach_visit_unit"})
"""What a digest tells in one line, however much there is of it: households counted once, the earliest moment named."""


def words_of(template: str, params: dict[str, Any]) -> str:
    """Give a notice's sentence; raises KeyError for an unknown template or a missing parameter."""
    if template == "digest":
        lines = [words_of(name, said) for name, said in _summed(params["items"])]
        return "\n".join([f"您有 {len(lines)} 条时限提醒：", *lines])
    return TEMPLATES[template].format_map(params)


def _summed(items: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Give the lines of a digest in order, what is summed at the place of its first."""
    lines: dict[object, tuple[str, dict[str, Any]]] = {}
    households: dict[object, set[int]] = {}
    for place, item in enumerate(items):
        template, params = item["template"], item["params"]
        if template not in SUMMED:
            lines[place] = (template, params)
            continue
        line = (template, params.get("unit"))
        seen = households.setdefault(line, set())
        seen.add(params["household"])
        earliest = min((lines[line][1] if line in lines else params)["due"], params["due"])
        lines[line] = (template, params | {"count": len(seen), "due": earliest})
    return list(lines.values())
