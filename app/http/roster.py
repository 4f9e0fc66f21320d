"""Keeps the roster as every door of staff has it: households, residents, tags, care, groups, within one's own reach."""

from typing import Any

from app.core.stamp import Door
from app.http import roster_fields as told
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import PageQuery, page_of
from app.people.roster import care, commands, groups, queries, residents, tags
from app.visits import leaving


def roster_topics(at: Door) -> list[DoorBlueprint]:
    """Make the blueprints of the roster for a door of staff."""
    return [_households(at), _residents(at), _look_ups(at), _groups(at)]


def _households(at: Door) -> DoorBlueprint:
    blp = DoorBlueprint("households", door=at, prefix="/households", auth=staff(at), tag="户和居民")

    @blp.route("", methods=["GET"])
    @blp.arguments(told.HouseholdsQuery, location="query")
    @blp.response(200, page_of(told.HouseholdSchema))
    def list_households(wanted: dict[str, Any]) -> Any:
        """List the households within one's reach, masked"""
        return queries.own_households(stamp(), **wanted)

    @blp.route("", methods=["POST"])
    @blp.arguments(told.HouseholdGivenSchema)
    @blp.response(201, told.HouseholdSchema)
    def enter_household(given: dict[str, Any]) -> Any:
        """Put a household on the roster"""
        return _household(commands.enter_household(stamp(), **given).id)

    @blp.route("/<int:household_id>", methods=["GET"])
    @blp.response(200, told.HouseholdSchema)
    def show_household(household_id: int) -> Any:
        """Show a household within one's reach, masked"""
        return _household(household_id)

    @blp.route("/<int:household_id>", methods=["PATCH"])
    @blp.arguments(told.HouseholdEditSchema)
    @blp.response(200, told.HouseholdSchema)
    def edit_household(given: dict[str, Any], household_id: int) -> Any:
        """Change a household"""
        return _household(leaving.edit_home(stamp(), household_id, **given).id)

    @blp.route("/<int:household_id>/move", methods=["POST"])
    @blp.arguments(told.HouseholdMoveSchema)
    @blp.response(200, told.HouseholdSchema)
    def move_household(given: dict[str, Any], household_id: int) -> Any:
        """Move a household with all who live there to another grid"""
        return _household(leaving.move_home(stamp(), household_id, **given).id)

    @blp.route("/<int:household_id>/end", methods=["POST"])
    @blp.arguments(told.HouseholdEndSchema)
    @blp.response(200, told.HouseholdSchema)
    def end_household(given: dict[str, Any], household_id: int) -> Any:
        """Take an empty household off the roster"""
        return _household(leaving.end_home(stamp(), household_id, **given).id)

    @blp.route("/<int:household_id>/history", methods=["GET"])
    @blp.arguments(PageQuery, location="query")
    @blp.response(200, page_of(told.RosterChangeSchema))
    def list_history(wanted: dict[str, Any], household_id: int) -> Any:
        """List who changed what of a household, the newest first"""
        return queries.household_history(stamp(), household_id, **wanted)

    @blp.route("/<int:household_id>/residents", methods=["POST"])
    @blp.arguments(told.ResidentGivenSchema)
    @blp.response(201, told.ResidentSchema)
    def enter_resident(given: residents.ResidentGiven, household_id: int) -> Any:
        """Put somebody on the roster in a household"""
        return _resident(residents.enter_resident(stamp(), household_id, given).id)

    return blp


def _residents(at: Door) -> DoorBlueprint:
    blp = DoorBlueprint("residents", door=at, prefix="", auth=staff(at), tag="户和居民")

    @blp.route("/residents", methods=["GET"])
    @blp.arguments(told.ResidentsQuery, location="query")
    @blp.response(200, page_of(told.ResidentSchema))
    def list_residents(wanted: dict[str, Any]) -> Any:
        """List the residents within one's reach, masked, also those of a population"""
        return queries.residents_page(stamp(), **wanted)

    @blp.route("/residents/<int:resident_id>", methods=["GET"])
    @blp.response(200, told.ResidentSchema)
    def show_resident(resident_id: int) -> Any:
        """Show a resident within one's reach, masked"""
        return _resident(resident_id)

    @blp.route("/residents/<int:resident_id>", methods=["PATCH"])
    @blp.arguments(told.ResidentEditSchema)
    @blp.response(200, told.ResidentSchema)
    def edit_resident(given: dict[str, Any], resident_id: int) -> Any:
        """Change a resident"""
        return _resident(residents.edit_resident(stamp(), resident_id, **given).id)

    @blp.route("/residents/<int:resident_id>/move", methods=["POST"])
    @blp.arguments(told.ResidentMoveSchema)
    @blp.response(200, told.ResidentSchema)
    def move_resident(given: dict[str, Any], resident_id: int) -> Any:
        """Move a resident to another household, in another grid too"""
        return _resident(leaving.move_to(stamp(), resident_id, **given).id)

    @blp.route("/residents/<int:resident_id>/end", methods=["POST"])
    @blp.arguments(told.ResidentEndSchema)
    @blp.response(200, told.ResidentSchema)
    def end_resident(given: dict[str, Any], resident_id: int) -> Any:
        """Take a resident off the roster: deceased, moved away, or a duplicate"""
        return _resident(leaving.take_off(stamp(), resident_id, **given).id)

    @blp.route("/residents/<int:resident_id>/restore", methods=["POST"])
    @blp.arguments(told.ResidentVersionSchema)
    @blp.response(200, told.ResidentSchema)
    def restore_resident(given: dict[str, Any], resident_id: int) -> Any:
        """Put a resident back who was ended by mistake"""
        return _resident(leaving.put_back(stamp(), resident_id, **given).id)

    @blp.route("/residents/<int:resident_id>/history", methods=["GET"])
    @blp.arguments(PageQuery, location="query")
    @blp.response(200, page_of(told.RosterChangeSchema))
    def list_resident_history(wanted: dict[str, Any], resident_id: int) -> Any:
        """List who changed what of a resident, the newest first"""
        return queries.resident_history(stamp(), resident_id, **wanted)

    @blp.route("/residents/<int:resident_id>/tags", methods=["POST"])
    @blp.arguments(told.TagGivenSchema)
    @blp.response(201, told.ResidentSchema)
    def put_tag(given: dict[str, Any], resident_id: int) -> Any:
        """Say that a resident belongs to a population"""
        return _resident(tags.put_tag(stamp(), resident_id, **given).id)

    @blp.route("/residents/<int:resident_id>/tags/end", methods=["POST"])
    @blp.arguments(told.TagEndSchema)
    @blp.response(200, told.ResidentSchema)
    def end_tag(given: dict[str, Any], resident_id: int) -> Any:
        """Say that a resident belongs to a population no longer"""
        return _resident(tags.end_tag(stamp(), resident_id, **given).id)

    @blp.route("/residents/<int:resident_id>/care", methods=["POST"])
    @blp.arguments(told.CareGivenSchema)
    @blp.response(201, told.CareSchema)
    def put_care(given: dict[str, Any], resident_id: int) -> Any:
        """Name who cares for a resident"""
        return care.put_care(stamp(), resident_id, **given)

    @blp.route("/care/<int:care_id>/end", methods=["POST"])
    @blp.response(200, told.CareSchema)
    def end_care(care_id: int) -> Any:
        """Say that somebody cares for a resident no longer"""
        return care.end_care(stamp(), care_id)

    @blp.route("/populations", methods=["GET"])
    @blp.response(200, told.PopulationSchema(many=True))
    def list_populations() -> Any:
        """List the populations that residents may belong to"""
        return list(tags.populations())

    return blp


