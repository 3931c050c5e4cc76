"""A Redshift cluster as a program of its own: Redshift's SQL on DuckDB, behind the PostgreSQL wire."""
