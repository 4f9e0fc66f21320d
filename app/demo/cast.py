"""Keeps the cast: the invented county 云溪县, its units, grids, staff and residents. Nobody and no place here is real."""

from dataclasses import dataclass, field

from sqlalchemy import select

from app.core.database import db
from app.core.held import forget_all
from app.core.stamp import Role, Stamp
from app.ledger.models import Category
from app.ledger.reference import seed_reference
from app.people.identity import Person, enrol_resident, set_person
from app.people.models import Resident, Staff
from app.people.sessions import hash_password, sign_in_wechat
from app.people.staff import enrol_hashed
from app.services.defaults import drafts, seed_services
from app.territory.calendar.commands import seed_calendar
from app.territory.commands import add_grid, add_household, add_unit
from app.territory.models import Grid, Household, Level, Unit

PASSWORD = "minhu-demo"  # noqa: S105 (the demo's only password, printed on its landing page)

TOWNSHIPS = {
    "柳河镇": ("柳林村", "河湾村", "桥头社区"),
    "石桥镇": ("石桥社区", "东岭村", "西岭村"),
    "云溪街道": ("春晖社区", "南门社区", "翠湖社区"),
}
DEPARTMENTS = (
    "城市管理局",
    "住房和城乡建设局",
    "水利局",
    "人力资源和社会保障局",
    "民政局",
    "交通运输局",
    "公安局",
    "卫生健康委员会",
    "供水公司",
)

STAFF: tuple[tuple[str, str, Role, str], ...] = (
    ("fang", "方晓", Role.INTAKE, "云溪县"),
    ("ding", "丁岚", Role.INTAKE, "云溪县"),
    ("du", "杜衡", Role.DISPATCHER, "云溪县"),
    ("qin", "秦越", Role.REVIEWER, "云溪县"),
    ("lu", "陆瑶", Role.CALLBACK_AGENT, "云溪县"),
    ("sun", "孙督", Role.SUPERVISOR, "云溪县"),
    ("ma", "马班", Role.UNIT_HEAD, "云溪县"),
    ("yan", "严县", Role.LEADER, "云溪县"),
    ("admin", "管理员", Role.ADMINISTRATOR, "云溪县"),
    ("he", "何城", Role.HANDLER, "城市管理局"),
    ("gao", "高局", Role.UNIT_HEAD, "城市管理局"),
    ("xu", "徐建", Role.HANDLER, "住房和城乡建设局"),
    ("shui", "沈水", Role.HANDLER, "水利局"),
    ("ren", "任社", Role.HANDLER, "人力资源和社会保障局"),
    ("min", "闵民", Role.HANDLER, "民政局"),
    ("jiao", "焦通", Role.HANDLER, "交通运输局"),
    ("gong", "龚水", Role.HANDLER, "供水公司"),
    ("wei", "魏康", Role.HANDLER, "卫生健康委员会"),
    ("liu", "柳镇", Role.HANDLER, "柳河镇"),
    ("zhou", "周格", Role.GRID_WORKER, "柳林村"),
    ("zhao", "赵格", Role.GRID_WORKER, "河湾村"),
    ("wu", "吴村", Role.CADRE, "柳林村"),
    ("ling", "凌督", Role.SUPERVISOR, "云溪县"),
    ("pai", "裴调", Role.DISPATCHER, "云溪县"),
    ("tang", "唐副", Role.LEADER, "城市管理局"),
    ("tong", "童镇", Role.UNIT_HEAD, "柳河镇"),
    ("shi", "石派", Role.DISPATCHER, "柳河镇"),
    ("hua", "花村", Role.HANDLER, "柳林村"),
    ("jing", "景安", Role.HANDLER, "公安局"),
)

CATEGORIES = (
    "城乡建设/市政管理/路灯照明", "城乡建设/市政管理/道路坑洼", "城乡建设/市政管理/垃圾清运", "城乡建设/公用事业/自来水供应",
    "城乡建设/公用事业/燃气泄漏", "城乡建设/住房/小区物业", "农业农村/农田水利/沟渠灌溉", "农业农村/人居环境/厕所改造",
    "民政/养老服务/高龄津贴", "民政/社会救助/低保", "劳动社保/社会保险/养老保险", "交通运输/公共交通/农村客运", "卫生健康/医疗/家庭医生",
)  # fmt: skip
SERVING = {"civil_affairs": "民政局", "health": "卫生健康委员会", "insurance": "人力资源和社会保障局"}
"""Which departments answer for the items of the service catalogue."""
URGENT = ("城乡建设/公用事业/燃气泄漏",)


