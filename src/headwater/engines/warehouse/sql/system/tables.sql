-- What the views stand on that is not kept in the file: types, settings, users' names, and the log of queries since the start.
CREATE TABLE memory.main.types (oid BIGINT, name VARCHAR, formatted VARCHAR, length INTEGER, category VARCHAR, element BIGINT, array_oid BIGINT);
CREATE TABLE memory.main.settings (name VARCHAR, value VARCHAR);
CREATE TABLE memory.main.users (id INTEGER, name VARCHAR, super BOOLEAN);
CREATE TABLE memory.main.sessions (pid INTEGER, user_name VARCHAR, db_name VARCHAR, began TIMESTAMP);
CREATE TABLE memory.main.queries (query INTEGER, pid INTEGER, text VARCHAR, starttime TIMESTAMP, endtime TIMESTAMP, aborted INTEGER);
CREATE TABLE memory.main.s3_queries (query INTEGER, pid INTEGER, table_name VARCHAR, format VARCHAR, files BIGINT, bytes BIGINT, partitions BIGINT, starttime TIMESTAMP, endtime TIMESTAMP);
CREATE TABLE memory.main.system_views (oid BIGINT, schema VARCHAR, name VARCHAR, columns INTEGER);
CREATE TABLE memory.main.system_columns (relation BIGINT, number INTEGER, name VARCHAR, oid BIGINT, typmod INTEGER, typlen INTEGER);
CREATE SCHEMA memory.pg;
CREATE SCHEMA memory.info;
