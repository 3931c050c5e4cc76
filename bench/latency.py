"""From a row's INSERT to its answer in Redshift: trigger, function, Firehose, S3 and the external table, as the demonstration has them.

The architecture is the blueprint's own, with one exception that is said in the report: Firehose's buffering interval is nought
(AWS allows it), so that what is measured is the house and not the wait that the demonstration asks for.
"""

import os
import statistics
import sys
import time
from dataclasses import dataclass

from bench.targets import ROOT, Running
from bench.workloads import first_request

ROWS = 15
ROW_S_MAX = 20.0
LOOK_EVERY_S = 0.005
EXTERNAL = 2
"""The first statements of the blueprint's warehouse: the external schema and table. The date dimension is not needed to count rows."""
INSERT = "INSERT INTO Sales VALUES (NULL, 4711, 'Music', 14.99, 1, '2016-07-04 12:00:00', 'WA', 'Free', 'Other')"
COUNT = "SELECT count(*) FROM spectrum_schema.ecommerce_sales"


@dataclass
class Latency:
    """Seconds from before the INSERT until the warehouse counts the row."""

    rows_s: list[float]
    insert_s: list[float]

    @property
    def median_s(self) -> float:
        return statistics.median(self.rows_s)


def measure(running: Running) -> Latency:
    """Build the blueprint on a fresh Headwater and follow rows through it, one at a time."""
    running.first_answer_s(first_request(running.endpoint_url))
    os.environ["AWS_ENDPOINT_URL"] = running.endpoint_url
    sys.path.insert(0, str(ROOT / "blueprints/sales-analytics"))
    import architecture

    architecture.FLUSH_S = 0
    aws = architecture.session()
    architecture.build_stream(aws)
    mysql = architecture.build_database(aws, architecture.build_function(aws))
    redshift = architecture.build_warehouse(aws)
    values = {"role_arn": architecture.warehouse_role(aws), "bucket": architecture.BUCKET, "dates": ""}
    found = Latency([], [])
    with architecture.redshift(redshift) as warehouse, architecture.mysql(mysql) as database, database.cursor() as cursor:
        for statement in architecture.script("warehouse.sql", **values)[:EXTERNAL]:
            warehouse.execute(statement)
        for number in range(ROWS + 1):
            started = time.perf_counter()
            cursor.execute(INSERT)
            inserted = time.perf_counter()
            while warehouse.execute(COUNT).fetchone() != (number + 1,):
                if time.perf_counter() - started > ROW_S_MAX:
                    raise RuntimeError(f"row {number + 1} did not arrive within {ROW_S_MAX:.0f} s")
                time.sleep(LOOK_EVERY_S)
            if number:  # the first row warms the function
                found.rows_s.append(time.perf_counter() - started)
                found.insert_s.append(inserted - started)
    return found
