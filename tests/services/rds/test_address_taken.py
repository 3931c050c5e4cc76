"""An instance whose address somebody else took while it was stopped.

Truth: our reading. On AWS nobody can take an endpoint; here the user's own programs can, so the API reports where it is now.
"""

import socket
import time
from collections.abc import Callable
from typing import Any

import pymysql
import pytest


@pytest.mark.slow
def test_an_instance_moves_to_a_free_address_and_reports_it(create_instance: Callable[..., Any], rds: Any, needs_mariadb: None) -> None:
    before = create_instance("moves")["Endpoint"]
    rds.stop_db_instance(DBInstanceIdentifier="moves")
    deadline = time.monotonic() + 20
    while rds.describe_db_instances(DBInstanceIdentifier="moves")["DBInstances"][0]["DBInstanceStatus"] != "stopped":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with socket.create_server((before["Address"], before["Port"])):
        rds.start_db_instance(DBInstanceIdentifier="moves")
        rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="moves", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
        after = rds.describe_db_instances(DBInstanceIdentifier="moves")["DBInstances"][0]["Endpoint"]
        assert after["Address"] != before["Address"]
        assert after["Port"] == before["Port"]
        with pymysql.connect(host=after["Address"], port=after["Port"], user="chief", password="secret99word") as database:
            assert database.open
    told = [event["Message"] for event in rds.describe_events(SourceIdentifier="moves", SourceType="db-instance")["Events"]]
    assert any(after["Address"] in words for words in told)
