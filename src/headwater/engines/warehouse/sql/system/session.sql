-- What a session is asked about itself. The session sets the variables.
CREATE MACRO hw_version() AS 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.77467';
CREATE MACRO hw_current_user() AS getvariable('hw_user')::VARCHAR;
CREATE MACRO hw_current_user_id() AS 100;
CREATE MACRO hw_current_database() AS getvariable('hw_database')::VARCHAR;
CREATE MACRO hw_backend_pid() AS getvariable('hw_pid')::INTEGER;
CREATE MACRO hw_current_schemas(implicit) AS CASE WHEN implicit THEN list_prepend('pg_catalog', getvariable('hw_path')::VARCHAR[])
  ELSE getvariable('hw_path')::VARCHAR[] END;
CREATE MACRO hw_current_schema() AS (getvariable('hw_path')::VARCHAR[])[1];
CREATE MACRO hw_last_copy_count() AS getvariable('hw_copied')::BIGINT;
CREATE MACRO hw_last_query_id() AS getvariable('hw_query')::INTEGER;
CREATE MACRO hw_current_setting(n) AS (SELECT setting FROM memory.pg.pg_settings AS hw_s WHERE hw_s.name = lower(n)), (n, missing_ok) AS (SELECT setting FROM memory.pg.pg_settings AS hw_s WHERE hw_s.name = lower(n));
CREATE MACRO hw_server_address() AS '127.0.0.1';
CREATE MACRO hw_server_port() AS 5439;
CREATE MACRO hw_true(a) AS TRUE, (a, b) AS TRUE, (a, b, c) AS TRUE;
CREATE MACRO hw_false() AS FALSE;
CREATE MACRO hw_null_text(a, b) AS NULL::VARCHAR;
CREATE MACRO hw_encoding(n) AS 'UTF8';
CREATE MACRO hw_get_expr(e, r) AS e, (e, r, pretty) AS e;
CREATE MACRO hw_get_userbyid(o) AS (SELECT hw_u.usename FROM memory.pg.pg_user AS hw_u WHERE hw_u.usesysid = o);
CREATE MACRO hw_indexdef(o) AS (SELECT 'CREATE UNIQUE INDEX ' || hw_k.name || ' ON ' || hw_r.schema || '.' || hw_r.name || ' USING btree (' || array_to_string(hw_k.columns, ', ') || ')'
  FROM wh._headwater.constraints AS hw_k JOIN wh._headwater.relations AS hw_r ON hw_r.oid = hw_k.relation WHERE hw_k.oid = o);
