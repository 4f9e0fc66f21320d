"""Keeps the four families of refusals; every concrete error is a class of its own domain.

The class name is the stable code (`CaseNotFound` → `case_not_found`), the docstring's first line is the title shown
to people, in Chinese.
"""

import re
from typing import ClassVar


class Refusal(Exception):
    """无法完成"""

    status: ClassVar[int] = 400

    def __init__(self, detail: str = "", /, **facts: object) -> None:
        """Refuse with words for the person (`detail`, Chinese) and facts that a client may show (JSON values)."""
        super().__init__(detail or self.title())
        self.detail = detail
        self.facts = facts

    @classmethod
    def title(cls) -> str:
        """Give the error's title for people."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    @classmethod
    def code(cls) -> str:
        """Give the stable code for programs: the class name in snake case."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


class NotFound(Refusal):
    """没有找到"""

    status = 404


class NotAllowed(Refusal):
    """没有权限"""

    status = 403


class Conflict(Refusal):
    """与当前状态冲突"""

    status = 409


class Invalid(Refusal):
    """填写的内容有误"""

    status = 422

    def __init__(self, detail: str = "", /, *, errors: dict[str, list[str]] | None = None, **facts: object) -> None:
        """Refuse with field errors: field path → sentences for people."""
        super().__init__(detail, **facts)
        self.errors = errors or {}


class Unauthenticated(NotAllowed):
    """请先登录"""

    status = 401


class TooMany(NotAllowed):
    """操作太频繁，请稍后再试"""

    status = 429

    def __init__(self, detail: str = "", /, *, retry_after: int, **facts: object) -> None:
        """Refuse for now; `retry_after` is in seconds."""
        super().__init__(detail, **facts)
        self.retry_after = retry_after
