"""Pockets: what a phone keeps of what it pulled, and the items that it sends."""

from typing import Any
from uuid import uuid4

from tests.callers import Caller

KINDS = ("household", "resident", "task", "case")


class Pocket:
    """What a phone keeps of its grids; `take` applies a page as the interface asks."""

    def __init__(self) -> None:
        self.cursor: str | None = None
        self.rows: dict[tuple[str, int], dict[str, Any]] = {}
        self.catalogues: dict[str, Any] = {}

    def query(self, limit: int) -> dict[str, Any]:
        wanted = {"limit": limit, "cursor": self.cursor, "catalogue": self.catalogues.get("version")}
        return {name: value for name, value in wanted.items() if value is not None}

    def take(self, page: dict[str, Any]) -> None:
        lost = set(page["forget_grids"])
        self.rows = {name: row for name, row in self.rows.items() if row["grid"] not in lost}
        for gone in page["gone"]:
            self.rows.pop((gone["kind"], gone["id"]), None)
        for kind in KINDS:
            self.rows |= {(kind, row["id"]): row for row in page[f"{kind}s"]}
        self.catalogues = page["catalogues"] or self.catalogues
        self.cursor = page["cursor"]

    def pull(self, caller: Caller, limit: int = 200) -> int:
        """Catch up; gives the number of pages."""
        pages = 0
        while True:
            answer = caller.get("/sync", **self.query(limit))
            assert answer.status_code == 200, answer.text
            self.take(answer.json)
            pages += 1
            if not answer.json["more"]:
                return pages

    def ids(self, kind: str) -> set[int]:
        return {row_id for of, row_id in self.rows if of == kind}


def item(kind: str, body: Any, *, phone_at: str, key: str | None = None) -> dict[str, Any]:
    return {"key": key or str(uuid4()), "kind": kind, "phone_at": phone_at, "body": body}
