"""Redshift's SQL on DuckDB: what a statement means, and nothing of how it arrived.

`session.py` is the face: a `Database` (one DuckDB file) gives `Session`s, a session runs statements. The lake (S3 and the
data catalog) is asked through the `Lake` protocol, so that nothing here knows AWS's APIs.
"""
