"""The input: six golden rows with dates of 2016, and real orders of a music shop; and the date dimensions that go with them."""

import calendar
import csv
import datetime
import gzip
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import NamedTuple

from generator import referrals, shipping_types, states

DATA = Path(__file__).parent / "data" / "cdnow_transactions.csv.gz"
SEASONS = ("Winter", "Spring", "Summer", "Fall")
COUNT = 69_659
CENT = Decimal("0.01")


class Sale(NamedTuple):
    """One row of Sales, without its key."""

    item_id: int
    category: str
    price: Decimal
    quantity: int
    order_date: str
    state: str
    shipping: str
    referral: str

    def line(self) -> str:
        """The row as the Lambda function writes it."""
        fields = (self.item_id, self.category, f"{self.price:.2f}", self.quantity, f"{self.order_date} 00:00:00")
        return ",".join(map(str, (*fields, self.state, self.shipping, self.referral)))


def golden() -> list[Sale]:
    """The six rows whose totals are known by hand."""
    rows = [
        (1, "Garden", 10, 2, "2016-01-05", "WA", "Free", "Other"),
        (2, "Kitchen", 25, 1, "2016-04-12", "CA", "3-Day", "Online Ad"),
        (3, "Office", 40, 3, "2016-07-02", "NY", "2-Day", "Repeat Customer"),
        (4, "Household", 5, 4, "2016-10-31", "TX", "Free", "Friend/Colleague"),
        (5, "Garden", 99, 1, "2016-12-25", "FL", "Free", "Other"),
        (6, "Office", 60, 2, "2016-02-29", "OR", "2-Day", "Online Ad"),
    ]
    return [Sale(item, category, Decimal(price), *rest) for item, category, price, *rest in rows]


GOLDEN_TOTALS = {
    "season": {"Winter": 23900, "Spring": 2500, "Summer": 12000, "Fall": 2000},
    "weekday": {"Monday": 14000, "Tuesday": 4500, "Saturday": 12000, "Sunday": 9900},
    "month": {"1": 2000, "2": 12000, "4": 2500, "7": 12000, "10": 2000, "12": 9900},
}
"""In cents."""

ALL_TOTALS = {
    "season": {"Winter": 92811317, "Spring": 89013667, "Summer": 39496936, "Fall": 28718604},
    "weekday": {
        "Monday": 37998336, "Tuesday": 36404348, "Wednesday": 34766843, "Thursday": 35296864,
        "Friday": 33909318, "Saturday": 34022862, "Sunday": 37641953,
    },
}  # fmt: skip
"""In cents, of all 69,659 orders: what the two databases must agree on, and with us."""


def real(count: int) -> list[Sale]:
    """`count` of the real orders, spread evenly over the file so that every season and month shows."""
    with gzip.open(DATA, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    return [_sale(rows[number * len(rows) // count]) for number in range(count)]


def _sale(row: dict[str, str]) -> Sale:
    customer, quantity = int(row["customer_id"]), int(row["quantity"])
    price = (Decimal(row["amount"]) / quantity).quantize(CENT, ROUND_HALF_UP)
    # The set has no state, shipping or referral: the post's lists stand in, chosen by the customer's number.
    state, shipping, referral = (choices[customer % len(choices)] for choices in (states, shipping_types, referrals))
    return Sale(customer, "Music", price, quantity, row["order_date"], state, shipping, referral)


def dates(first: int, last: int) -> str:
    """The rows of date_dimension for these years, fields parted by `|` as COPY expects when nothing is said."""
    day = datetime.date(first, 1, 1)
    lines = []
    while day.year <= last:
        season = SEASONS[day.month % 12 // 3]
        fields = (f"{day:%Y%m%d}", day.day, day.month, calendar.day_name[day.weekday()], day.isoformat())
        lines.append("|".join(map(str, (*fields, (day.month - 1) // 3 + 1, (day.month - 1) // 6 + 1, day.year, season, day.year))))
        day += datetime.timedelta(days=1)
    return "\n".join(lines) + "\n"
