"""External schemas and tables: where SQL and the data catalog meet.

The names that Hive gives to formats are turned into the data catalog's classes here, so that a table created by SQL looks
in the catalog as Redshift writes it. Source: docs.aws.amazon.com/redshift/latest/dg/r_CREATE_EXTERNAL_TABLE.html.
"""

from typing import Final, NamedTuple

from headwater.engines.warehouse.sql.dialect import GrammarParser
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.statements import AddPartitions, CreateExternalSchema, CreateExternalTable, DropPartition, Name
from headwater.engines.warehouse.sql.types import SqlType, named

TEXT_INPUT: Final = "org.apache.hadoop.mapred.TextInputFormat"
TEXT_OUTPUT: Final = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
LAZY_SIMPLE: Final = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"


class Format(NamedTuple):
    input: str
    output: str
    serde: str


FORMATS: Final = {
    "TEXTFILE": Format(TEXT_INPUT, TEXT_OUTPUT, LAZY_SIMPLE),
    "PARQUET": Format(
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "ORC": Format(
        "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
    ),
    "AVRO": Format(
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    ),
    "RCFILE": Format(
        "org.apache.hadoop.hive.ql.io.RCFileInputFormat",
        "org.apache.hadoop.hive.ql.io.RCFileOutputFormat",
        "org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe",
    ),
    "SEQUENCEFILE": Format(
        "org.apache.hadoop.mapred.SequenceFileInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
        LAZY_SIMPLE,
    ),
}


def create_external(p: GrammarParser) -> CreateExternalSchema | CreateExternalTable:
    """What follows CREATE EXTERNAL."""
    if p.word("SCHEMA"):
        return external_schema(p)
    if p.word("TABLE"):
        return external_table(p)
    raise p.unsupported(f"CREATE EXTERNAL {p.peek}")


def external_schema(p: GrammarParser) -> CreateExternalSchema:
    exists = p.word("IF", "NOT", "EXISTS")
    name = p.identifier()
    p.expect("FROM")
    if not p.word("DATA", "CATALOG"):
        raise p.unsupported(f"CREATE EXTERNAL SCHEMA FROM {p.peek}")
    database, role, region, creates = "", "", None, False
    while not p.ended:
        if p.word("DATABASE"):
            database = p.string()
        elif p.word("REGION"):
            region = p.string()
        elif p.word("IAM_ROLE"):
            role = iam_role(p)
        elif p.word("CREATE", "EXTERNAL", "DATABASE"):
            p.expect("IF", "NOT", "EXISTS")
            creates = True
        elif p.peek in ("CATALOG_ROLE", "CATALOG_ID"):
            raise p.unsupported(p.peek)
        else:
            p.raise_error("a clause of CREATE EXTERNAL SCHEMA is expected")
    if not database or not role:
        p.raise_error("DATABASE and IAM_ROLE are expected")
    return CreateExternalSchema(name=name, database=database, role=role, if_not_exists=exists, region=region, creates_database=creates)


def iam_role(p: GrammarParser) -> str:
    if p.word("DEFAULT"):
        return "default"
    role = p.string()
    return "default" if role.lower() == "default" else role


def external_table(p: GrammarParser) -> CreateExternalTable:
    exists = p.word("IF", "NOT", "EXISTS")
    name = p.relation()
    p.expect_symbol("(")
    columns = p.listed(lambda: hive_column(p))
    p.expect_symbol(")")
    clauses = Clauses(p)
    clauses.read()
    if clauses.location is None:
        p.raise_error("LOCATION is expected")
    chosen = clauses.format or FORMATS["TEXTFILE"]
    return CreateExternalTable(
        name=name,
        columns=columns,
        partition_keys=clauses.partition_keys,
        location=str(clauses.location),
        input_format=chosen.input,
        output_format=chosen.output,
        serde=clauses.serde or chosen.serde,
        serde_parameters=clauses.serde_parameters or {"serialization.format": "1"},
        table_parameters=clauses.table_parameters,
        if_not_exists=exists,
    )


class Clauses:
    """The clauses after an external table's columns; they are read in whatever order they stand."""

    def __init__(self, p: GrammarParser) -> None:
        self.p = p
        self.partition_keys: tuple[tuple[str, str], ...] = ()
        self.location: str | None = None
        self.format: Format | None = None
        self.serde: str | None = None
        self.serde_parameters: dict[str, str] = {}
        self.table_parameters: dict[str, str] = {"EXTERNAL": "TRUE"}

    def read(self) -> None:
        p = self.p
        while not p.ended:
            if p.word("PARTITIONED", "BY"):
                p.expect_symbol("(")
                self.partition_keys = p.listed(lambda: hive_column(p))
                p.expect_symbol(")")
            elif p.word("ROW", "FORMAT"):
                self.row_format()
            elif p.word("STORED", "AS"):
                self.stored_as()
            elif p.word("LOCATION"):
                self.location = p.string()
            elif p.word("TABLE", "PROPERTIES"):
                self.table_parameters |= properties(p)
            elif p.at("AS"):
                raise p.unsupported("CREATE EXTERNAL TABLE AS")
            else:
                p.raise_error("a clause of CREATE EXTERNAL TABLE is expected")

    def row_format(self) -> None:
        p = self.p
        if p.word("SERDE"):
            self.serde = p.string()
            if p.word("WITH"):
                p.expect("SERDEPROPERTIES")
                self.serde_parameters = properties(p)
            return
        p.expect("DELIMITED")
        while True:
            if p.word("FIELDS", "TERMINATED", "BY"):
                delimiter = unescaped(p.string())
                self.serde_parameters |= {"field.delim": delimiter, "serialization.format": delimiter}
            elif p.word("ESCAPED", "BY"):
                self.serde_parameters["escape.delim"] = unescaped(p.string())
            elif p.word("LINES", "TERMINATED", "BY"):
                self.serde_parameters["line.delim"] = unescaped(p.string())
            elif p.word("NULL", "DEFINED", "AS"):
                self.serde_parameters["serialization.null.format"] = p.string()
            else:
                return

    def stored_as(self) -> None:
        p = self.p
        if p.word("INPUTFORMAT"):
            reader = p.string()
            p.expect("OUTPUTFORMAT")
            self.format = Format(reader, p.string(), LAZY_SIMPLE)
            return
        word = p.identifier().upper()
        if word not in FORMATS:
            raise p.unsupported(f"STORED AS {word}")
        self.format = FORMATS[word]


def properties(p: GrammarParser) -> dict[str, str]:
    def one() -> tuple[str, str]:
        key = p.string()
        p.expect_symbol("=")
        return key, unescaped(p.string())

    p.expect_symbol("(")
    found = dict(p.listed(one))
    p.expect_symbol(")")
    return found


def unescaped(text: str) -> str:
    """A delimiter as it is meant: a character, an octal `\\001`, or one of the names for white space."""
    body = text.removeprefix("\\")
    if body != text and body.isdigit() and len(body) <= 3:
        return chr(int(body, 8))
    return {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\b": "\b", "\\f": "\f", "\\\\": "\\"}.get(text, text)


def hive_column(p: GrammarParser) -> tuple[str, str]:
    name = p.identifier()
    return name, hive_type(p)


HIVE: Final = {
    "boolean": "boolean",
    "smallint": "smallint",
    "integer": "int",
    "bigint": "bigint",
    "real": "float",
    "double precision": "double",
    "date": "date",
    "timestamp without time zone": "timestamp",
    "binary varying": "binary",
}


def hive_type(p: GrammarParser) -> str:
    """The type of an external column as the data catalog writes it."""
    name = p.type_name()
    if name in ("struct", "array", "map"):
        raise p.unsupported(f"an external column of type {name}")
    if name == "string":
        return "string"
    return hive_spelling(named({"tinyint": "smallint"}.get(name, name), *p.type_sizes()))


def hive_spelling(kind: SqlType) -> str:
    if kind.name == "numeric":
        return f"decimal({kind.length},{kind.scale})"
    if kind.name == "character varying":
        return f"varchar({kind.length})"
    if kind.name == "character":
        return f"char({kind.length})"
    if kind.name not in HIVE:
        raise SqlError("0A000", f"type {kind} is not supported in an external table")
    return HIVE[kind.name]


def add_partitions(p: GrammarParser, name: Name) -> AddPartitions:
    """What follows ALTER TABLE t ADD [IF NOT EXISTS] PARTITION, the first PARTITION included."""
    exists = p.word("IF", "NOT", "EXISTS")
    partitions = []
    while p.word("PARTITION"):
        values = partition_values(p)
        p.expect("LOCATION")
        partitions.append((values, p.string()))
    if not partitions:
        p.raise_error("PARTITION is expected")
    return AddPartitions(name=name, partitions=tuple(partitions), if_not_exists=exists)


def partition_values(p: GrammarParser) -> tuple[tuple[str, str], ...]:
    def one() -> tuple[str, str]:
        key = p.identifier()
        p.expect_symbol("=")
        return key, p.string() if p.at_string else str(p.number())

    p.expect_symbol("(")
    found = p.listed(one)
    p.expect_symbol(")")
    return found


def drop_partition(p: GrammarParser, name: Name) -> DropPartition:
    return DropPartition(name=name, values=partition_values(p))
