-- What the session fills from the data catalog before a query looks there.
CREATE OR REPLACE TEMP TABLE hw_tables (schemaname VARCHAR, tablename VARCHAR, location VARCHAR, input_format VARCHAR, output_format VARCHAR,
  serialization_lib VARCHAR, serde_parameters VARCHAR, compressed INTEGER, parameters VARCHAR, tabletype VARCHAR);
CREATE OR REPLACE TEMP TABLE hw_columns (schemaname VARCHAR, tablename VARCHAR, columnname VARCHAR, external_type VARCHAR, columnnum INTEGER, part_key INTEGER,
  data_type VARCHAR, length INTEGER, precision INTEGER, scale INTEGER);
CREATE OR REPLACE TEMP TABLE hw_partitions (schemaname VARCHAR, tablename VARCHAR, "values" VARCHAR, location VARCHAR, input_format VARCHAR, output_format VARCHAR,
  serialization_lib VARCHAR, serde_parameters VARCHAR, compressed INTEGER, parameters VARCHAR);
