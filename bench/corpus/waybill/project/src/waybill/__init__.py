"""Delivery routes: distances, zones, loads and timetables."""

from .errors import CapacityError, ImportError_, UnknownZone, WaybillError, WindowError
from .geo import BoundingBox, Point, distance_km
from .plan import Plan, plan_routes
from .stop import Parcel, Stop
from .timetable import Arrival, Timetable
from .vehicle import Vehicle
from .window import Window
from .zone import Tariff, Zone, ZoneMap

__all__ = [
    "Arrival",
    "BoundingBox",
    "CapacityError",
    "ImportError_",
    "Parcel",
    "Plan",
    "Point",
    "Stop",
    "Tariff",
    "Timetable",
    "UnknownZone",
    "Vehicle",
    "WaybillError",
    "Window",
    "WindowError",
    "Zone",
    "ZoneMap",
    "distance_km",
    "plan_routes",
]
