"""Zone files read into lists. Truth: Python's own zoneinfo, which reads the same files by itself."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime

import pytest

from headwater.engines import mariadb_timezones
from headwater.engines.mariadb_timezones import Zone, parse

ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Tokyo", "Africa/Casablanca", "UTC", "Europe/Dublin"]


def offset(zone: Zone, at: datetime) -> int:
    kind = next((kind for second, kind in reversed(zone.transitions) if second <= at.timestamp()), 0)
    return zone.types[kind][0]


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("listed_until", [2037, 2007])
def test_a_zone_has_the_right_offset_in_every_month(name: str, listed_until: int) -> None:
    contents = mariadb_timezones._file(name)
    if contents is None:
        pytest.skip("this machine has no zone files")
    zone = parse(contents, name)
    if listed_until == 2007 and len(zone.types) > 1 and name != "Africa/Casablanca":  # Morocco's years follow the moon, not a rule
        # What a file that ends with a rule leaves out is worked out again.
        end = datetime(2007, 12, 31, tzinfo=UTC).timestamp()
        zone = Zone([each for each in zone.transitions if each[0] < end], zone.types)
        mariadb_timezones._extend(zone, zoneinfo.ZoneInfo(name))
    for year in range(1971, 2037):
        for month in range(1, 13):
            at = datetime(year, month, 15, 12, tzinfo=UTC)
            expected = at.astimezone(zoneinfo.ZoneInfo(name)).utcoffset()
            assert expected is not None
            assert offset(zone, at) == expected.total_seconds()
