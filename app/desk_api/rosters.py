"""Keeps the catalogues behind lists of people at the desk: the columns of other platforms, and the populations."""

from typing import Any

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.lists import ExportProfileGivenSchema, ExportProfileSchema
from app.http.roster_fields import PopulationGivenSchema, PopulationSchema
from app.people.roster.lists.export_profiles import put_export_profile
from app.people.roster.tags import put_population

catalogue_blp = DoorBlueprint("roster_catalogue", door=Door.DESK, prefix="", auth=staff(Door.DESK), tag="人群目录和导出模板")


@catalogue_blp.route("/export-profiles/<code>", methods=["PUT"])
@catalogue_blp.arguments(ExportProfileGivenSchema)
@catalogue_blp.response(200, ExportProfileSchema)
def put_profile(given: dict[str, Any], code: str) -> Any:
    """Set the columns of another platform"""
    return put_export_profile(stamp(), code, **given)


@catalogue_blp.route("/populations/<code>", methods=["PUT"])
@catalogue_blp.arguments(PopulationGivenSchema)
@catalogue_blp.response(200, PopulationSchema)
def put_population_of(given: dict[str, Any], code: str) -> Any:
    """Put a population into the catalogue, or change it"""
    return put_population(stamp(), code, **given)