CREATE MACRO hw_get_indexdef(o) AS hw_indexdef(o), (o, n, pretty) AS CASE WHEN n = 0 THEN hw_indexdef(o) ELSE (SELECT hw_k.columns[n] FROM wh._headwater.constraints AS hw_k WHERE hw_k.oid = o) END;
CREATE MACRO hw_array(v) AS CASE WHEN v::VARCHAR LIKE '{%' THEN string_split(trim(v::VARCHAR, '{}'), ',') ELSE [v::VARCHAR] END;
CREATE MACRO hw_array_text(v) AS '{' || array_to_string(v, ',') || '}';
CREATE MACRO hw_array_upper(v, n) AS nullif(len(v), 0)::INTEGER;
CREATE MACRO hw_array_lower(v, n) AS CASE WHEN len(v) > 0 THEN 1 END;
CREATE MACRO hw_quote_ident(v) AS CASE WHEN regexp_full_match(v, '[a-z_][a-z0-9_$]*') THEN v ELSE '"' || replace(v, '"', '""') || '"' END;
CREATE MACRO hw_quote_literal(v) AS '''' || replace(v, '''', '''''') || '''';
CREATE MACRO hw_size_pretty(n) AS CASE WHEN n < 10240 THEN n || ' bytes' WHEN n < 10485760 THEN (n // 1024) || ' kB' ELSE (n // 1048576) || ' MB' END;
CREATE MACRO hw_format_type(type_oid, modifier) AS (SELECT CASE
    WHEN hw_t.oid IS NULL THEN '???'
    WHEN modifier IS NULL OR modifier < 4 THEN hw_t.formatted
    WHEN hw_t.oid = 1700 THEN 'numeric(' || ((modifier - 4) >> 16) || ',' || ((modifier - 4) & 65535) || ')'
    WHEN hw_t.oid IN (1042, 1043, 6551) THEN hw_t.formatted || '(' || (modifier - 4) || ')'
    ELSE hw_t.formatted END
  FROM (SELECT type_oid AS wanted) AS hw_w LEFT JOIN memory.main.types AS hw_t ON hw_t.oid = hw_w.wanted);
CREATE MACRO hw_table_is_visible(o) AS coalesce((SELECT list_contains(getvariable('hw_path')::VARCHAR[], hw_c.nspname) OR hw_c.nspname = 'pg_catalog'
  FROM (SELECT hw_k.oid, hw_n.nspname FROM memory.pg.pg_class AS hw_k JOIN memory.pg.pg_namespace AS hw_n ON hw_n.oid = hw_k.relnamespace) AS hw_c WHERE hw_c.oid = o), FALSE);
CREATE MACRO hw_relation_size(o) AS (SELECT (hw_s.estimated_size * 64)::BIGINT FROM wh._headwater.relations AS hw_r
  JOIN duckdb_tables() AS hw_s ON hw_s.database_name = 'wh' AND hw_s.schema_name = hw_r.schema AND hw_s.table_name = hw_r.name WHERE hw_r.oid = o), (o, fork) AS 0::BIGINT;
CREATE MACRO hw_get_viewdef(o) AS (SELECT hw_r.definition FROM wh._headwater.relations AS hw_r WHERE hw_r.oid = o), (o, pretty) AS (SELECT hw_r.definition FROM wh._headwater.relations AS hw_r WHERE hw_r.oid = o);
CREATE MACRO hw_get_constraintdef(o) AS (SELECT hw_k.definition FROM memory.pg.pg_constraint AS hw_k WHERE hw_k.oid = o), (o, pretty) AS (SELECT hw_k.definition FROM memory.pg.pg_constraint AS hw_k WHERE hw_k.oid = o);
CREATE MACRO hw_obj_description(o) AS (SELECT any_value(hw_d.text) FROM wh._headwater.comments AS hw_d WHERE hw_d.oid = o AND hw_d.number = 0),
  (o, kind) AS (SELECT any_value(hw_d.text) FROM wh._headwater.comments AS hw_d WHERE hw_d.oid = o AND hw_d.number = 0);
CREATE MACRO hw_col_description(o, n) AS (SELECT any_value(hw_d.text) FROM wh._headwater.comments AS hw_d WHERE hw_d.oid = o AND hw_d.number = n);
-- 'schema.table', 'table' or a number, as the OID of a relation
CREATE MACRO hw_regclass(n) AS CASE WHEN regexp_full_match(n, '[0-9]+') THEN n::BIGINT ELSE
  coalesce((SELECT min(hw_c.oid) FROM memory.pg.pg_class AS hw_c JOIN memory.pg.pg_namespace AS hw_s ON hw_s.oid = hw_c.relnamespace
    WHERE hw_c.relname = lower(trim(split_part('.' || n, '.', -1), '"'))
      AND CASE WHEN contains(n, '.') THEN hw_s.nspname = lower(trim(split_part(n, '.', 1), '"'))
          ELSE hw_s.nspname = 'pg_catalog' OR list_contains(getvariable('hw_path')::VARCHAR[], hw_s.nspname) END),
    error('42P01:relation "' || n || '" does not exist')) END;
-- Rights: the owner and superusers have all, others what they were granted. getvariable('hw_super') says whether the session's user is one.
CREATE MACRO hw_granted(who, what, object_kind, wanted) AS getvariable('hw_super')::BOOLEAN OR EXISTS (
  SELECT 1 FROM wh._headwater.privileges AS hw_p WHERE hw_p.kind = object_kind AND hw_p.oid = what AND hw_p.grantee IN (who, 'public')
    AND list_contains(list_transform(string_split(upper(wanted), ','), hw_w -> trim(hw_w)), hw_p.privilege));
CREATE MACRO hw_has_table_privilege(t, wanted) AS hw_granted(getvariable('hw_user')::VARCHAR, hw_regclass(t::VARCHAR), 'table', wanted),
  (who, t, wanted) AS hw_granted(who::VARCHAR, hw_regclass(t::VARCHAR), 'table', wanted);
CREATE MACRO hw_schema_oid(n) AS CASE WHEN regexp_full_match(n, '[0-9]+') THEN n::BIGINT ELSE
  (SELECT min(hw_s.oid) FROM memory.pg.pg_namespace AS hw_s WHERE hw_s.nspname = lower(n)) END;
CREATE MACRO hw_has_schema_privilege(s, wanted) AS hw_granted(getvariable('hw_user')::VARCHAR, hw_schema_oid(s::VARCHAR), 'schema', wanted)
    OR (upper(wanted) = 'USAGE' AND s::VARCHAR IN ('public', 'pg_catalog', 'information_schema', '2200', '11')),
  (who, s, wanted) AS hw_granted(who::VARCHAR, hw_schema_oid(s::VARCHAR), 'schema', wanted);
CREATE MACRO hw_has_database_privilege(d, wanted) AS TRUE, (who, d, wanted) AS TRUE;
CREATE MACRO hw_has_column_privilege(t, c, wanted) AS hw_has_table_privilege(t, wanted), (who, t, c, wanted) AS hw_has_table_privilege(who, t, wanted);
CREATE MACRO hw_regtype(type_oid) AS hw_format_type(type_oid, NULL);
CREATE MACRO hw_null_text_of(a) AS NULL::VARCHAR;
CREATE MACRO hw_database_size(d) AS (SELECT sum(hw_t.estimated_size * 64)::BIGINT FROM duckdb_tables() AS hw_t WHERE hw_t.database_name = 'wh');
