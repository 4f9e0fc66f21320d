"""Keeps which figures there are: each with its name and definition in words, what it is counted from, and its arithmetic.

A report holds figures of one way of choosing cases: by acceptance, by call-back, by dispatch, by whistle; they never mix.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from app.core.errors import NotFound
from app.ledger import rates
from app.ledger.rates import Cohort, Heard, Parts, Share, Weights


class UnknownFigure(NotFound):
    """没有这个指标"""


class Report(StrEnum):
    """Reports; the figures of one are all of the same choice of cases."""

    CLOSURE = "closure"
    SATISFACTION = "satisfaction"
    PARTS = "parts"
    WHISTLES = "whistles"


REPORT_NAMES = {
    Report.CLOSURE: "受理与办结",
    Report.SATISFACTION: "回访与满意度",
    Report.PARTS: "签收与退单",
    Report.WHISTLES: "吹哨报到",
}
CHOSEN_BY = {
    Report.CLOSURE: "统计期内受理的诉求",
    Report.SATISFACTION: "统计期内听取的回访和评价",
    Report.PARTS: "统计期内派出的承办任务",
    Report.WHISTLES: "统计期内发出的吹哨",
}


class Selection(StrEnum):
    """What a row is that is counted: a case accepted, a round heard or owed a call-back, a unit's part, a whistle's call.

    A whistle's call is counted for the unit that was called, and, blown by a unit, for the one that called.
    """

    ACCEPTED = "accepted"
    HEARD = "heard"
    DISPATCHED = "dispatched"
    WHISTLED = "whistled"
    BLOWN = "blown"


Counts = Mapping[str, int]
"""How many rows each measure holds for."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure. `numerator` are the measures that its numerator adds up, `denominator` the one below it."""

    code: str
    name: str
    definition: str
    report: Report
    selection: Selection
    numerator: tuple[str, ...]
    denominator: str
    compute: Callable[[Counts, Weights], Share]


def _plain(
    code: str, name: str, definition: str, *, report: Report, selection: Selection, numerator: str, denominator: str
) -> Figure:
    """Give a figure that is one count over another."""
    return Figure(
        code=code,
        name=name,
        definition=definition,
        report=report,
        selection=selection,
        numerator=(numerator,),
        denominator=denominator,
        compute=lambda counts, _: rates.share(counts[numerator], counts[denominator]),
    )


def _of_heard(
    code: str,
    name: str,
    definition: str,
    numerator: tuple[str, ...],
    rate: Callable[[Heard, Weights], Share],
    *,
    denominator: str = "valid",
) -> Figure:
    return Figure(
        code=code,
        name=name,
        definition=definition,
        report=Report.SATISFACTION,
        selection=Selection.HEARD,
        numerator=numerator,
        denominator=denominator,
        compute=lambda counts, weights: rate(Heard(**counts), weights),
    )


def _of_cohort(code: str, name: str, definition: str, numerator: str, denominator: str = "accepted") -> Figure:
    return _plain(
        code,
        name,
        definition,
        report=Report.CLOSURE,
        selection=Selection.ACCEPTED,
        numerator=numerator,
        denominator=denominator,
    )


def _response(heard: Heard, _: Weights) -> Share:
    return rates.response(heard)


def _solution(heard: Heard, _: Weights) -> Share:
    return rates.solution(heard)


def _coverage(heard: Heard, _: Weights) -> Share:
    return rates.coverage(heard)


_V = "每件诉求每一轮只计一次；多人反映的取最不满意的一位；本人评价视同回访，未接通和上级回访不计。"
_GRADES = ("very_satisfied", "satisfied", "basically_satisfied")

