"""What proves it: the photo of a signature belongs to one consent and is shown to few; photos before and after go with the work."""

import pytest
from sqlalchemy import select

from app.core.database import transaction
from app.demo.cast import PASSWORD
from app.files.models import FileLink, FilePurpose, FileSubject
from app.filings.models import Consent, ProxyFiling
from app.ledger.handling import dispatch_case
from app.people.models import IdentityAccess
from tests.callers import Caller, grid_caller
from tests.pictures import photo, upload


@pytest.fixture
def desk(client, cast):
    """Signs somebody in at the desk."""

    def sign_in(login):
        answer = client.post("/desk/v1/sign-in", json={"login": login, "password": PASSWORD})
        return Caller(client, "/desk/v1", answer.json["token"])

    return sign_in


def picture(caller, color="red"):
    answer = upload(caller, photo(color=color), purpose="signature")
    assert answer.json["state"] == "ready", answer.text
    return answer.json["id"]


def signed(filing, file_id, **more):
    return filing | {"consent": {"method": "signature", "signature_id": file_id}} | more


def test_a_signature_is_the_filers_own_photo_and_proves_one_consent(session, wu, zhou, filing, kept):
    mine, theirs = picture(wu), picture(zhou, "green")
    for wrong in (theirs, 10**9):
        answer = wu.post("/filings", signed(filing, wrong))
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["consent.signature_id"])
    assert session.scalars(select(ProxyFiling)).all() == []
    assert wu.post("/filings", signed(filing, mine)).status_code == 201
    link = session.scalars(select(FileLink)).one()
    consent = session.scalars(select(Consent)).one()
    assert (link.subject, link.subject_id, link.purpose, link.told) == (
        FileSubject.CONSENT, consent.id, FilePurpose.SIGNATURE, False,
    )  # fmt: skip
    again = wu.post("/filings", signed(filing, mine, body="又想代办残疾证。"))
    assert (again.status_code, list(again.json["errors"])) == (422, ["consent.signature_id"])
    assert len(session.scalars(select(ProxyFiling)).all()) == 1


def test_a_signature_is_a_picture(session, wu, filing, kept):
    paper = upload(wu, b"%PDF-1.7\n" + b"x" * 30_000 + b"\n%%EOF\n", extension="pdf").json["id"]
    answer = wu.post("/filings", signed(filing, paper))
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["consent.signature_id"])
    assert session.scalars(select(Consent)).all() == []


def test_only_the_person_and_who_looks_into_it_see_the_signature(session, wu, zhou, lin, desk, filing, kept):
    filed = wu.post("/filings", signed(filing, picture(wu))).json
    number = filed["number"]
    assert lin.get(f"/cases/{number}/consent").status_code == 404
    lin.post("/claims", {"number": number, "claim_code": filed["claim_code"]})
    shown = lin.get(f"/cases/{number}/consent").json
    assert (shown["method"], len(shown["files"])) == ("signature", 1)
    opened = lin.client.get(shown["files"][0]["links"]["original"])
    assert opened.status_code == 200
    sun = desk("sun")
    assert sun.post(f"/cases/{number}/consent", {"reason": " "}).status_code == 422
    examined = sun.post(f"/cases/{number}/consent", {"reason": "核查是否本人签名"}).json
    assert len(examined["files"]) == 1
    look = session.scalars(select(IdentityAccess)).one()
    assert (look.fields, look.reason) == ("consent", f"case {number}: 核查是否本人签名")
    for login in ("fang", "he", "yan", "ma"):
        assert desk(login).post(f"/cases/{number}/consent", {"reason": "想看看"}).status_code in (403, 404), login
    for caller in (wu, zhou):
        assert '"files": [{' not in caller.get(f"/cases/{number}").text
    assert len(session.scalars(select(IdentityAccess)).all()) == 1


def test_the_witness_is_told_to_who_looks_into_it_alone(wu, lin, desk, filing):
    told = {"method": "spoken", "witness": "邻居赵婶", "witness_phone": "13800000061"}
    filed = wu.post("/filings", filing | {"consent": told}).json
    lin.post("/claims", {"number": filed["number"], "claim_code": filed["claim_code"]})
    assert "赵婶" not in lin.get(f"/cases/{filed['number']}/consent").text
    examined = desk("sun").post(f"/cases/{filed['number']}/consent", {"reason": "核查"}).json
    assert (examined["witness"], examined["witness_phone"]) == ("邻居赵婶", "13800000061")


def test_what_nobody_filed_has_no_consent(lin, desk, cast):
    number = lin.post("/reports", {"body": "路灯不亮", "grid": cast.grids["柳林村一网格"].code}).json["number"]
    assert lin.get(f"/cases/{number}/consent").json["code"] == "no_consent_kept"
    assert desk("sun").post(f"/cases/{number}/consent", {"reason": "核查"}).json["code"] == "no_consent_kept"


def test_photos_before_and_after_go_with_what_was_done(session, client, lin, wu, zhou, backstage, cast, as_staff, kept):
    number = lin.post("/reports", {"body": "水沟堵了", "grid": cast.grids["柳林村一网格"].code}).json["number"]
    backstage.accept(number)
    with transaction():
        dispatch_case(as_staff("du"), number, lead_unit_id=cast.units["柳林村"].id)
    wu.post(f"/cases/{number}/handing-on", {"worker": "zhou"})
    zhou.post(f"/cases/{number}/signature")
    before, after, somebodys = picture(zhou), picture(zhou, "green"), picture(wu, "black")
    said = {"how": "visit", "note": "看了现场", "before": [before]}
    refused = zhou.post(f"/cases/{number}/contact", said | {"before": [somebodys]})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["before"])
    assert zhou.post(f"/cases/{number}/contact", said).status_code == 200
    done = {"reply": "沟已清通。", "note": "清淤", "solved": True, "before": [before], "after": [after], "reply_files": [after]}
    assert zhou.post(f"/cases/{number}/result", done).status_code == 200
    links = session.execute(select(FileLink.purpose, FileLink.told, FileLink.file_id).order_by(FileLink.id)).all()
    assert [(row.purpose.value, row.told, row.file_id) for row in links] == [
        ("before", False, before), ("reply", True, after), ("before", False, before), ("after", False, after),
    ]  # fmt: skip
    assert grid_caller(client, "zhao", PASSWORD).get(f"/cases/{number}").status_code == 404


def test_a_photo_at_home_goes_with_the_answer(session, wu, lin, cast, kept):
    body = {"what": "请上门代办。", "grid": cast.grids["柳林村一网格"].code, "place": "家"}
    number = lin.post("/home-requests", body).json["number"]
    wu.post(f"/home-requests/{number}/taking")
    said = {"reply": "已上门。", "category_id": cast.categories["低保"], "photos": [picture(wu)]}
    assert wu.post(f"/home-requests/{number}/answer", said).status_code == 200
    assert session.scalars(select(FileLink.subject)).one() is FileSubject.ENTRY
