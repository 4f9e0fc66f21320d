"""Keeps the commands for accounts of staff: enrolling (above all the first administrator), passwords, handing over, closing."""

import sys

import click
from sqlalchemy import select

from app.cli.ground import command_stamp, on_the_ledger
from app.core.database import db, transaction
from app.core.stamp import Role
from app.ledger.shifts.closing import close_account, hand_over_account
from app.people.staff import enrol_staff
from app.people.staff_accounts import accounts_page, reset_password, staff_by_login, unlock
from app.territory.models import Grid, Unit

SHORTEST_PASSWORD = 10
NOT_STAFF = frozenset({Role.RESIDENT, Role.HOUSEHOLD_HEAD, Role.SYSTEM})
ROLES = [role.value for role in Role if role not in NOT_STAFF]


@click.group()
def staff() -> None:
    """Enrol members of staff, and look after their accounts."""


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
    password = _password(from_stdin=password_stdin)
    if not login.strip() or not name.strip():
        raise click.ClickException("Login and name must not be empty.")
    with transaction():
        member = enrol_staff(login=login.strip(), name=name.strip(), password=password, posts=held, grid_ids=grid_ids)
        number = member.id
    click.echo(f"Staff {number}, login {login.strip()}, holds {', '.join(posts) or 'the post'}.")


@staff.command("list")
@click.option("--closed", is_flag=True, help="Those that were closed too.")
@on_the_ledger
def list_accounts(closed: bool) -> None:
    """List accounts: login, name, posts, and whether they are closed or locked."""
    stamp, cursor = command_stamp(), None
    while True:
        page = accounts_page(stamp, closed=closed, cursor=cursor)
        for account in page.items:
            posts = ", ".join(f"{post.role}@{post.unit_code}" for post in account.posts)
            locked = account.locked_until is not None and account.locked_until > stamp.at
            mark = "" if account.active else "  closed"
            click.echo(f"{account.login}  {account.name}  {posts}{mark}{'  locked' if locked else ''}")
        if (cursor := page.next_cursor) is None:
            return


@staff.command("reset-password")
@click.argument("login")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@on_the_ledger
def new_password(login: str, password_stdin: bool) -> None:
    """Give an account a new password, take its lock off and end its sessions."""
    with transaction():
        member = staff_by_login(login)
        ended = reset_password(command_stamp(), member, _password(from_stdin=password_stdin))
    click.echo(f"{login} has a new password; {ended} sessions ended.")


@staff.command("unlock")
@click.argument("login")
@on_the_ledger
def take_lock_off(login: str) -> None:
    """Take the lock off an account after too many wrong passwords."""
    with transaction():
        unlock(staff_by_login(login))
    click.echo(f"{login} may sign in again.")


@staff.command("hand-over")
@click.argument("login")
@click.argument("colleague")
@on_the_ledger
def hand_over(login: str, colleague: str) -> None:
    """Pass all open cases of an account to a colleague of the same unit."""
    with transaction():
        done = hand_over_account(command_stamp(), staff_by_login(login).id, colleague_id=staff_by_login(colleague).id)
    more = f"; not by {colleague}, but by somebody else: {', '.join(done.elsewhere)}" if done.elsewhere else ""
    click.echo(f"{done.cases} cases handed over, {done.left} left{more}.")


@staff.command("close")
@click.argument("login")
@on_the_ledger
def close(login: str) -> None:
    """Close an account and end its sessions; refused while it owns open clocks (see hand-over)."""
    with transaction():
        closed = close_account(command_stamp(), staff_by_login(login).id)
    click.echo(f"{closed.login} is closed; {closed.sessions} sessions ended.")


def _password(*, from_stdin: bool) -> str:
    password = sys.stdin.readline().rstrip("\n") if from_stdin else _ask_password()
    if len(password) < SHORTEST_PASSWORD:
        raise click.ClickException(f"The password must have at least {SHORTEST_PASSWORD} characters.")
    return password


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
