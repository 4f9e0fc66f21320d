"""Keeps what shall become of each case of the demo's month: a plan each, drawn once and for all from a fixed seed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from app.demo.topics import AGAINST, ELSEWHERE, GAS, PRAISE, TIP_OFFS, TOPICS, UNFIT, Topic
from app.ledger.vocabulary import Channel, RequestKind, State

SEED = 20261124
FLOWING = 100
"""How many cases go their way without being told where to stop."""

CHANNELS: tuple[tuple[Channel, int], ...] = (
    (Channel.MINI_PROGRAM, 34), (Channel.HOTLINE, 26), (Channel.VISIT, 14), (Channel.PROXY, 8), (Channel.WINDOW, 5),
    (Channel.UPSTREAM_12345, 5), (Channel.MAILBOX, 3), (Channel.LETTER, 2), (Channel.PATROL, 2), (Channel.LEADER, 1),
)  # fmt: skip

VISITED = ("柳林村", "河湾村")
"""The villages whose first grid has a worker."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What becomes of one case.

    It begins on a `day`, a share of the month's working days, or so many working hours `ago` (hours by the clock on the wall
    where it is a `weekend` one, which people file whenever they like).
    `rest` is where it is left lying. A brisk one loses no minute at the desk. `pace` makes the handling unit take so much of
    its term. `refusal` chooses the words of one that is not taken up, or goes elsewhere.
    """

    seed: int
    day: float
    hour: float
    channel: Channel
    topic: Topic
    village: str
    who: int
    ago: float | None = None
    brisk: bool = False
    weekend: bool = False
    anonymous: bool = False
    confidential: bool = False
    against: str | None = None
    direct: bool = False
    asks: bool = False
    silent: bool = False
    refuse: RequestKind | None = None
    refusal: int = 0
    refused: bool = False
    assisted: bool = False
    meeting: bool = False
    dawdling: bool = False
    pace: float = 0.5
    sent_back: bool = False
    unhappy: bool = False
    unreachable: bool = False
    rates: bool = False
    rest: State | None = None


def plans() -> list[Plan]:
    """Give every plan of the month; the same at every call."""
    drawn = [_flowing(number) for number in range(FLOWING)]
    return [*drawn, *_resting(len(drawn))]


def _flowing(number: int) -> Plan:
    draw = Random(SEED + number)  # noqa: S311 (the same every time is what is wanted)
    channel = draw.choices([each for each, _ in CHANNELS], [weight for _, weight in CHANNELS])[0]
    plan = Plan(
        seed=SEED + number,
        day=(number + draw.random()) / FLOWING,
        hour=draw.uniform(0.1, 6.2),
        channel=channel,
        topic=draw.choice(TOPICS),
        village=_village(draw, channel),
        who=_who(draw, number),
        weekend=channel is Channel.MINI_PROGRAM and draw.random() < 0.25,
        pace=draw.uniform(0.15, 0.85),
        rates=draw.random() < 0.3,
        asks=draw.random() < 0.08,
        sent_back=draw.random() < 0.08,
        assisted=draw.random() < 0.5,
    )
    fate = draw.random()
    if fate < 0.26:
        return replace(plan, direct=True, unhappy=draw.random() < 0.1)
    if fate < 0.32:
        return replace(plan, unhappy=True)
    if fate < 0.35:
        return replace(plan, unreachable=True, rates=False)
    if fate < 0.43:
        return replace(plan, pace=draw.uniform(1.15, 1.8), dawdling=draw.random() < 0.5)
    if fate < 0.48 and channel is Channel.MINI_PROGRAM:
        return replace(plan, anonymous=True)
    return plan


def _village(draw: Random, channel: Channel) -> str:
    if channel is Channel.VISIT:
        return draw.choice(VISITED)
    if channel is Channel.PROXY:
        return "柳林村"
    return draw.choice(("柳林村", "河湾村", "桥头社区", "石桥社区", "东岭村", "西岭村", "春晖社区", "南门社区", "翠湖社区"))


def _who(draw: Random, number: int) -> int:
    """Give a place in the roster: Lin (0) and Chen (1) speak up more often than others."""
    return number % 2 if draw.random() < 0.12 else draw.randrange(2, 38)


def _resting(first: int) -> Iterator[Plan]:
    """Give the cases that lie in each state at the end of the month, some of them late, and the uncommon fates."""
    for place, more in enumerate(_SPECIAL):
        draw = Random(SEED + first + place)  # noqa: S311
        channel = more.get("channel", draw.choice((Channel.MINI_PROGRAM, Channel.HOTLINE, Channel.WINDOW)))
        plan = Plan(
            seed=SEED + first + place,
            day=0.5,
            hour=draw.uniform(0.2, 3.5),
            channel=channel,
            topic=TOPICS[place % len(TOPICS)],
            village=_village(draw, channel),
            who=_who(draw, place),
        )
        yield replace(plan, **more)


_UPSTREAM = {"channel": Channel.UPSTREAM_12345}
_SPECIAL: tuple[dict[str, Any], ...] = (
    *({"ago": ago, "weekend": True, "rest": State.SUBMITTED, "channel": Channel.MINI_PROGRAM} for ago in (0.3, 4.0)),
    {"ago": 0.1, "rest": State.SUBMITTED},
    {"ago": 0.4, "rest": State.SUBMITTED, "channel": Channel.MINI_PROGRAM},
    {"ago": 0.9, "rest": State.SUBMITTED, "channel": Channel.HOTLINE},
    {"ago": 0.25, "rest": State.ACCEPTED, "brisk": True},
    {"ago": 0.3, "rest": State.DISPATCHED, "brisk": True},
    {"ago": 1.0, "rest": State.INFO_REQUESTED, "asks": True, "brisk": True},
    *({"ago": ago, "rest": State.IN_PROGRESS, "brisk": True} for ago in (1.5, 2.5, 5.0, 9.0)),
    *({"ago": ago, "rest": State.UNDER_REVIEW, "brisk": True, "pace": 0.02} for ago in (3.5, 6.0)),
    *({"ago": ago, "rest": State.AWAITING_CALLBACK, "brisk": True, "pace": 0.02} for ago in (5.5, 8.0, 12.0)),
    {"ago": 0.6, "direct": True, "brisk": True, "channel": Channel.HOTLINE},
    {"ago": 2.0, "direct": True, "brisk": True, "channel": Channel.VISIT},
    {"ago": 3.0, "direct": True, "brisk": True, "channel": Channel.MINI_PROGRAM, "rest": State.AWAITING_CALLBACK},
    *({"day": day, "rest": State.SUBMITTED} for day in (0.97, 0.93, 0.88, 0.999)),
    *({"day": day, "rest": State.INFO_REQUESTED, "asks": True} for day in (0.93, 0.88, 0.9)),
    *({"day": day, "rest": State.INFO_REQUESTED, "asks": True, "silent": True} for day in (0.3, 0.45)),
    *({"day": day, "rest": State.ACCEPTED} for day in (0.95, 0.9, 0.86)),
    *({"day": day, "rest": State.DISPATCHED} for day in (0.94, 0.9, 0.8)),
    {"day": 0.84, "rest": State.DISPATCHED, "topic": TOPICS[11]},
    *({"day": day, "rest": State.IN_PROGRESS} for day in (0.92, 0.85, 0.75, 0.6, 0.45)),
    *({"day": day, "rest": State.IN_PROGRESS, "dawdling": True, "topic": TOPICS[1]} for day in (0.35, 0.2, 0.1)),
    {"day": 0.55, "rest": State.IN_PROGRESS, "assisted": True, "meeting": True, "topic": TOPICS[5]},
    *({"day": day, "rest": State.UNDER_REVIEW, "pace": 0.2} for day in (0.87, 0.78, 0.7)),
    *({"day": day, "rest": State.AWAITING_CALLBACK, "pace": 0.2} for day in (0.85, 0.8, 0.7, 0.6)),
    *({"day": day, "rest": State.AWAITING_UPSTREAM, "pace": 0.2, **_UPSTREAM} for day in (0.75, 0.6)),
    {"day": 0.4, "pace": 0.3, **_UPSTREAM},
    *({"day": 0.15 + 0.2 * place, "refuse": RequestKind.REJECT, "refusal": place} for place in range(len(UNFIT))),
    *({"day": 0.2 + 0.2 * place, "refuse": RequestKind.REDIRECT, "refusal": place} for place in range(len(ELSEWHERE))),
    {"day": 0.9, "refuse": RequestKind.REJECT, "refusal": 0, "rest": State.SUBMITTED},
    {"day": 0.5, "refuse": RequestKind.REJECT, "refusal": 0, "refused": True, "pace": 0.4},
    *(
        {"day": day, "topic": topic, "confidential": True, "channel": channel, "pace": 0.3}
        for day, topic, channel in (
            (0.25, TIP_OFFS[0], Channel.MINI_PROGRAM),
            (0.5, TIP_OFFS[1], Channel.HOTLINE),
            (0.7, TIP_OFFS[0], Channel.LETTER),
        )
    ),
    {"day": 0.8, "topic": TIP_OFFS[1], "confidential": True, "channel": Channel.MINI_PROGRAM, "rest": State.IN_PROGRESS},
    *({"day": day, "topic": GAS, "channel": Channel.HOTLINE, "assisted": True, "pace": 0.1} for day in (0.3, 0.72)),
    {"day": 0.96, "topic": GAS, "channel": Channel.HOTLINE, "rest": State.IN_PROGRESS},
    {"day": 0.3, "unreachable": True, "pace": 0.2, "channel": Channel.HOTLINE},
    {"day": 0.35, "unhappy": True, "pace": 0.2, "channel": Channel.MINI_PROGRAM, "rates": True, "topic": TOPICS[4]},
    {"day": 0.5, "unhappy": True, "direct": True, "channel": Channel.LETTER, "topic": TOPICS[3]},
    *({"day": day, "topic": PRAISE, "direct": True, "channel": Channel.HOTLINE} for day in (0.35, 0.65)),
    {"day": 0.4, "anonymous": True, "channel": Channel.MINI_PROGRAM, "rates": True, "pace": 0.3},
    {"day": 0.8, "anonymous": True, "channel": Channel.MINI_PROGRAM, "rest": State.IN_PROGRESS},
    {"day": 0.45, "against": "供水公司", "topic": AGAINST[0], "pace": 0.5},
    {"day": 0.75, "against": "城市管理局", "topic": AGAINST[1], "rest": State.IN_PROGRESS},
    {"day": 0.3, "who": 0, "channel": Channel.MINI_PROGRAM, "rates": True, "village": "柳林村", "pace": 0.3},
    {"day": 0.83, "who": 0, "channel": Channel.MINI_PROGRAM, "village": "柳林村", "rest": State.AWAITING_CALLBACK, "pace": 0.15},
    {"day": 0.9, "who": 1, "channel": Channel.MINI_PROGRAM, "village": "柳林村", "rest": State.IN_PROGRESS},
)  # fmt: skip
