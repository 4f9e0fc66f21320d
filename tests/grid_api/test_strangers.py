"""The grid door and strangers: what is another grid's is answered word for word like what does not exist, at every endpoint.

The world is 柳林村's; Zhao of 河湾村 knocks with its ids and with ids that nobody has. Every endpoint with something in its address
is taken from the URL map, so that a new one is asked too; its body is made from the door's own contract.
"""

import json
import re
from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.core.clock import CHINA
from app.core.jobs import JOBS
from app.ledger.numbers import new_number
from app.people.roster.models import Care
from app.visits.models import VisitEffect, VisitTask
from tests.conftest import MONDAY
from tests.grid_api.test_lists import family, hand_in

OPEN_TO_ALL = {"/grid/v1/service-items/<code>"}
"""The service guide is everybody's."""
NOWHERE = 987_654_321
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@pytest.fixture
def contract(client):
    return client.get("/grid/v1/openapi.json").json


def _resolved(contract, schema):
    while "$ref" in schema:
        schema = contract["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def filled(contract, schema):
    """Give the smallest body that a schema takes."""
    schema = _resolved(contract, schema)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if schema.get("enum"):
        return schema["enum"][0]
    if "allOf" in schema:
        return filled(contract, schema["allOf"][0])
    if kind == "object":
        return {name: filled(contract, schema["properties"][name]) for name in schema.get("required", [])}
    if kind == "array":
        return [filled(contract, schema["items"])] * max(1, schema.get("minItems", 1))
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    if kind == "boolean":
        return True
    formats = {"date-time": "2026-11-23T08:00:00+08:00", "date": "2026-12-23", "uuid": str(uuid4()), "time": "08:00:00"}
    return formats.get(schema.get("format"), "测试")


@pytest.fixture
def world(zhou, wu, lin, cast, clock, kept, filing, session, as_system):
    """What there is in 柳林村, by the names that addresses have for it."""
    village, grid = cast.units["柳林村"].code, cast.grids["柳林村一网格"].code
    home, zheng = cast.households["郑守田"].id, cast.residents["zheng"].id
    at = (clock() - timedelta(hours=1)).astimezone(CHINA).isoformat()

    def made(caller, path, **body):
        answer = caller.post(path, body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json

    visit = {"key": str(uuid4()), "household_id": home, "visited_at": at, "phone_at": at}
    need = {"body": "门前水沟堵了，下雨就漫进院子。", "kind": "help"}
    logged = made(zhou, "/visits", **visit, outcome="met", follow_up_on="2026-12-01", follow_up_note="复查血压", needs=[need])
    made(zhou, "/visits", **visit | {"key": str(uuid4())}, outcome="vacant")
    made(zhou, "/groups", grid=grid, name="南头户区", code="7")
    made(zhou, f"/residents/{zheng}/care", by="cadre", staff="wu")
    order = made(wu, "/service-orders", item="medicine", resident_id=zheng, place="一组 12 号")
    asked = made(lin, "/home-requests", what="母亲瘫痪在床，想请人上门代办残疾证。", grid=grid, place="柳林村一组 15 号")
    said = {"words": "二组的路灯不亮。", "kind": "help", "grid": grid}
    meeting = {"held_on": "2026-11-22", "place": "村部", "chair": "吴村", "attendants": 3, "minutes": "到会 3 人。"}
    talk = made(wu, "/talks", village=village, items=[said], **meeting)
    hours = {"opens": "08:00:00", "closes": "18:00:00"}
    duty = made(wu, "/service-duties", unit=village, point="便民服务点", staff="zhou", **hours)
    code = made(wu, "/filings/consent-codes", phone="13800000009", title="高龄津贴")
    lacking = {"item": "old_age_allowance", "tags": ["over_80"]}
    listed = made(wu, "/proactive-lists", name="高龄津贴", unit=village, **lacking)
    data = b"%PDF-1.4\n" + b"0" * 300
    export = made(zhou, "/roster-exports")
    handed = hand_in(zhou, village, family("柳林村一网格")).json
    take_in, write = JOBS["take-in-rosters"].work, JOBS["write-lists"].work
    assert (take_in(as_system), write(as_system)) == (1, 1)
    upload = made(zhou, "/uploads", sha256=sha256(data).hexdigest(), size=len(data), extension="pdf")
    return {
        "cases": logged["needs"][0]["number"],
        "filings": made(wu, "/filings", **filing)["number"],
        "home-requests": asked["number"],
        "service-orders": order["number"],
        "household_id": home,
        "resident_id": zheng,
        "key": visit["key"],
        "code": f"{grid}-7",
        "care_id": session.scalars(select(Care.id)).first(),
        "task_id": session.scalars(select(VisitTask.id)).first(),
        "effect_id": session.scalars(select(VisitEffect.id)).first(),
        "talk_id": talk["id"],
        "duty_id": duty["id"],
        "list_id": listed["id"],
        "file_id": upload["id"],
        "code_id": code["id"],
        "import_id": handed["id"],
        "export_id": export["id"],
        "request_id": 1,
        "whistle_id": 1,
        "call_id": 1,
    }


def addresses(app):
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.rule.startswith("/grid/v1/") and rule.arguments and rule.rule not in OPEN_TO_ALL:
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                yield method, rule.rule


def more_for(rule, cast):
    """Give what a body needs beyond its contract, where a domain looks at it before it looks for what is asked of."""
    unit = cast.units["河湾村"].code
    return {
        "/grid/v1/residents/<int:resident_id>/care": {"by": "cadre", "staff": "zhao"},
        "/grid/v1/cases/<number>/whistles": {"units": [unit]},
        "/grid/v1/cases/<number>/requests": {"kind": "extend", "amount": 1, "reason_code": "weather"},
        "/grid/v1/cases/<number>/handing-on": {"worker": "zhao"},
        "/grid/v1/filings/consent-codes/<int:code_id>/proof": {"code": "123456"},
    }.get(rule, {})


def address(rule, values, topic):
    return PARAMETER.sub(lambda found: str(values[topic if found[1] == "number" else found[1]]), rule)


def knock(client, caller, method, path, body):
    headers = {"Authorization": f"Bearer {caller.token}", "Idempotency-Key": str(uuid4()), "Upload-Offset": "0"}
    return client.open(path, method=method, headers=headers, json=body if method in ("POST", "PUT") or body is not None else None)


def told(answer, values):
    """Give what an answer tells but for what was asked by, and the number of the request."""
    said = answer.json or {}
    said.pop("request_id", None)
    text = json.dumps(said, ensure_ascii=False, sort_keys=True)
    for value in sorted({str(value) for value in values.values()}, key=len, reverse=True):
        text = text.replace(value, "…") if len(value) > 6 else text
    return answer.status_code, text


def test_every_endpoint_answers_a_stranger_as_if_nothing_were_there(app, client, contract, world, zhao, cast):
    nowhere = dict.fromkeys(world, NOWHERE) | {"key": str(uuid4()), "code": "9990101001001019-7"}
    nowhere |= {topic: new_number(MONDAY) for topic in ("cases", "filings", "home-requests", "service-orders")}
    answers = {}
    for method, rule in addresses(app):
        topic = rule.removeprefix("/grid/v1/").split("/")[0]
        asked = contract["paths"][PARAMETER.sub(r"{\1}", rule)][method.lower()]
        schema = asked.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        body = filled(contract, schema) | more_for(rule, cast) if schema else None
        answers[method, rule] = [
            told(knock(client, zhao, method, address(rule, values, topic), body), values) for values in (world, nowhere)
        ]
    assert {asked: both for asked, both in answers.items() if both[0] != both[1]} == {}
    assert {asked: theirs for asked, (theirs, _) in answers.items() if theirs[0] != 404} == {}
    assert len(answers) > 60


def test_the_world_is_there_for_those_whose_it_is(world, zhou, wu):
    for caller, path in (
        (zhou, f"/households/{world['household_id']}"),
        (zhou, f"/households/{world['household_id']}/visits"),
        (zhou, f"/residents/{world['resident_id']}"),
        (zhou, f"/tasks/{world['task_id']}"),
        (zhou, f"/cases/{world['cases']}"),
        (zhou, f"/groups/{world['code']}"),
        (zhou, f"/uploads/{world['file_id']}"),
        (zhou, f"/roster-imports/{world['import_id']}"),
        (zhou, f"/roster-imports/{world['import_id']}/report.xlsx"),
        (zhou, f"/list-exports/{world['export_id']}/list.xlsx"),
        (wu, f"/service-orders/{world['service-orders']}"),
        (wu, f"/talks/{world['talk_id']}"),
        (wu, f"/cases/{world['filings']}"),
    ):
        assert caller.get(path).status_code == 200, path
