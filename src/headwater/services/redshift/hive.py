"""The Data Catalog's spelling of external tables: Glue's TableInput and Table, to and from what the SQL engine knows.

Pure. Source: the Glue model; a table that Redshift Spectrum created carries EXTERNAL in its parameters and its type.
"""

from typing import Any

from headwater.engines.warehouse.sql.lake import ExternalTable, Partition


def table_input(table: ExternalTable) -> dict[str, Any]:
    return {
        "Name": table.name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", **table.table_parameters},
        "PartitionKeys": columns(table.partition_keys),
        "StorageDescriptor": storage(table, table.location),
    }


def partition_input(table: ExternalTable, partition: Partition) -> dict[str, Any]:
    """A partition is stored as its table is, elsewhere."""
    return {"Values": list(partition.values), "StorageDescriptor": storage(table, partition.location)}


def storage(table: ExternalTable, location: str) -> dict[str, Any]:
    return {
        "Columns": columns(table.columns),
        "Location": location,
        "InputFormat": table.input_format,
        "OutputFormat": table.output_format,
        "Compressed": table.compressed,
        "NumberOfBuckets": 0,
        "SerdeInfo": {"SerializationLibrary": table.serde, "Parameters": table.serde_parameters},
        "StoredAsSubDirectories": False,
    }


def columns(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"Name": name, "Type": kind} for name, kind in pairs]


def external_table(answer: dict[str, Any]) -> ExternalTable:
    """A table as Glue answers it, whoever made it."""
    store = answer.get("StorageDescriptor", {})
    serde = store.get("SerdeInfo", {})
    return ExternalTable(
        name=answer["Name"],
        columns=pairs(store.get("Columns", [])),
        partition_keys=pairs(answer.get("PartitionKeys", [])),
        location=store.get("Location", ""),
        input_format=store.get("InputFormat", ""),
        output_format=store.get("OutputFormat", ""),
        serde=serde.get("SerializationLibrary", ""),
        serde_parameters=serde.get("Parameters", {}),
        table_parameters=answer.get("Parameters", {}),
        compressed=store.get("Compressed", False),
    )


def pairs(described: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((one["Name"], one.get("Type", "string")) for one in described)


def partition(answer: dict[str, Any]) -> Partition:
    return Partition(values=tuple(answer["Values"]), location=answer.get("StorageDescriptor", {}).get("Location", ""))
