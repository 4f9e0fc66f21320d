"""Keeps which years' holiday notices the State Council has published, and what the `holidays` package says of each day."""

from datetime import date, timedelta

from app.territory.calendar.rules import DayKind

NOTICES: dict[int, str] = {
    2012: "国办发明电〔2011〕45号",
    2013: "国办发明电〔2012〕33号",
    2014: "国办发明电〔2013〕28号",
    2015: "国办发明电〔2014〕28号、国发明电〔2015〕1号",
    2016: "国办发明电〔2015〕18号",
    2017: "国办发明电〔2016〕17号",
    2018: "国办发明电〔2017〕12号",
    2019: "国办发明电〔2018〕15号、国办发明电〔2019〕3号",
    2020: "国办发明电〔2019〕16号、国办发明电〔2020〕1号",
    2021: "国办发明电〔2020〕27号",
    2022: "国办发明电〔2021〕11号",
    2023: "国办发明电〔2022〕16号",
    2024: "国办发明电〔2023〕7号",
    2025: "国办发明电〔2024〕12号",
    2026: "国办发明电〔2025〕7号",
}
"""Year → the notices that settle it. Only these years are confirmed: the package invents later ones without saying so.

A notice sometimes settles the last days of the December before, too (2011-12-31, 2018-12-29 to 31); those days stand
under their own year.
"""

CONFIRMED_YEARS = frozenset(NOTICES)


def package_days(first_year: int, last_year: int) -> dict[date, tuple[DayKind, str]]:
    """Give the days of `first_year`..`last_year` that are named holidays or differ from Monday to Friday, with a note.

    For a year without a notice the package lists the statutory days and guesses which weekdays stand in for them; it
    knows no make-up workdays there.
    """
    from holidays import country_holidays  # a large package, wanted only when seeding

    known = country_holidays("CN", years=range(first_year, last_year + 1), language="zh_CN")
    days: dict[date, tuple[DayKind, str]] = {}
    day = date(first_year, 1, 1)
    while day.year <= last_year:
        working, name = known.is_working_day(day), known.get(day)
        if name is not None or working != (day.weekday() < 5):
            days[day] = (DayKind.WORKDAY if working else DayKind.RESTDAY, name or "调休上班")
        day += timedelta(days=1)
    return days
