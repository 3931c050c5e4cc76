"""The post's generator of random sales: ten rows, or `--rows N`; `--seed` makes them repeatable.

It runs with mysqlclient, as the post has it, or with PyMySQL under the same name. A day that a month lacks is never drawn (the
post's own line asks for a 30 February once in 360 rows).
"""

import argparse
import calendar
import datetime
import os
import random

try:
    import MySQLdb
except ImportError:
    import pymysql as MySQLdb

states = (
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA", "ME", "MD", "MA", "MI",
    "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT",
    "VT", "VA", "WA", "WV", "WI", "WY",
)  # fmt: skip
shipping_types = ("Free", "3-Day", "2-Day")
product_categories = ("Garden", "Kitchen", "Office", "Household")
referrals = ("Other", "Friend/Colleague", "Repeat Customer", "Online Ad")


def main() -> None:
    """Insert the rows, one transaction each."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--rows", type=int, default=10)
    flags.add_argument("--seed", type=int)
    options = flags.parse_args()
    draw = random.Random(options.seed)
    db = MySQLdb.connect(
        host=os.environ["AURORA_CNAME"],
        port=int(os.environ.get("AURORA_PORT", "3306")),
        user=os.environ["DBUSER"],
        passwd=os.environ["DBPASSWORD"],
        db=os.environ["DB"],
    )
    add_order = (
        "INSERT INTO Sales (ItemID, Category, Price, Quantity, OrderDate, DestinationState, ShippingType, Referral) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
    )
    for _ in range(options.rows):
        month = draw.randint(1, 12)
        order_date = datetime.date(2016, month, draw.randint(1, calendar.monthrange(2016, month)[1])).isoformat()
        sale = (draw.randint(1, 100), draw.choice(product_categories), draw.randint(1, 100), draw.randint(1, 4), order_date)
        cursor = db.cursor()
        cursor.execute(add_order, (*sale, draw.choice(states), draw.choice(shipping_types), draw.choice(referrals)))
        db.commit()
        cursor.close()
    db.close()


if __name__ == "__main__":
    main()
