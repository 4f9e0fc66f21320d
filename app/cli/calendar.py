"""Keeps the commands over the working calendar: a year's published holidays come in, running clocks follow."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import click
from sqlalchemy import select

from app.cli.ground import clock, command_stamp, on_the_ledger
from app.cli.report import refuse
from app.core.clock import CHINA
from app.core.database import db, transaction
from app.core.jobs import system_stamps
from app.core.moments import read_moment
from app.core.sheets import RowError, match_columns, open_sheet
from app.ledger.jobs import recompute_provisional
from app.ledger.rules.calendar_editor import put_day, put_year
from app.territory.calendar.models import CalendarYear
from app.territory.calendar.rules import DayKind

COLUMNS = {"date": ("日期",), "kind": ("类型", "性质", "安排")}
KINDS = {
    **{kind.value: kind for kind in DayKind},
    "上班": DayKind.WORKDAY, "调休上班": DayKind.WORKDAY, "补班": DayKind.WORKDAY,
    "放假": DayKind.RESTDAY, "休息": DayKind.RESTDAY, "休": DayKind.RESTDAY, "班": DayKind.WORKDAY,
}  # fmt: skip


@click.group()
def calendar() -> None:
    """Look at the working calendar and write a year's holidays."""


@calendar.command()
@on_the_ledger
def years() -> None:
    """List the years that are known, and whether their holidays are confirmed."""
    for row in db.session.scalars(select(CalendarYear).order_by(CalendarYear.year)):
        click.echo(f"{row.year}  {'confirmed' if row.confirmed else 'unconfirmed'}  {row.source}  {row.note}".rstrip())


@calendar.command("import")
@click.argument("year", type=click.IntRange(2000, 2100))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", required=True, help="The notice's name or number, such as 国办发明电〔2026〕7号.")
@on_the_ledger
def import_days(year: int, file: Path, source: str) -> None:
    """Write the holidays and make-up workdays of YEAR from a CSV with the columns date (日期) and kind (类型).

    A kind is workday or restday, 上班 or 放假. The year is confirmed, and clocks that waited for it are worked out anew.
    """
    days, errors = _read(file)
    if errors:
        refuse(errors)
    with transaction():
        changed = put_year(command_stamp(), year, days, source)
    click.echo(f"{year} is confirmed; {len(changed)} days changed.")
    moved = recompute_provisional(system_stamps(clock()))
    click.echo(f"{moved} running clocks were worked out anew.")


@calendar.command("set-day")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
@click.argument("kind", type=click.Choice([kind.value for kind in DayKind]))
@click.option("--source", required=True, help="On whose word, such as 县政府办〔2026〕12号.")
@click.option("--note", default="", help="What the day is, such as 抗洪加班.")
@on_the_ledger
def set_one(day: datetime, kind: str, source: str, note: str) -> None:
    """Write what one DAY is, by hand, over whatever stands there. Running clocks stay, but for those that waited for its year."""
    with transaction():
        row = put_day(command_stamp(), day.date(), kind=DayKind(kind), source=source, note=note)
        click.echo(f"{row.date} is a {row.kind} ({row.source}).")
    moved = recompute_provisional(system_stamps(clock()))
    click.echo(f"{moved} running clocks were worked out anew.")


def _read(file: Path) -> tuple[Mapping[date, DayKind], list[RowError]]:
    days: dict[date, DayKind] = {}
    errors: list[RowError] = []
    with open_sheet(file) as sheet:
        columns = match_columns(sheet.columns, COLUMNS, {}, required=COLUMNS)
        for row in sheet.rows:
            if isinstance(row, RowError):
                errors.append(row)
                continue
            try:
                day = read_moment(row.cells[columns["date"]]).astimezone(CHINA).date()
            except ValueError as wrong:
                errors.append(RowError(row.line, "date", str(wrong)))
                continue
            kind = KINDS.get(row.cells[columns["kind"]].lower())
            if kind is None:
                errors.append(RowError(row.line, "kind", f"“{row.cells[columns['kind']]}” is none of {', '.join(KINDS)}"))
            elif day in days:
                errors.append(RowError(row.line, "date", f"{day} stands twice"))
            else:
                days[day] = kind
    return days, errors
