"""CREATE, ALTER and DROP of schemas, tables and views, with Redshift's column and table attributes in any order."""

from collections.abc import Callable
from typing import Any, Final

from headwater.engines.warehouse.sql.dialect import GrammarParser
from headwater.engines.warehouse.sql.grammar_external import add_partitions, create_external, drop_partition
from headwater.engines.warehouse.sql.statements import (
    AddColumn,
    AddConstraint,
    AlterAttributes,
    AlterColumnType,
    ChangeOwner,
    ColumnDefinition,
    Constraint,
    CreateSchema,
    CreateTable,
    CreateView,
    Drop,
    DropColumn,
    DropConstraint,
    DropSchema,
    Maintain,
    Name,
    Parsed,
    RenameColumn,
    RenameRelation,
    RenameSchema,
    TableAttributes,
    Truncate,
)


def create(p: GrammarParser) -> Parsed:
    if p.word("EXTERNAL"):
        return create_external(p)
    if p.word("SCHEMA"):
        return create_schema(p)
    or_replace = p.word("OR", "REPLACE")
    if p.word("VIEW"):
        return create_view(p, or_replace=or_replace)
    p.word("LOCAL")
    temporary = p.word("TEMPORARY") or p.word("TEMP")
    if p.word("TABLE"):
        return create_table(p, temporary=temporary)
    raise p.unsupported(f"CREATE {p.peek}")


def create_schema(p: GrammarParser) -> CreateSchema:
    exists = p.word("IF", "NOT", "EXISTS")
    owner = p.identifier() if p.word("AUTHORIZATION") else None
    name = owner or p.identifier()
    if owner is None and p.word("AUTHORIZATION"):
        owner = p.identifier()
    if p.at("QUOTA"):
        raise p.unsupported("CREATE SCHEMA QUOTA")
    return CreateSchema(name=name, if_not_exists=exists, owner=owner)


def create_view(p: GrammarParser, *, or_replace: bool) -> CreateView:
    name = p.relation()
    columns = p.names() if p.peek == "(" else ()
    p.expect("AS")
    first = p.position
    query = p.query_here()
    text = p.text_between(first, p.position)
    late = p.word("WITH", "NO", "SCHEMA", "BINDING")
    return CreateView(name=name, text=text, query=query, column_names=columns, or_replace=or_replace, late_binding=late)


def create_table(p: GrammarParser, *, temporary: bool) -> CreateTable:
    exists = p.word("IF", "NOT", "EXISTS")
    name = p.relation()
    if name.name.startswith("#"):
        name, temporary = Name(name.name, name.schema), True
    if p.peek == "(" and column_list_follows(p):
        return defined_table(p, name, temporary=temporary, exists=exists)
    columns = p.names() if p.peek == "(" else ()
    attributes = table_attributes(p)
    p.expect("AS")
    return CreateTable(
        name=name,
        query=p.query_here(),
        column_names=columns,
        attributes=attributes,
        temporary=temporary,
        if_not_exists=exists,
        tag="SELECT",
    )


def column_list_follows(p: GrammarParser) -> bool:
    """Whether the parenthesis opens definitions, not the bare names of a CREATE TABLE … AS."""
    here = p.position
    p.skip()
    if not p.at("LIKE"):
        p.skip()
    bare = p.peek in (",", ")")
    p.back_to(here)
    return not bare


def defined_table(p: GrammarParser, name: Name, *, temporary: bool, exists: bool) -> CreateTable:
    columns: list[ColumnDefinition] = []
    constraints: list[Constraint] = []
    like, defaults = None, False
    p.expect_symbol("(")
    while True:
        if p.word("LIKE"):
            like = p.relation()
            defaults = p.word("INCLUDING", "DEFAULTS")
            p.word("EXCLUDING", "DEFAULTS")
        elif p.peek in ("PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT") or p.at("PRIMARY", "KEY") or p.at("FOREIGN", "KEY"):
            constraints.append(table_constraint(p))
        else:
            column, own = column_definition(p)
            columns.append(column)
            constraints.extend(own)
        if not p.symbol(","):
            break
    p.expect_symbol(")")
    attributes = with_column_keys(table_attributes(p), columns)
    return CreateTable(
        name=name,
        columns=tuple(columns),
        constraints=tuple(constraints),
        attributes=attributes,
        temporary=temporary,
        if_not_exists=exists,
        like=like,
        like_defaults=defaults,
    )


def with_column_keys(attributes: TableAttributes, columns: list[ColumnDefinition]) -> TableAttributes:
    """The table's keys, also where they were said at a column."""
    distkey = attributes.distkey or next((column.name for column in columns if column.distkey), None)
    sortkeys = attributes.sortkeys or tuple(column.name for column in columns if column.sortkey)
    return TableAttributes(
        diststyle=attributes.diststyle or ("KEY" if distkey else None),
        distkey=distkey,
        sortkeys=sortkeys,
        interleaved=attributes.interleaved,
        backup=attributes.backup,
    )


