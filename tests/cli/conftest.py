"""What tests of commands stand on: a command line, and an app whose database is empty."""

from collections.abc import Callable, Iterator

import pytest
from click.testing import Result
from flask import Flask

from tests.bare import bare_app


def line_of(app: Flask) -> Callable[..., Result]:
    """A command line to an app; a command that should succeed fails the test with its words."""

    def run(*words: str, fails: bool = False, stdin: str | None = None) -> Result:
        result = app.test_cli_runner().invoke(args=[str(word) for word in words], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert (result.exit_code != 0) == fails, result.output
        return result

    return run


@pytest.fixture
def run(app) -> Callable[..., Result]:
    """A command line to the app whose writing is rolled back after the test."""
    return line_of(app)


@pytest.fixture
def empty(server, make_app) -> Iterator[Flask]:
    with bare_app(server, make_app) as made:
        yield made


@pytest.fixture
def table(tmp_path) -> Callable[..., str]:
    """Writes a file of lines and gives its path."""

    def write(*lines: str, encoding: str = "utf-8", name: str = "table.csv") -> str:
        file = tmp_path / name
        file.write_bytes(("\n".join(lines) + "\n").encode(encoding))
        return str(file)

    return write