FIGURES: tuple[Figure, ...] = (
    _of_cohort("closed_of_accepted", "办结率（占受理）", "统计期内受理的诉求中，到截止时刻已办结的占比。", "closed"),
    _of_cohort(
        "closed_of_due",
        "办结率（占应办结）",
        "统计期内受理的诉求中，已办结的占应办结的比例；已办结，或主办时限、总时限已过仍未完成的，为应办结。",
        "closed",
        "due",
    ),
    _of_cohort(
        "on_time",
        "按时办结率",
        "统计期内受理的诉求中，按时办结的占应办结的比例；每一轮主办单位的办理时限都没有超过，才算按时，超时未办结的计入分母。",
        "on_time",
        "due",
    ),
    _of_cohort("resolved", "化解率（占受理）", "统计期内受理的诉求中，已办结且承办单位认定已解决的占比。", "resolved"),
    _of_cohort("direct", "直接答复占比", "统计期内受理的诉求中，由中心直接答复的占比。", "direct"),
    _of_cohort("on_the_spot", "现场解答占比", "统计期内受理的诉求中，由网格员现场解答的占比。", "on_the_spot"),
    _of_cohort("passed_on", "转办占比", "统计期内受理的诉求中，派给单位办理的占比。", "passed_on"),
    _of_cohort("rework", "返工率", "统计期内受理并派给单位的诉求中，因群众不满意返工过的占比。", "reworked", "passed_on"),
    _of_heard("response", "响应率", f"有效回访中，群众说承办单位联系过的占比。{_V}", ("contacted",), _response),
    _of_heard("solution", "解决率", f"有效回访中，群众说问题已解决的占比。{_V}", ("solved",), _solution),
    _of_heard(
        "satisfaction",
        "满意率",
        f"有效回访中，非常满意、满意和按比例折算的基本满意的占比。{_V}",
        _GRADES,
        rates.satisfaction,
    ),
    _of_heard(
        "composite",
        "综合得分",
        f"响应率、满意率、解决率按权重相加。{_V}",
        ("contacted", "solved", *_GRADES),
        rates.composite,
    ),
    _of_heard(
        "coverage",
        "回访率",
        "统计期内应回访的诉求中，已听到群众意见或按规定认定未接通的占比；期末仍在等待回访的计入分母。",
        ("covered",),
        _coverage,
        denominator="owed",
    ),
    _plain(
        "sign_on_time",
        "按时签收率",
        "统计期内派出的承办任务中，按时签收的占应签收的比例；超时未签收的计入分母。",
        report=Report.PARTS,
        selection=Selection.DISPATCHED,
        numerator="signed_on_time",
        denominator="sign_due",
    ),
    _plain(
        "returned",
        "退单率",
        "统计期内派出的承办任务中，经同意退单的占比。",
        report=Report.PARTS,
        selection=Selection.DISPATCHED,
        numerator="returned",
        denominator="dispatched",
    ),
    _plain(
        "arrived_on_time",
        "按时报到率",
        "统计期内发出的吹哨中，被叫单位按时到场的占应到场的比例；超时未到的计入分母。",
        report=Report.WHISTLES,
        selection=Selection.WHISTLED,
        numerator="arrived_on_time",
        denominator="arrive_due",
    ),
    _plain(
        "helped",
        "到场协助认可率",
        "统计期内发出的吹哨中，吹哨方认为被叫单位到场并解决问题的，占吹哨方已评价的比例；按被叫单位统计。",
        report=Report.WHISTLES,
        selection=Selection.WHISTLED,
        numerator="helped",
        denominator="help_judged",
    ),
    _plain(
        "justified",
        "吹哨合理率",
        "统计期内单位发出的吹哨中，被认定应当吹哨的，占已评价的比例；有裁定的以裁定为准，没有的以被叫单位的评价为准；按吹哨单位统计。",
        report=Report.WHISTLES,
        selection=Selection.BLOWN,
        numerator="justified",
        denominator="blown_judged",
    ),
)  # fmt: skip
_BY_CODE = {figure.code: figure for figure in FIGURES}

MEASURES: dict[Selection, tuple[str, ...]] = {
    Selection.ACCEPTED: tuple(each.name for each in fields(Cohort)),
    Selection.HEARD: tuple(each.name for each in fields(Heard)),
    Selection.DISPATCHED: tuple(each.name for each in fields(Parts)),
    Selection.WHISTLED: ("arrive_due", "arrived_on_time", "help_judged", "helped"),
    Selection.BLOWN: ("blown_judged", "justified"),
}
"""What is counted of the rows of each selection."""


def figure_of(code: str) -> Figure:
    """Give a figure by its code; raises UnknownFigure."""
    try:
        return _BY_CODE[code]
    except KeyError:
        raise UnknownFigure from None


def figures_in(report: Report) -> list[Figure]:
    """Give the figures of a report in their order."""
    return [figure for figure in FIGURES if figure.report is report]
