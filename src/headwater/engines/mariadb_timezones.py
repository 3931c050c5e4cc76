"""The named time zones for MariaDB, so that CONVERT_TZ and `time_zone = 'Asia/Tokyo'` work as they do on RDS.

MariaDB comes with empty tables, and the program that fills them is not in every package. The rules are read from the system's zone
files (or the `tzdata` package's). Easy to get wrong: today's files often end with a *rule* for all later years instead of listing
them, and MariaDB knows only lists, so those years are worked out up to 2037, where its timestamps end.
Source of the format: RFC 8536.
"""

from __future__ import annotations

import importlib.resources
import struct
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

LAST: Final = datetime(2037, 12, 31, tzinfo=UTC)
FIRST_SECOND: Final = -(2**31)
ROWS_A_STATEMENT: Final = 300  # a line of a start-up file may have 20,000 characters
HEADER: Final = struct.Struct(">4sc15x6I")


class Zone(NamedTuple):
    transitions: list[tuple[int, int]]  # (second, type)
    types: list[tuple[int, bool, str]]  # (offset in seconds, summer time, abbreviation)


def statements() -> Iterator[str]:
    """SQL that fills MariaDB's tables; nothing at all on a machine without zone files."""
    ids: dict[bytes, int] = {}
    names: list[str] = []
    zones: list[str] = []
    types: list[str] = []
    transitions: list[str] = []
    for name in sorted(zoneinfo.available_timezones()):
        contents = _file(name)
        if contents is None:
            continue
        if contents not in ids:  # an alias shares its zone's rows
            number = ids[contents] = len(ids) + 1
            zone = parse(contents, name)
            zones.append(f"({number},'N')")
            types += [f"({number},{index},{offset},{int(summer)},'{short}')" for index, (offset, summer, short) in enumerate(zone.types)]
            transitions += [f"({number},{at},{kind})" for at, kind in zone.transitions]
        names.append(f"('{name}',{ids[contents]})")
    for table, columns, rows in (
        ("time_zone", "Time_zone_id, Use_leap_seconds", zones),
        ("time_zone_name", "Name, Time_zone_id", names),
        ("time_zone_transition_type", "Time_zone_id, Transition_type_id, `Offset`, Is_DST, Abbreviation", types),
        ("time_zone_transition", "Time_zone_id, Transition_time, Transition_type_id", transitions),
    ):
        for begin in range(0, len(rows), ROWS_A_STATEMENT):
            yield f"INSERT INTO mysql.{table} ({columns}) VALUES {','.join(rows[begin : begin + ROWS_A_STATEMENT])};"  # noqa: S608  numbers and zone names


def parse(contents: bytes, name: str) -> Zone:
    """The second, 64-bit block of a zone file, and the years that its closing rule stands for."""
    begin = HEADER.size
    _, _, utc, standard, leaps, times, kinds, chars = HEADER.unpack_from(contents)
    begin += times * 5 + kinds * 6 + chars + leaps * 8 + standard + utc  # the first block is for readers of long ago
    _, _, utc, standard, leaps, times, kinds, chars = HEADER.unpack_from(contents, begin)
    begin += HEADER.size
    moments = struct.unpack_from(f">{times}q", contents, begin)
    indexes = contents[begin + times * 8 : begin + times * 9]
    begin += times * 9
    raw = [struct.unpack_from(">i?B", contents, begin + number * 6) for number in range(kinds)]
    words = contents[begin + kinds * 6 : begin + kinds * 6 + chars]
    types = [(offset, summer, words[short:].split(b"\0", 1)[0].decode()) for offset, summer, short in raw]
    listed = list(zip(moments, indexes, strict=True))
    before = [(FIRST_SECOND, kind) for at, kind in listed if at < FIRST_SECOND][-1:]  # what held when MariaDB's time begins
    zone = Zone(before + [each for each in listed if each[0] >= FIRST_SECOND], types)
    if not contents.endswith(b"\n\n") and b"," in contents[contents.rindex(b"\n", 0, -1) :]:  # a rule with summer time
        _extend(zone, zoneinfo.ZoneInfo(name))
    return zone


def _extend(zone: Zone, rules: zoneinfo.ZoneInfo) -> None:
    """Write out the rule's years: look at each week, and where the offset changed find the second."""
    at = datetime.fromtimestamp(max(zone.transitions[-1][0] if zone.transitions else 0, 0), UTC) + timedelta(seconds=1)
    week = timedelta(days=7)
    while at < LAST:
        if at.astimezone(rules).utcoffset() != (at + week).astimezone(rules).utcoffset():
            moment = _change(at, at + week, rules)
            zone.transitions.append((int(moment.timestamp()), _type(zone, moment.astimezone(rules))))
        at += week


def _change(low: datetime, high: datetime, rules: zoneinfo.ZoneInfo) -> datetime:
    before = low.astimezone(rules).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(rules).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def _type(zone: Zone, local: datetime) -> int:
    wanted = (int((local.utcoffset() or timedelta()).total_seconds()), bool(local.dst()), local.tzname() or "")
    if wanted not in zone.types:
        zone.types.append(wanted)
    return zone.types.index(wanted)


def _file(name: str) -> bytes | None:
    for folder in zoneinfo.TZPATH:
        path = Path(folder, name)
        if path.is_file():
            return path.read_bytes()
    try:
        *packages, last = name.split("/")
        return importlib.resources.files(".".join(["tzdata.zoneinfo", *packages])).joinpath(last).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError):
        return None
