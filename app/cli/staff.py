"""Keeps the command that enrols a member of staff: above all the first administrator of a real machine."""

import sys

import click
from sqlalchemy import select

from app.cli.ground import on_the_ledger
from app.core.database import db, transaction
from app.core.stamp import Role
from app.people.staff import enrol_staff
from app.territory.models import Grid, Unit

SHORTEST_PASSWORD = 10
NOT_STAFF = frozenset({Role.RESIDENT, Role.HOUSEHOLD_HEAD, Role.SYSTEM})
ROLES = [role.value for role in Role if role not in NOT_STAFF]


@click.group()
def staff() -> None:
    """Enrol members of staff."""


@staff.command()
@click.option("--login", prompt=True, help="The name to sign in with.")
@click.option("--name", prompt=True, help="The person's name.")
@click.option(
    "--post", "posts", multiple=True, metavar="ROLE@UNIT", help="A role at a unit, by its code or its name; repeat for more."
)
@click.option("--grid", "grids", multiple=True, metavar="CODE", help="A grid that a grid worker looks after; repeat for more.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@on_the_ledger
def add(login: str, name: str, posts: tuple[str, ...], grids: tuple[str, ...], password_stdin: bool) -> None:
    """Enrol a member of staff; what is not given is asked for.

    The first administrator:  flask staff add --post administrator@341323
    """
    held = [_post(post) for post in posts or (_ask_post(),)]
    grid_ids = [_grid(code) for code in grids]
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _ask_password()
    if len(password) < SHORTEST_PASSWORD:
        raise click.ClickException(f"The password must have at least {SHORTEST_PASSWORD} characters.")
    if not login.strip() or not name.strip():
        raise click.ClickException("Login and name must not be empty.")
    with transaction():
        member = enrol_staff(login=login.strip(), name=name.strip(), password=password, posts=held, grid_ids=grid_ids)
        number = member.id
    click.echo(f"Staff {number}, login {login.strip()}, holds {', '.join(posts) or 'the post'}.")


def _ask_post() -> str:
    role = click.prompt("Role", type=click.Choice(ROLES), default=Role.ADMINISTRATOR.value)
    return f"{role}@{click.prompt('Unit (code or name)')}"


def _ask_password() -> str:
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _post(text: str) -> tuple[Role, int]:
    role, _, place = text.partition("@")
    if role not in ROLES or not place:
        raise click.ClickException(f"“{text}” is no post. Write ROLE@UNIT; roles: {', '.join(ROLES)}.")
    units = db.session.execute(select(Unit.id, Unit.code).where((Unit.code == place) | (Unit.name == place), Unit.active)).all()
    if not units:
        raise click.ClickException(f"There is no unit “{place}”. Units come in with `flask import units`.")
    if len(units) > 1:
        raise click.ClickException(
            f"Several units are called “{place}”: name one by its code ({', '.join(row.code for row in units)})."
        )
    return Role(role), units[0].id


def _grid(code: str) -> int:
    grid = db.session.scalars(select(Grid.id).where(Grid.code == code, Grid.active)).first()
    if grid is None:
        raise click.ClickException(f"There is no grid “{code}”.")
    return grid
