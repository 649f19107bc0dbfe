"""Takes the day's orders in and tells the sender which rows are wrong."""

import sys
from typing import List

from waybill import Stop, WaybillError
from waybill.exchange import read_stops

ORDERS = """name,lat,lon,postcode,window,phone,parcel,kg
Bakery North,52.55,13.41,10439,6:00-9:00,+49 30 1234,P-1,12.5
Bookshop,52.49,13.39,10965,,,P-2,3
Florist,52.51,13.45,10243,9:00-18:00,,P-3
"""


class Intake:
    def __init__(self) -> None:
        self.stops: List[Stop] = []

    def accept(self, text: str) -> None:
        try:
            self.stops.extend(read_stops(text))
        except WaybillError as error:
            print(f"refused: {error}", file=sys.stderr)


def main() -> None:
    intake = Intake()
    intake.accept(ORDERS)
    print(len(intake.stops))


if __name__ == "__main__":
    main()