def _look_ups(at: Door) -> DoorBlueprint:
    blp = DoorBlueprint("residents_found", door=at, prefix="/residents", auth=staff(at), repeatable=False, tag="户和居民")

    @blp.route("/find", methods=["POST"])
    @blp.arguments(told.FindPeopleSchema)
    @blp.response(200, told.FoundPeopleSchema)
    def find_people(given: dict[str, Any]) -> Any:
        """Find residents within one's reach by exact name, phone or ID number (a POST, so that none stands in an address)"""
        return {"items": queries.find_people(stamp(), **given)}

    @blp.route("/<int:resident_id>/dial", methods=["POST"])
    @blp.arguments(told.DialReasonSchema)
    @blp.response(200, told.PhoneSchema)
    def dial(given: dict[str, Any], resident_id: int) -> Any:
        """Give the phone of a resident within one's reach; put on record with the reason"""
        return {"phone": queries.dial_resident(stamp(), resident_id, **given)}

    return blp


def _groups(at: Door) -> DoorBlueprint:
    blp = DoorBlueprint("groups", door=at, prefix="/groups", auth=staff(at), tag="户区和户长")

    @blp.route("", methods=["GET"])
    @blp.arguments(told.GroupsQuery, location="query")
    @blp.response(200, page_of(told.HouseholdGroupSchema))
    def list_groups(wanted: dict[str, Any]) -> Any:
        """List the household groups within one's reach with their heads"""
        return groups.groups_page(stamp(), **wanted)

    @blp.route("", methods=["POST"])
    @blp.arguments(told.GroupGivenSchema)
    @blp.response(201, told.HouseholdGroupSchema)
    def add_group(given: dict[str, Any]) -> Any:
        """Make a household group"""
        return groups.add_group(stamp(), **given)

    @blp.route("/<code>", methods=["GET"])
    @blp.response(200, told.HouseholdGroupSchema)
    def show_group(code: str) -> Any:
        """Show a household group with its heads"""
        return groups.own_group(stamp(), code)

    @blp.route("/<code>", methods=["PATCH"])
    @blp.arguments(told.GroupRenameSchema)
    @blp.response(200, told.HouseholdGroupSchema)
    def rename_group(given: dict[str, Any], code: str) -> Any:
        """Give a household group another name"""
        return groups.rename_group(stamp(), code, **given)

    @blp.route("/<code>/history", methods=["GET"])
    @blp.arguments(PageQuery, location="query")
    @blp.response(200, page_of(told.RosterChangeSchema))
    def list_group_history(wanted: dict[str, Any], code: str) -> Any:
        """List who changed what of a household group, the newest first"""
        return queries.group_history(stamp(), code, **wanted)

    @blp.route("/<code>/end", methods=["POST"])
    @blp.response(200, told.HouseholdGroupSchema)
    def end_group(code: str) -> Any:
        """End a household group and its headships"""
        return groups.end_group(stamp(), code)

    @blp.route("/<code>/heads", methods=["POST"])
    @blp.arguments(told.GroupHeadSchema)
    @blp.response(201, told.HouseholdGroupSchema)
    def name_head(given: dict[str, Any], code: str) -> Any:
        """Make a resident a head of the group"""
        return groups.name_head(stamp(), code, **given)

    @blp.route("/<code>/heads/end", methods=["POST"])
    @blp.arguments(told.GroupHeadSchema)
    @blp.response(200, told.HouseholdGroupSchema)
    def end_head(given: dict[str, Any], code: str) -> Any:
        """Let a head of the group be one no longer"""
        return groups.end_head(stamp(), code, **given)

    return blp


def _household(household_id: int) -> queries.HouseholdShown:
    return queries.own_household(stamp(), household_id)


def _resident(resident_id: int) -> queries.ResidentShown:
    return queries.own_resident(stamp(), resident_id)