def column_definition(p: GrammarParser) -> tuple[ColumnDefinition, list[Constraint]]:
    name = p.identifier()
    kind = p.sql_type()
    found: dict[str, Any] = {}
    constraints: list[Constraint] = []
    while not p.ended and p.peek not in (",", ")"):
        if not column_attribute(p, found):
            constraints.append(column_constraint(p, name))
    if any(constraint.kind == "p" for constraint in constraints) or found.get("identity"):
        found["not_null"] = True
    return ColumnDefinition(name=name, type=kind, **found), constraints


def column_attribute(p: GrammarParser, found: dict[str, Any]) -> bool:
    """Read one attribute that is no constraint with columns; False where none stands."""
    for word, name in (("DISTKEY", "distkey"), ("SORTKEY", "sortkey")):
        if p.word(word):
            found[name] = True
            return True
    if p.word("NOT", "NULL"):
        found["not_null"] = True
    elif p.word("NULL"):
        found["not_null"] = False
    elif p.word("DEFAULT"):
        first = p.position
        found["default"] = p.expression_here()
        found["default_text"] = p.text_between(first, p.position)
    elif p.word("IDENTITY"):
        found["identity"] = identity(p)
    elif p.word("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"):
        found["identity"], found["identity_by_default"] = identity(p), True
    elif p.word("ENCODE"):
        found["encoding"] = p.identifier()
    else:
        return p.word("COLLATE") and collation(p)
    return True


def collation(p: GrammarParser) -> bool:
    if p.identifier() not in ("case_sensitive", "cs"):
        raise p.unsupported("COLLATE CASE_INSENSITIVE")
    return True


def identity(p: GrammarParser) -> tuple[int, int]:
    if not p.symbol("("):
        return 1, 1
    seed = p.number()
    p.expect_symbol(",")
    step = p.number()
    p.expect_symbol(")")
    return seed, step


def column_constraint(p: GrammarParser, column: str) -> Constraint:
    name = p.identifier() if p.word("CONSTRAINT") else None
    if p.word("PRIMARY", "KEY"):
        return Constraint(kind="p", columns=(column,), name=name)
    if p.word("UNIQUE"):
        p.word("KEY")
        return Constraint(kind="u", columns=(column,), name=name)
    p.expect("REFERENCES")
    table = p.relation()
    referenced = p.names() if p.peek == "(" else ()
    return Constraint(kind="f", columns=(column,), name=name, references=table, referenced_columns=referenced)


def table_constraint(p: GrammarParser) -> Constraint:
    name = p.identifier() if p.word("CONSTRAINT") else None
    if p.word("PRIMARY", "KEY"):
        return Constraint(kind="p", columns=p.names(), name=name)
    if p.word("UNIQUE"):
        return Constraint(kind="u", columns=p.names(), name=name)
    p.expect("FOREIGN", "KEY")
    columns = p.names()
    p.expect("REFERENCES")
    table = p.relation()
    referenced = p.names() if p.peek == "(" else ()
    return Constraint(kind="f", columns=columns, name=name, references=table, referenced_columns=referenced)


def table_attributes(p: GrammarParser) -> TableAttributes:
    found: dict[str, Any] = {}
    while not p.ended:
        if p.word("DISTSTYLE"):
            found["diststyle"] = diststyle(p)
        elif p.word("DISTKEY"):
            found["distkey"] = p.names()[0]
        elif p.peek in ("COMPOUND", "INTERLEAVED", "SORTKEY"):
            found["interleaved"] = p.word("INTERLEAVED")
            p.word("COMPOUND")
            p.expect("SORTKEY")
            found["sortkeys"] = () if p.word("AUTO") else p.names()
        elif p.word("BACKUP"):
            found["backup"] = p.word("YES") or not p.word("NO")
        elif p.word("ENCODE"):
            p.expect("AUTO")
        else:
            break
    if "distkey" in found:
        found.setdefault("diststyle", "KEY")
    return TableAttributes(**found)


def diststyle(p: GrammarParser) -> str:
    for style in ("EVEN", "KEY", "ALL", "AUTO"):
        if p.word(style):
            return style
    p.raise_error("a distribution style is expected")
    return ""


def alter(p: GrammarParser) -> Parsed:
    if p.word("SCHEMA"):
        schema = p.identifier()
        if p.word("RENAME", "TO"):
            return RenameSchema(name=schema, to=p.identifier())
        raise p.unsupported(f"ALTER SCHEMA {p.peek}")
    if not p.word("TABLE"):
        raise p.unsupported(f"ALTER {p.peek}")
    name = p.relation()
    for word, rule in ALTERATIONS.items():
        if p.word(word):
            return rule(p, name)
    raise p.unsupported(f"ALTER TABLE {p.peek}")


def alter_add(p: GrammarParser, name: Name) -> Parsed:
    if p.at("PARTITION") or p.at("IF", "NOT", "EXISTS"):
        return add_partitions(p, name)
    if p.peek.split(" ")[0] in ("PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT"):
        return AddConstraint(name=name, constraint=table_constraint(p))
    p.word("COLUMN")
    column, constraints = column_definition(p)
    if constraints or column.identity:
        raise p.unsupported("ALTER TABLE ADD COLUMN with a key or an identity")
    return AddColumn(name=name, column=column)


