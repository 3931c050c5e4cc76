"""Partition expressions. Truth: GetPartitions in the AWS Glue API reference; NULL as in Hive."""

import pytest

from headwater.aws.faults import Fault
from headwater.services.glue.pattern import matching
from headwater.services.glue.predicate import compiled

KEYS = (("year", "int"), ("Country", "string"), ("day", "date"), ("price", "decimal(10,2)"))
ROW = ("2016", "US", "2016-02-29", "9.50")
NULLS = ("__HIVE_DEFAULT_PARTITION__", "US", "2016-02-29", "9.50")
LETS_THROUGH = {
    "year = 2016": True,
    "year = '2016'": True,
    "year <> 2016": False,
    "year > 300": True,  # a number, not a text
    "year >= 2016 and country = 'US'": True,
    "YEAR < 2016 OR COUNTRY = 'US'": True,
    "not (year = 2016)": False,
    "country in ('DE', 'US')": True,
    "country not in ('DE', 'US')": False,
    "year between 2010 and 2016": True,
    "day between '2016-02-01' and '2016-02-29'": True,
    "day > date '2016-03-01'": False,
    "country like 'U%'": True,
    "country like '_'": False,
    "price > 9": True,
    "price = 9.5": True,
    "year is null": False,
    "year is not null": True,
    "country = 'it''s'": False,
    "2016 = year": True,
    "year > -1": True,
}


@pytest.mark.parametrize(("expression", "passes"), LETS_THROUGH.items(), ids=LETS_THROUGH)
def test_a_partition_is_let_through(expression: str, passes: bool) -> None:
    assert compiled(expression, KEYS)(ROW) is passes


def test_null_is_never_equal_nor_unequal() -> None:
    assert [compiled(one, KEYS)(NULLS) for one in ("year = 1", "year <> 1", "not (year = 1)", "year is null")] == [
        False,
        False,
        False,
        True,
    ]


REFUSED = ["year =", "nowhere = 1", "1 = 1", "year = (select 1)", "upper(country) = 'US'", "drop table x"]


@pytest.mark.parametrize("expression", REFUSED)
def test_an_expression_is_refused(expression: str) -> None:
    with pytest.raises(Fault, match="InvalidInputException"):
        compiled(expression, KEYS)(ROW)


PATTERNS = {
    "sales": {"sales"},
    "sales.*": {"sales", "sales_2016"},
    "sales*": {"sales", "sales_2016"},
    "*2016": {"sales_2016"},
    "SALES|returns": {"sales", "returns"},
    "s.l[a-z]s": {"sales"},
}


@pytest.mark.parametrize(("pattern", "found"), PATTERNS.items(), ids=PATTERNS)
def test_names_match_a_pattern(pattern: str, found: set[str]) -> None:
    """Truth: the API reference says regular expression; awswrangler's `*name*` shows that a bare star is anything."""
    assert matching(pattern, ["sales", "sales_2016", "returns"]) == found


def test_a_pattern_that_never_ends_is_refused() -> None:
    with pytest.raises(Fault, match="InvalidInputException"):
        matching("(a|b|ab)+c?d", ["ab" * 40 + "dd"])
    with pytest.raises(Fault, match="InvalidInputException"):
        matching("(", ["a"])