@dataclass
class Cast:
    """Who and what there is, by name: units, grids (`柳林村一网格`), staff by login, residents by first word, categories by last word."""

    units: dict[str, Unit] = field(default_factory=dict)
    grids: dict[str, Grid] = field(default_factory=dict)
    staff: dict[str, Staff] = field(default_factory=dict)
    residents: dict[str, Resident] = field(default_factory=dict)
    households: dict[str, Household] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)


def build_county(stamp: Stamp, *, appid: str) -> Cast:
    """Store the county and its cast in an empty database; deterministic but for passwords' salts and sealed values."""
    cast = Cast()
    seed_reference()
    seed_calendar(2025, 2027)
    county = cast.units["云溪县"] = add_unit(code="990101", name="云溪县", level=Level.COUNTY)
    for place, (township, villages) in enumerate(TOWNSHIPS.items(), start=1):
        code = f"990101{place:03d}"
        above = cast.units[township] = add_unit(code=code, name=township, level=Level.TOWNSHIP, parent=county)
        for number, village in enumerate(villages, start=1):
            unit = add_unit(code=f"{code}{number:03d}", name=village, level=Level.VILLAGE, parent=above)
            cast.units[village] = unit
            for grid, word in enumerate(("一", "二"), start=1):
                name = f"{village}{word}网格"
                cast.grids[name] = add_grid(code=f"{unit.code}{grid:02d}", name=name, unit=unit)
    for place, name in enumerate(DEPARTMENTS, start=1):
        cast.units[name] = add_unit(code=f"990101D{place:02d}", name=name, level=Level.DEPARTMENT, parent=county)
    hashed = hash_password(PASSWORD)
    for login, name, role, unit_name in STAFF:
        grids = [cast.grids[f"{unit_name}一网格"].id] if role is Role.GRID_WORKER else []
        cast.staff[login] = enrol_hashed(
            login=login, name=name, password_hash=hashed, posts=[(role, cast.units[unit_name].id)], grid_ids=grids
        )
    _residents(stamp, cast, appid)
    _categories(cast)
    db.session.flush()
    seed_services(stamp, drafts({name: cast.units[unit].code for name, unit in SERVING.items()}))
    forget_all()
    return cast


def _residents(stamp: Stamp, cast: Cast, appid: str) -> None:
    for name, full, phone in (("lin", "林秀英", "13800000001"), ("chen", "陈国强", "13800000002")):
        resident_id = sign_in_wechat(stamp, appid=appid, openid=f"dev-{name}").principal_id
        cast.residents[name] = set_person(stamp, resident_id, Person(name=full, phone=phone))
    grid = cast.grids["柳林村一网格"]
    for code, head, place in (("H001", "郑守田", "柳林村一组 12 号"), ("H002", "林秀英", "柳林村一组 15 号")):
        cast.households[head] = add_household(stamp.at, code=f"{grid.code}{code}", grid=grid, head_name=head, place=place)
    household = cast.households["郑守田"]
    cast.residents["zheng"] = enrol_resident(
        stamp, Person(name="郑守田", phone="05570000001"), grid_id=grid.id, household_id=household.id
    )


def _categories(cast: Cast) -> None:
    for path in CATEGORIES:
        parent_id: int | None = None
        parts = path.split("/")
        for depth, name in enumerate(parts, start=1):
            whole = "/".join(parts[:depth])
            found = db.session.scalars(select(Category).where(Category.path == whole)).first()
            if found is None:
                found = Category(path=whole, name=name, parent_id=parent_id, urgent=whole in URGENT)
                db.session.add(found)
                db.session.flush()
            parent_id = found.id
        assert parent_id is not None
        cast.categories[parts[-1]] = parent_id


def find_cast() -> Cast:
    """Give the cast of a database in which it was built before."""
    units = {unit.name: unit for unit in db.session.scalars(select(Unit))}
    staff = {member.login: member for member in db.session.scalars(select(Staff))}
    grids = {grid.name: grid for grid in db.session.scalars(select(Grid))}
    categories = {row.name: row.id for row in db.session.scalars(select(Category))}
    by_order = list(db.session.scalars(select(Resident).order_by(Resident.id).limit(3)))
    residents = dict(zip(("lin", "chen", "zheng"), by_order, strict=False))
    households = list(db.session.scalars(select(Household).order_by(Household.id).limit(2)))
    return Cast(units, grids, staff, residents, dict(zip(("郑守田", "林秀英"), households, strict=False)), categories)
