"""Keeps the words of every notice, by template name; parameters are numbers, labels and moments, never identity data."""

from typing import Any

TEMPLATES: dict[str, str] = {
    "submit": "您反映的事项已登记，工单号 {number}，我们会尽快受理。",
    "submit_danger": "您反映的事项已登记，工单号 {number}，值班人员已收到告警。有生命危险请立即拨打 110、119、120。",
    "supplement": "工单 {number} 有新的补充说明，请查看。",
    "ask_info": "工单 {number} 需要您补充情况，请在小程序中查看并回复，也可以拨打热线。",
    "supply_info": "工单 {number} 已补充情况，请继续受理。",
    "lapse_info": "工单 {number} 的补充期限已到，将由工作人员按现有情况继续办理。",
    "accept": "您反映的事项（工单号 {number}）已受理，正在派单。",
    "answer": "您反映的事项（工单号 {number}）已答复，请查看。",
    "ask_reject": "工单 {number} 申请不予受理，请您审批。",
    "ask_redirect": "工单 {number} 申请转其他渠道，请您审批。",
    "reject": "您反映的事项（工单号 {number}）不予受理，原因和建议请查看答复。",
    "redirect": "您反映的事项（工单号 {number}）需要通过其他渠道办理，办法请查看答复。",
    "dispatch": "工单 {number} 已派给{unit}办理。",
    "dispatch_lead": "新工单 {number} 由您单位主办，请尽快签收。",
    "dispatch_assists": "新工单 {number} 由您单位协办，请尽快签收。",
    "submit_assist": "工单 {number} 的协办单位已反馈。",
    "pass": "您反映的事项（工单号 {number}）已有办理结果，请查看并评价。",
    "send_back": "工单 {number} 未通过核验，已退回，请继续办理，时限不变。",
    "record_callback": "工单 {number} 已回访。",
    "rate": "工单 {number} 群众已评价。",
    "danger": "紧急：新登记的工单 {number} 提到“{word}”，请立即处置，危及生命的马上联动 110、119、120。",
    "warn_clock": "工单 {number} 的{clock}快到了：{due} 前。",
    "breach_clock": "工单 {number} 的{clock}已超时（{due}），请马上办理。",
    "escalate_clock": "工单 {number} 的{clock}超时仍未办结（{due}），已升至第 {level} 级。",
}


def words_of(template: str, params: dict[str, Any]) -> str:
    """Give a notice's sentence; raises KeyError for an unknown template or a missing parameter."""
    if template == "digest":
        lines = [words_of(item["template"], item["params"]) for item in params["items"]]
        return "\n".join([f"您有 {params['count']} 条时限提醒：", *lines])
    return TEMPLATES[template].format_map(params)
