"""Attaching: one's own ready files alone, nine at most; the person sees their own and what is told with a reply, no more."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from app.core.database import transaction
from app.core.stamp import ActorKind, Door
from app.files.attaching import FilesUnfit, attach
from app.files.models import File, FileLink, FilePurpose, FileSubject
from app.files.showing import files_of
from app.ledger.attachments import EntryFiles
from app.ledger.handling import submit_result
from app.ledger.models import Category, Report
from tests.backstage import Backstage
from tests.callers import Caller
from tests.counting import statements
from tests.pictures import photo, upload, upload_unnamed
from tests.sessions import open_session

MATTER = {"body": "柳林村一组路口的路灯坏了三天了，晚上老人出门看不见。", "kind": "help"}


@pytest.fixture
def desk(client, cast, clock):
    return lambda login: Caller(client, "/desk/v1", open_session(ActorKind.STAFF, cast.staff[login].id, clock()))


@pytest.fixture
def backstage(cast, clock, as_staff) -> Backstage:
    return Backstage(cast, clock, as_staff)


@pytest.fixture
def matter(cast) -> dict:
    return MATTER | {"category_id": cast.categories["路灯照明"], "grid": cast.grids["柳林村一网格"].code}


def uploaded(caller: Caller, color: str = "red", **more) -> int:
    return upload(caller, photo(color=color, **more)).json["id"]


def test_a_report_has_its_photos_and_lin_and_the_desk_see_them(lin, desk, kept, matter, client):
    ids = [uploaded(lin, color) for color in ("red", "green")]
    answer = lin.post("/reports", matter | {"files": ids})
    assert answer.status_code == 201, answer.text
    number = answer.json["number"]
    (said,) = lin.get(f"/cases/{number}").json["reports"]
    assert [file["id"] for file in said["files"]] == ids
    (report,) = desk("fang").get(f"/cases/{number}").json["reports"]
    assert [file["id"] for file in report["files"]] == ids
    for file in (*said["files"], *report["files"]):
        for link in file["links"].values():
            opened = client.get(link)
            assert (opened.status_code, opened.mimetype) == (200, "image/jpeg")
    assert not {"uploader", "staff_id", "resident_id", "name"} & set(report["files"][0])


def test_a_letter_is_registered_with_its_scan_named_or_not(desk, kept, matter, session):
    fang = desk("fang")
    for color, who in (("red", {"name": "王桂花"}), ("green", {"anonymous": True})):
        scan = uploaded(fang, color)
        made = fang.post("/registrations", matter | who | {"channel": "letter", "files": [scan]})
        assert made.status_code == 201, made.text
        (report,) = desk("du").get(f"/cases/{made.json['number']}").json["reports"]
        assert [file["id"] for file in report["files"]] == [scan]
    before = len(session.scalars(select(Report.id)).all())
    refused = fang.post("/registrations", matter | {"channel": "letter", "name": "王桂花", "files": [999_999]})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["files"])
    assert len(session.scalars(select(Report.id)).all()) == before


@pytest.mark.parametrize("whose", ["chen's", "zhou's", "nobody's"])
def test_what_is_not_ones_own_cannot_be_attached_and_nothing_is_filed(lin, chen, zhou, kept, matter, session, whose):
    ident = {"chen's": lambda: uploaded(chen), "zhou's": lambda: uploaded(zhou), "nobody's": lambda: 999_999}[whose]()
    answer = lin.post("/reports", matter | {"files": [uploaded(lin), ident]})
    assert (answer.status_code, answer.json["code"]) == (422, "files_unfit")
    assert answer.json["errors"] == {"files": ["第 2 个附件不存在，或不是您上传的"]}
    assert session.scalars(select(Report)).all() == []
    assert session.scalars(select(FileLink)).all() == []


def test_what_has_not_arrived_or_was_refused_cannot_be_attached(lin, kept, matter):
    from tests.pictures import announced

    half = lin.post("/uploads", announced(photo())).json["id"]
    upload(lin, b"GIF89a" + b"\0" * 64)
    bad = lin.post("/uploads", announced(b"GIF89a" + b"\0" * 64)).json["id"]
    answer = lin.post("/reports", matter | {"files": [half, bad]})
    assert answer.json["errors"]["files"][0] == "第 1 个附件还没有上传完"
    assert answer.json["errors"]["files"][1].startswith("第 2 个附件没有通过检查：不支持 GIF")


def test_a_report_takes_nine_files_and_no_more(lin, kept, matter, session, as_resident):
    ids = [upload(lin, b"%%PDF-1.4 %d\n%%%%EOF" % number, extension="pdf").json["id"] for number in range(10)]
    assert lin.post("/reports", matter | {"files": ids}).status_code == 422
    assert lin.post("/reports", matter | {"files": ids[:9]}).status_code == 201
    report = session.scalars(select(Report)).one()
    with pytest.raises(FilesUnfit) as refused:
        attach(
            as_resident("lin"),
            ids[9:],
            subject=FileSubject.REPORT,
            subject_id=report.id,
            purpose=FilePurpose.EVIDENCE,
            field="photos",
        )
    assert list(refused.value.errors) == ["photos"]


def test_attaching_again_changes_nothing(zhou, kept, session, as_staff):
    ident = uploaded(zhou)
    stamp = as_staff("zhou", Door.GRID)
    for _ in range(2):
        attach(stamp, [ident, ident], subject=FileSubject.VISIT, subject_id=7, purpose=FilePurpose.PHOTO)
    assert len(session.scalars(select(FileLink)).all()) == 1
    assert list(files_of(stamp, FileSubject.VISIT, [7, 8])) == [7]


def test_the_files_of_many_subjects_are_one_statement(zhou, kept, as_staff):
    stamp = as_staff("zhou", Door.GRID)
    ids = [uploaded(zhou, color) for color in ("red", "green", "white")]
    for visit in range(1, 6):
        attach(stamp, ids, subject=FileSubject.VISIT, subject_id=visit, purpose=FilePurpose.PHOTO)
    with statements() as sent:
        found = files_of(stamp, FileSubject.VISIT, range(1, 100))
    assert (len(sent), [len(found[visit]) for visit in sorted(found)]) == (1, [3] * 5)


def test_where_a_photo_was_taken_is_given_back_once_and_kept_only_when_asked(zhou, kept, session, as_staff):
    stamp = as_staff("zhou", Door.GRID)
    for keep, color in ((False, "red"), (True, "green")):
        ident = uploaded(zhou, color, located=True)
        (told,) = attach(stamp, [ident], subject=FileSubject.VISIT, subject_id=7, purpose=FilePurpose.PHOTO, keep_position=keep)
        assert told.position is not None and round(told.position.latitude, 2) == 33.64  # noqa: PT018
        session.flush()
        assert (session.get_one(File, ident).position is not None) is keep


@pytest.mark.parametrize(("more", "keeps"), [({}, True), ({"confidential": True}, False), ({"at_home": True}, False)])
def test_a_report_keeps_a_photos_place_only_where_the_category_asks_for_evidence(lin, kept, matter, session, cast, more, keeps):
    from app.core.held import forget_all

    session.get_one(Category, cast.categories["路灯照明"]).asks_evidence = True
    session.commit()
    forget_all()
    ident = uploaded(lin, located=True)
    assert lin.post("/reports", matter | more | {"files": [ident]}).status_code == 201
    assert (session.get_one(File, ident).position is not None) is keeps


def test_an_unnamed_report_has_its_photos_and_no_row_tells_whose_they_are(lin, nobody, kept, session, cast):
    first, ticket = upload_unnamed(lin, photo())
    second, same = upload_unnamed(lin, photo(color="green"), ticket=ticket)
    assert same == ticket
    body = {"body": "有人半夜往河里倒垃圾。", "files": [first, second], "upload_ticket": ticket}
    receipt = lin.post("/anonymous-reports", body)
    assert receipt.status_code == 201, receipt.text
    for row in (*session.scalars(select(File)), *session.scalars(select(FileLink))):
        assert cast.residents["lin"].id not in [getattr(row, name, None) for name in ("staff_id", "resident_id", "added_by_id")]
    proof = {key: receipt.json[key] for key in ("number", "claim_code")}
    (said,) = nobody.post("/look-ups", proof, key=None).json["reports"]
    assert [file["id"] for file in said["files"]] == [first, second]


def test_the_same_photo_with_and_without_a_name_cannot_be_joined(lin, kept, session):
    uploaded(lin)
    upload_unnamed(lin, photo())
    named, unnamed = session.scalars(select(File).order_by(File.id))
    assert named.content_index != unnamed.content_index
    held = [(kept.root / file.name[:2] / file.name[2:4] / file.name / "original").read_bytes() for file in (named, unnamed)]
    assert held[0] != held[1]


def test_without_the_ticket_an_unnamed_upload_is_nobodys(lin, chen, kept, session):
    ident, ticket = upload_unnamed(lin, photo())
    other = str(uuid4())[:32]
    for wrong in (None, other):
        body = {"body": "有人半夜往河里倒垃圾。", "files": [ident], "upload_ticket": wrong}
        answer = chen.post("/anonymous-reports", body)
        assert answer.status_code in (403, 422)
        assert ticket not in answer.text
    assert lin.get(f"/uploads/{ident}").status_code == 404
    assert lin.post("/reports", MATTER | {"files": [ident]}).status_code == 422
    assert session.scalars(select(Report)).all() == []


def test_the_person_sees_the_photos_of_the_reply_once_it_has_passed_and_never_those_of_the_note(
    lin, chen, desk, kept, matter, backstage, as_staff, clock, client
):
    number = lin.post("/reports", matter).json["number"]
    for step in (backstage.accept, backstage.dispatch, backstage.sign, backstage.contact):
        step(number)
    he = desk("he")
    told, inner = uploaded(he, "red"), uploaded(he, "green")
    body = {"reply": "路灯已修好。", "note": "换灯头一个", "solved": True, "reply_files": [told], "evidence_files": [inner]}
    answer = he.post(f"/cases/{number}/result", body)
    assert answer.status_code == 200, answer.text

    def lines(caller):
        return [line for line in caller.get(f"/cases/{number}").json["timeline"] if line["action"] == "submit_result"]

    assert [line["files"] for line in lines(lin)] == [[]]
    checklist = desk("qin").get(f"/cases/{number}/checklist").json
    assert {file["id"] for file in checklist["files"]} == {told, inner}
    assert [check["number"] for check in checklist["checks"] if check["item"] == "evidence"] == [2]
    entry = desk("qin").get(f"/cases/{number}").json["timeline"]["items"][0]
    assert [(file["id"], file["told"]) for file in entry["files"]] == [(told, True), (inner, False)]
    backstage.let_pass(number)
    (line,) = lines(lin)
    assert [file["id"] for file in line["files"]] == [told]
    assert client.get(line["files"][0]["links"]["list"]).status_code == 200
    assert chen.get(f"/cases/{number}").status_code == 404


def test_a_result_is_placed_by_its_photo_and_far_away_bars_nothing(lin, desk, kept, matter, backstage, session, as_staff):
    from app.ledger.verification.models import Result

    point = {"latitude": 33.64, "longitude": 116.98, "datum": "wgs84"}
    number = lin.post("/reports", matter | {"point": point}).json["number"]
    for step in (backstage.accept, backstage.dispatch, backstage.sign, backstage.contact):
        step(number)
    after = uploaded(desk("he"), located=True)
    with transaction():
        submit_result(as_staff("he"), number, reply="修好了", note="换灯头", solved=True, files=EntryFiles(evidence=[after]))
    result = session.scalars(select(Result)).one()
    assert (result.files, round(result.distance_m)) == (1, 926)
    assert session.get_one(File, after).position is None


def test_a_file_of_another_handler_is_no_evidence(lin, desk, kept, matter, backstage, session):
    number = lin.post("/reports", matter).json["number"]
    for step in (backstage.accept, backstage.dispatch, backstage.sign, backstage.contact):
        step(number)
    body = {"reply": "路灯已修好。", "note": "换灯头", "solved": True, "evidence_files": [uploaded(desk("qin"))]}
    answer = desk("he").post(f"/cases/{number}/result", body)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["evidence_files"])
    assert desk("he").get(f"/cases/{number}").json["state"] == "in_progress"


def test_what_a_person_adds_has_their_photos_and_the_grid_is_not_shown_them_as_a_reply(lin, zhou, desk, kept, matter, backstage):
    number = lin.post("/reports", matter).json["number"]
    backstage.accept(number)
    added = uploaded(lin, "green")
    assert lin.post(f"/cases/{number}/supplements", {"words": "补一张照片。", "files": [added]}).status_code == 201

    def shown(caller):
        lines = caller.get(f"/cases/{number}").json["timeline"]
        return [[file["id"] for file in line["files"]] for line in lines if line["action"] == "supplement"]

    assert shown(lin) == [[added]]
    assert shown(zhou) == [[]]
    assert [file["id"] for file in desk("fang").get(f"/cases/{number}").json["timeline"]["items"][0]["files"]] == [added]


def test_an_answer_on_the_spot_shows_its_photos_to_the_person(lin, zhou, zhao, kept, matter, backstage):
    number = lin.post("/reports", matter).json["number"]
    photos = [uploaded(zhou, "red"), uploaded(zhou, "green")]
    body = {"reply": "已当场换好灯泡。", "reply_files": photos[:1], "evidence_files": photos[1:]}
    backstage.accept(number)
    answer = zhou.post(f"/cases/{number}/answer", body)
    assert answer.status_code == 201, answer.text
    told = [line["files"] for line in lin.get(f"/cases/{number}").json["timeline"] if line["action"] == "answer"]
    assert [[file["id"] for file in files] for files in told] == [photos[:1]]
    assert zhao.get(f"/cases/{number}").status_code == 404
