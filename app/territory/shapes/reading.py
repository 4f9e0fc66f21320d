"""Keeps how a GeoJSON file of grids is read: every polygon checked before any is taken, its vertices turned into WGS-84.

Pure. Nothing is repaired in silence: what is crossed, open or elsewhere is refused with its place.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import orjson
import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from app.territory.datum import Datum, in_china, to_wgs84
from app.territory.shapes.findings import About, Finding

COLUMNS: dict[str, tuple[str, ...]] = {
    "code": ("grid_code", "网格编码", "网格代码", "编码", "代码"),
    "name": ("grid_name", "网格名称", "名称"),
    "unit": ("unit_code", "单位代码", "村代码", "社区代码", "所属单位代码", "上级代码"),
}
"""Field → the names that its property usually has."""

_FIT_CRS = re.compile(r"CRS84|EPSG:{1,2}[^:]*:?(4326|4490)$|^EPSG:(4326|4490)$", re.IGNORECASE)
"""WGS-84, or the Chinese CGCS2000, which differs from it by centimetres."""


@dataclass(frozen=True)
class Drawn:
    """One grid as the file draws it: the feature (from 1), its code, name and unit as written, and its polygon in WGS-84."""

    feature: int
    code: str
    name: str
    unit: str
    shape: BaseGeometry


@dataclass
class Reading:
    """What a file draws, and what is wrong with it."""

    features: int = 0
    drawn: list[Drawn] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class _Wrong(Exception):
    """A feature cannot be taken; carries the finding."""

    def __init__(self, about: About, words: str, place: tuple[float, float] | None = None) -> None:
        super().__init__(words)
        self.about, self.words, self.place = about, words, place


def features_of(content: bytes) -> tuple[list[Any], list[Finding]]:
    """Give the features of a GeoJSON FeatureCollection, or what is wrong with the file."""
    try:
        collection = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        return [], [Finding(about=About.FILE, words=f"不是有效的 JSON（第 {error.lineno} 行第 {error.colno} 列）")]
    if not isinstance(collection, dict) or collection.get("type") != "FeatureCollection":
        return [], [Finding(about=About.FILE, words="不是 GeoJSON 的 FeatureCollection")]
    features = collection.get("features")
    if not isinstance(features, list) or not features:
        return [], [Finding(about=About.FILE, words="文件里没有任何图形")]
    crs = collection.get("crs")
    name = (
        str(crs.get("properties", {}).get("name", "")) if isinstance(crs, dict) and isinstance(crs.get("properties"), dict) else ""
    )
    if name and not _FIT_CRS.search(name):
        return [], [Finding(about=About.DATUM, words=f"坐标系是 {name}，请先转换成 WGS-84 或 CGCS2000 的经纬度（EPSG:4326、4490）")]
    return features, []


def properties_of(features: Sequence[Any]) -> tuple[str, ...]:
    """Give the names of the properties that the features have, in the order in which they first stand."""
    names: dict[str, None] = {}
    for feature in features:
        if isinstance(feature, dict) and isinstance(feature.get("properties"), dict):
            names |= dict.fromkeys(feature["properties"])
    return tuple(names)


def read_features(features: Sequence[Any], columns: Mapping[str, str], datum: Datum) -> Reading:
    """Read features: each a Polygon or MultiPolygon with a grid's code among its properties; `columns` name the properties.

    Several features of one grid are its parts and are joined.
    """
    reading = Reading(features=len(features))
    parts: dict[str, list[Drawn]] = {}
    for place, feature in enumerate(features, start=1):
        code = ""
        try:
            said = _said(feature, columns)
            code = said.get("code", "")
            if not code:
                raise _Wrong(About.NO_CODE, "没有网格编码")
            shape = _shape(feature.get("geometry"), datum)
            drawn = Drawn(place, code, said.get("name", ""), said.get("unit", ""), shape)
            parts.setdefault(code, []).append(drawn)
        except _Wrong as wrong:
            longitude, latitude = wrong.place or (None, None)
            named = (code,) if code else ()
            reading.findings.append(
                Finding(about=wrong.about, words=wrong.words, feature=place, grids=named, longitude=longitude, latitude=latitude)
            )
    for code, several in parts.items():
        reading.drawn.append(several[0] if len(several) == 1 else _joined(several))
        if len(several) > 1:
            listed = "、".join(str(each.feature) for each in several)
            words = f"网格 {code} 由第 {listed} 个图形组成，已合成一个网格"
            reading.findings.append(Finding(about=About.IN_PARTS, words=words, feature=several[0].feature, grids=(code,)))
    return reading


def _joined(several: Sequence[Drawn]) -> Drawn:
    first = several[0]
    name = next((each.name for each in several if each.name), "")
    unit = next((each.unit for each in several if each.unit), "")
    return Drawn(first.feature, first.code, name, unit, shapely.union_all([each.shape for each in several]))


def _said(feature: Any, columns: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise _Wrong(About.FILE, "不是 GeoJSON 的 Feature")
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        properties = {}
    told = {}
    for name, column in columns.items():
        value = properties.get(column)
        if isinstance(value, float):
            raise _Wrong(About.NO_CODE, f"“{column}”是小数，编码的位数可能已经丢失，请按文本保存")
        told[name] = " ".join(str(value).split())[:60] if isinstance(value, str | int) else ""
    return told


def _shape(geometry: Any, datum: Datum) -> BaseGeometry:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise _Wrong(About.GEOMETRY, f"图形是 {kind or '空的'}，只能是 Polygon 或 MultiPolygon")
    coordinates = geometry.get("coordinates")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(polygons, list) or not polygons:
        raise _Wrong(About.GEOMETRY, "没有坐标")
    made = [Polygon(rings[0], rings[1:]) for rings in (list(_rings(polygon, datum)) for polygon in polygons)]
    shape = made[0] if len(made) == 1 else MultiPolygon(made)
    reason = shapely.is_valid_reason(shape)
    if reason != "Valid Geometry":
        raise _Wrong(About.CROSSED, f"{_in_words(reason)}，请在原图上改正", _place_in(reason))
    if not shape.area > 0:
        raise _Wrong(About.EMPTY, "图形没有面积")
    return shape


def _rings(polygon: Any, datum: Datum) -> Iterator[list[tuple[float, float]]]:
    if not isinstance(polygon, list) or not polygon:
        raise _Wrong(About.GEOMETRY, "没有坐标")
    for ring in polygon:
        if not isinstance(ring, list) or len(ring) < 4:
            raise _Wrong(About.RING, "边界至少要有四个点（首尾相同）")
        points = [_point(each) for each in ring]
        if points[0] != points[-1]:
            raise _Wrong(About.RING, "边界没有闭合：最后一个点要和第一个点相同", points[-1])
        yield [_in_wgs84(*point, datum) for point in points]


def _point(given: Any) -> tuple[float, float]:
    """Give longitude and latitude as they stand in the file; a height is dropped."""
    fit = isinstance(given, list) and len(given) in (2, 3)
    if not fit or not all(isinstance(each, int | float) and not isinstance(each, bool) and isfinite(each) for each in given):
        raise _Wrong(About.GEOMETRY, "坐标要写成 [经度, 纬度] 两个数")
    longitude, latitude = float(given[0]), float(given[1])
    if in_china(latitude, longitude):
        return longitude, latitude
    if in_china(longitude, latitude):
        raise _Wrong(About.SWAPPED, "经度和纬度写反了：GeoJSON 里经度在前，纬度在后", (latitude, longitude))
    if abs(longitude) > 180 or abs(latitude) > 90:
        raise _Wrong(About.OUTSIDE_CHINA, f"{longitude:g}, {latitude:g} 不是经纬度，可能是以米为单位的投影坐标，请先转换")
    raise _Wrong(About.OUTSIDE_CHINA, "有一个点不在中国境内", (longitude, latitude))


def _in_wgs84(longitude: float, latitude: float, datum: Datum) -> tuple[float, float]:
    if datum is Datum.WGS84:
        return longitude, latitude
    latitude, longitude = to_wgs84(latitude, longitude)
    return longitude, latitude


_REASONS = {
    "Self-intersection": "边界自己相交",
    "Ring Self-intersection": "边界自己相接",
    "Hole lies outside shell": "挖空的部分在边界以外",
    "Holes are nested": "挖空的部分互相套着",
    "Interior is disconnected": "图形被自己的边界隔断",
    "Nested shells": "一部分套在另一部分里",
    "Duplicate Rings": "同一条边界写了两遍",
    "Too few points in geometry component": "边界的点太少",
}


def _in_words(reason: str) -> str:
    return _REASONS.get(reason.split("[", 1)[0].strip(), f"图形无效（{reason}）")


def _place_in(reason: str) -> tuple[float, float] | None:
    found = re.search(r"\[(-?[\d.e+-]+) (-?[\d.e+-]+)\]", reason)
    return (float(found[1]), float(found[2])) if found else None
