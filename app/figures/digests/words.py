"""Keeps how a digest is put in words and tables: plain sentences, every number with what it was counted from."""

from collections.abc import Sequence

from app.core.clock import CHINA
from app.core.papers.paper import Paper, PaperSection, PaperTable
from app.figures.digests.digest import Digest, FigureTold, rising
from app.figures.digests.spans import TITLES, Every
from app.figures.digests.visited import Visited
from app.ledger.labels import label
from app.ledger.numbers import in_fours
from app.ledger.rates import percent, plain
from app.visits.models import VisitOutcome

NO_FIGURE = "无数据"
THIS = {Every.WEEKLY: "本周", Every.MONTHLY: "本月"}
LAST = {Every.WEEKLY: "上周", Every.MONTHLY: "上月"}
OUTCOMES = {
    VisitOutcome.MET: "入户见面", VisitOutcome.PHONE: "电话", VisitOutcome.NOBODY_HOME: "无人在家",
    VisitOutcome.WORKING_AWAY: "外出务工", VisitOutcome.VACANT: "空置", VisitOutcome.REFUSED: "未接受",
    VisitOutcome.MOVED: "已搬离", VisitOutcome.DECEASED: "已去世",
}  # fmt: skip


def paper_of(digest: Digest) -> Paper:
    """Give a digest as a paper."""
    made = digest.cutoff.astimezone(CHINA)
    until = f"数据截至 {made:%Y-%m-%d %H:%M}"
    return Paper(
        title=f"{digest.unit}{TITLES[digest.every]}",
        subtitle=f"{digest.span.name}　{until}",
        sections=(_visits(digest), _cases(digest), _figures(digest), _topics(digest), _late(digest)),
        foot=f"{digest.unit} · {digest.span.name}",
    )


def _against(now: int, before: int, *, unit: str, last: str) -> str:
    if now == before:
        return f"与{last}持平"
    change = f"比{last}{'增加' if now > before else '减少'} {abs(now - before)} {unit}"
    return f"{change}（{abs(now - before) / before:.1%}）" if before else change


def _visits(digest: Digest) -> PaperSection:
    this, last, seen = THIS[digest.every], LAST[digest.every], digest.visited
    outcomes = "、".join(f"{words} {seen.outcomes[each]} 户次" for each, words in OUTCOMES.items() if seen.outcomes.get(each))
    sentences = [
        f"{this}共走访 {seen.visits} 户次，{_against(seen.visits, digest.visited_before.visits, unit='户次', last=last)}。"
    ]
    if seen.visits:
        sentences.append(f"其中{outcomes}；入户见面的共 {seen.households} 户。")
        sentences.append(f"走访中听到诉求 {seen.needs} 件，现场解答 {seen.answered} 件，转为工单 {seen.passed_on} 件。")
    if seen.due:
        sentences.append(f"{this}到期的走访任务 {seen.due} 项，已完成 {seen.done} 项，到期未完成 {seen.missed} 项。")
    rows = [(line.name, *_row(line.visited)) for line in digest.places]
    tables = [_table(("", "走访户次", "入户", "电话", "诉求", "现场解答", "到期任务", "已完成"), rows)] if rows else []
    note = "口径：按走访时间计；户数按网格去重；到期任务为最后期限落在统计期内、没有取消的任务。"
    return PaperSection("一、入户走访", tuple(sentences), tuple(tables), (note,))


def _row(seen: Visited) -> tuple[str, ...]:
    numbers = (seen.visits, seen.met, seen.by_phone, seen.needs, seen.answered, seen.due, seen.done)
    return tuple(str(number) for number in numbers)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, first: int = 2) -> PaperTable:
    return PaperTable(head, tuple(rows), (first, *[1] * (len(head) - 1)))


def _cases(digest: Digest) -> PaperSection:
    this, last, cases = THIS[digest.every], LAST[digest.every], digest.cases
    accepted = cases["accepted"]
    sentences = [f"{this}受理诉求 {accepted} 件，{_against(accepted, digest.accepted_before, unit='件', last=last)}。"]
    if accepted:
        channels = "、".join(f"{label(channel)} {number} 件" for channel, number in digest.channels)
        sentences.append(f"来源：{channels}。")
        sentences.append(
            f"现场解答 {cases['on_the_spot']} 件，直接答复 {cases['direct']} 件，转办 {cases['passed_on']} 件；"
            f"到截止时刻已办结 {cases['closed']} 件。"
        )
    rows = [(line.name, str(line.accepted), str(line.closed), str(line.accepted - line.closed)) for line in digest.places]
    tables = [_table(("", "受理", "已办结", "在办"), rows)] if rows else []
    note = "口径：统计期内受理的诉求；不含表扬、作废、不予受理、已转其他渠道、已撤回和剔除考核的件。"
    return PaperSection("二、诉求办理", tuple(sentences), tuple(tables), (note,))


def _figures(digest: Digest) -> PaperSection:
    rows = [
        (figure.name, _percent(figure), plain(figure.share.numerator), str(figure.share.denominator)) for figure in digest.figures
    ]
    notes = tuple(f"{figure.name}：{figure.definition}" for figure in digest.figures)
    return PaperSection("三、主要指标", (), (_table(("指标", "比率", "分子", "分母"), rows),), notes)


def _percent(figure: FigureTold) -> str:
    told = percent(figure.share)
    return NO_FIGURE if told is None else f"{told}%"


def _topics(digest: Digest) -> PaperSection:
    last, spans = LAST[digest.every], digest.span.earlier_spans
    unit = "周" if digest.every is Every.WEEKLY else "个月"
    if not digest.topics:
        return PaperSection("四、热点问题", (f"{THIS[digest.every]}没有分类明确的诉求。",))
    first = "、".join(f"{_short(topic.name)}（{topic.accepted} 件）" for topic in digest.topics[:3])
    sentences = [f"群众反映较多的是：{first}。"]
    up = rising(digest.topics)
    if up:
        names = "、".join(_short(topic.name) for topic in up)
        sentences.append(f"明显上升的是：{names}。建议主动排查，未诉先办。")
    else:
        sentences.append("没有明显上升的问题。")
    rows = [
        (topic.name, str(topic.accepted), str(topic.before), f"{topic.mean:.1f}", "上升" if topic.rising else "")
        for topic in digest.topics
    ]
    head = ("问题分类", "件数", last, f"前 {spans} {unit}平均", "")
    note = f"“上升”指不少于 3 件，且不少于前 {spans} {unit}平均的 1.5 倍。"
    return PaperSection("四、热点问题", tuple(sentences), (_table(head, rows, first=5),), (note,))


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _late(digest: Digest) -> PaperSection:
    if not digest.late_count:
        return PaperSection("五、超时未办结", ("到截止时刻，没有超时未办结的诉求。",))
    more = f"，列出超时最久的 {len(digest.late)} 件" if digest.late_count > len(digest.late) else ""
    rows = [
        (in_fours(case.number), case.category, case.unit or "未派单", f"{case.days} 天" if case.days else "不足 1 天")
        for case in digest.late
    ]
    table = PaperTable(("工单号", "分类", "主办单位", "已超时"), tuple(rows), (3, 4, 3, 2))
    sentence = f"到截止时刻，超时未办结的诉求有 {digest.late_count} 件{more}。"
    return PaperSection("五、超时未办结", (sentence,), (table,), ("只列出您有权查看的工单。",))
