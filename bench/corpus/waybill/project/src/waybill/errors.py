"""What can go wrong."""


class WaybillError(Exception):
    """Base of all errors of this package."""


class CapacityError(WaybillError):
    """A parcel does not fit."""


class WindowError(WaybillError, ValueError):
    """A time window that cannot be."""


class UnknownZone(WaybillError, LookupError):
    """A place outside all zones."""


class ImportError_(WaybillError):
    """A row that cannot be read."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(f"row {row}: {reason}")
        self.row = row
