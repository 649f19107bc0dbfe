"""Stops from CSV, routes to GeoJSON."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Dict, List, Optional, Sequence

from .errors import ImportError_, WindowError
from .geo import Point
from .stop import Parcel, Stop
from .window import Window


def _optional(text: Optional[str]) -> Optional[str]:
    cleaned = (text or "").strip()
    return cleaned or None


def read_stops(text: str) -> List[Stop]:
    """Read stops; rows with the same name are parcels of one stop."""
    stops: Dict[str, Stop] = {}
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        try:
            name = row["name"].strip()
            parcel = Parcel(row["parcel"].strip(), round(float(row["kg"]) * 1000))
            stop = stops.get(name)
            if stop is None:
                window = _optional(row.get("window"))
                stop = Stop(
                    name,
                    Point(float(row["lat"]), float(row["lon"])),
                    postcode=_optional(row.get("postcode")) or "",
                    window=Window.parse(window) if window else None,
                    phone=_optional(row.get("phone")),
                )
                stops[name] = stop
        except KeyError as error:
            raise ImportError_(number, f"no column {error.args[0]}") from None
        except WindowError as error:
            raise ImportError_(number, str(error)) from error
        except (ValueError, AttributeError) as error:
            raise ImportError_(number, f"not readable: {error}") from error
        stop.parcels.append(parcel)
    return list(stops.values())


def feature(stop: Stop, position: int) -> Dict[str, Any]:
    """Return a stop as a GeoJSON feature; GeoJSON writes longitude first."""
    properties: Dict[str, Any] = {"name": stop.name, "position": position, "grams": stop.grams}
    if stop.window is not None:
        properties["window"] = str(stop.window)
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [stop.point.lon, stop.point.lat]},
        "properties": properties,
    }


def to_geojson(depot: Point, stops: Sequence[Stop]) -> str:
    """Write a tour: its stops and the line through them."""
    line = [[point.lon, point.lat] for point in (depot, *(stop.point for stop in stops), depot)]
    features = [feature(stop, position) for position, stop in enumerate(stops, start=1)]
    features.append({"type": "Feature", "geometry": {"type": "LineString", "coordinates": line}, "properties": {}})
    return json.dumps({"type": "FeatureCollection", "features": features}, sort_keys=True)


def contact_list(stops: Sequence[Stop]) -> List[str]:
    """Return the phone numbers by stop, digits only."""
    lines = []
    for stop in stops:
        if stop.phone is None:
            lines.append(f"{stop.name}: -")
            continue
        digits = "".join(char for char in stop.phone if char.isdigit() or char == "+")
        lines.append(f"{stop.name}: {digits}")
    return lines