def alter_drop(p: GrammarParser, name: Name) -> Parsed:
    if p.word("PARTITION"):
        return drop_partition(p, name)
    if p.word("CONSTRAINT"):
        constraint = p.identifier()
        p.word("CASCADE") or p.word("RESTRICT")
        return DropConstraint(name=name, constraint=constraint)
    p.word("COLUMN")
    column = p.identifier()
    cascade = p.word("CASCADE")
    p.word("RESTRICT")
    return DropColumn(name=name, column=column, cascade=cascade)


def alter_rename(p: GrammarParser, name: Name) -> Parsed:
    if p.word("TO"):
        return RenameRelation(name=name, to=p.identifier())
    p.word("COLUMN")
    column = p.identifier()
    p.expect("TO")
    return RenameColumn(name=name, column=column, to=p.identifier())


def alter_alter(p: GrammarParser, name: Name) -> Parsed:
    if p.peek in ("DISTKEY", "DISTSTYLE", "SORTKEY", "COMPOUND", "INTERLEAVED"):
        if p.word("DISTKEY"):
            return AlterAttributes(name=name, attributes=TableAttributes(diststyle="KEY", distkey=p.identifier()))
        attributes = table_attributes_altered(p)
        return AlterAttributes(name=name, attributes=attributes)
    p.word("COLUMN")
    column = p.identifier()
    if p.word("TYPE"):
        return AlterColumnType(name=name, column=column, type=p.sql_type())
    p.expect("ENCODE")
    return AlterAttributes(name=name, attributes=TableAttributes(), encodings=((column, p.identifier()),))


def table_attributes_altered(p: GrammarParser) -> TableAttributes:
    """As in CREATE TABLE, but `DISTSTYLE KEY DISTKEY c` names its column without parentheses."""
    if p.word("DISTSTYLE"):
        style = diststyle(p)
        column = p.identifier() if style == "KEY" and p.word("DISTKEY") else None
        return TableAttributes(diststyle=style, distkey=column)  # type: ignore[arg-type]  # one of the four
    return table_attributes(p)


def alter_owner(p: GrammarParser, name: Name) -> Parsed:
    p.expect("TO")
    return ChangeOwner(name=name, owner=p.identifier())


def alter_append(p: GrammarParser, _name: Name) -> Parsed:
    raise p.unsupported("ALTER TABLE APPEND")


ALTERATIONS: Final[dict[str, Callable[[GrammarParser, Name], Parsed]]] = {
    "ADD": alter_add,
    "DROP": alter_drop,
    "RENAME": alter_rename,
    "ALTER": alter_alter,
    "OWNER": alter_owner,
    "APPEND": alter_append,
}


def drop(p: GrammarParser) -> Parsed:
    if p.word("SCHEMA"):
        exists = p.word("IF", "EXISTS")
        names = p.listed(p.identifier)
        external = p.word("DROP", "EXTERNAL", "DATABASE")
        cascade = p.word("CASCADE")
        p.word("RESTRICT")
        return DropSchema(names=names, if_exists=exists, cascade=cascade, drops_external_database=external)
    if not (p.at("TABLE") or p.at("VIEW")):
        raise p.unsupported(f"DROP {p.peek}")
    kind = p.identifier()
    exists = p.word("IF", "EXISTS")
    relations = p.listed(p.relation)
    cascade = p.word("CASCADE")
    p.word("RESTRICT")
    return Drop(kind="table" if kind == "table" else "view", names=relations, if_exists=exists, cascade=cascade)


def truncate(p: GrammarParser) -> Truncate:
    p.word("TABLE")
    return Truncate(name=p.relation())


def vacuum(p: GrammarParser) -> Maintain:
    for words in (("FULL",), ("SORT", "ONLY"), ("DELETE", "ONLY"), ("REINDEX",), ("RECLUSTER",)):
        if p.word(*words):
            break
    name = None if p.ended or p.at("TO") else p.relation()
    if p.word("TO"):
        p.number()
        p.expect("PERCENT")
    p.word("BOOST")
    return Maintain(verb="VACUUM", name=name)


def analyze(p: GrammarParser) -> Maintain:
    if p.at("COMPRESSION"):
        raise p.unsupported("ANALYZE COMPRESSION")
    p.word("VERBOSE")
    if p.ended or p.word("PREDICATE", "COLUMNS") or p.word("ALL", "COLUMNS"):
        return Maintain(verb="ANALYZE")
    name = p.relation()
    if p.peek == "(":
        p.names()
    p.word("PREDICATE", "COLUMNS") or p.word("ALL", "COLUMNS")
    return Maintain(verb="ANALYZE", name=name)


RULES: Final[dict[str, Callable[[GrammarParser], Parsed]]] = {
    "CREATE": create,
    "ALTER": alter,
    "DROP": drop,
    "TRUNCATE": truncate,
    "VACUUM": vacuum,
    "ANALYZE": analyze,
    "ANALYSE": analyze,
}
