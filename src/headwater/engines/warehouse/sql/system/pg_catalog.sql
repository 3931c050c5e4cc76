-- PostgreSQL's catalog as psql, the drivers and BI tools ask it, over our own in wh._headwater.
CREATE VIEW pg.pg_user AS SELECT u.name AS usename, u.id::INTEGER AS usesysid, TRUE AS usecreatedb, u.super AS usesuper, FALSE AS usecatupd,
  '********' AS passwd, NULL::TIMESTAMP AS valuntil, NULL::VARCHAR AS useconfig FROM memory.main.users AS u;
CREATE VIEW pg.pg_user_info AS SELECT *, 'UNLIMITED' AS useconnlimit FROM pg.pg_user;
CREATE VIEW pg.svl_user_info AS SELECT usename, usesysid, usecreatedb, usesuper, usecatupd, 'UNLIMITED' AS useconnlimit FROM pg.pg_user;
CREATE VIEW pg.svv_user_info AS SELECT usesysid AS user_id, usename AS user_name, usecreatedb AS createdb, usesuper AS superuser, usecatupd AS catalog_update FROM pg.pg_user;
CREATE VIEW pg.pg_shadow AS SELECT * FROM pg.pg_user;
CREATE VIEW pg.pg_group AS SELECT '' AS groname, 0 AS grosysid, NULL::INTEGER[] AS grolist WHERE FALSE;
CREATE VIEW pg.pg_roles AS SELECT usename AS rolname, usesuper AS rolsuper, TRUE AS rolinherit, FALSE AS rolcreaterole, usecreatedb AS rolcreatedb,
  TRUE AS rolcanlogin, FALSE AS rolreplication, -1 AS rolconnlimit, '********' AS rolpassword, valuntil AS rolvaliduntil, FALSE AS rolbypassrls, NULL::VARCHAR[] AS rolconfig, usesysid::BIGINT AS oid FROM pg.pg_user;
CREATE VIEW pg.pg_auth_members AS SELECT 0::BIGINT AS roleid, 0::BIGINT AS member, 0::BIGINT AS grantor, FALSE AS admin_option WHERE FALSE;
CREATE VIEW pg.pg_database AS SELECT 100001::BIGINT AS oid, getvariable('hw_database')::VARCHAR AS datname, 100 AS datdba, 6 AS encoding, FALSE AS datistemplate,
  TRUE AS datallowconn, 0::BIGINT AS datlastsysoid, 0 AS datvacuumxid, 0 AS datfrozenxid, 1663::BIGINT AS dattablespace, NULL::VARCHAR AS datconfig, NULL::VARCHAR[] AS datacl,
  'C' AS datcollate, 'C' AS datctype, -1 AS datconnlimit;
CREATE VIEW pg.svv_redshift_databases AS SELECT datname AS database_name, datdba AS database_owner, 'local' AS database_type, NULL::VARCHAR AS database_acl, NULL::VARCHAR AS database_options FROM pg.pg_database;
CREATE VIEW pg.svv_all_databases AS SELECT * FROM pg.svv_redshift_databases;
CREATE VIEW pg.pg_database_info AS SELECT *, oid AS datid FROM pg.pg_database;
CREATE VIEW pg.pg_tablespace AS SELECT 1663::BIGINT AS oid, 'pg_default' AS spcname, 1 AS spcowner, '' AS spclocation, NULL::VARCHAR[] AS spcacl;
CREATE VIEW pg.pg_namespace AS
  SELECT s.oid, s.name AS nspname, coalesce(u.usesysid, 100) AS nspowner, NULL::VARCHAR[] AS nspacl FROM wh._headwater.schemas AS s LEFT JOIN pg.pg_user AS u ON u.usename = s.owner
  UNION ALL SELECT 11, 'pg_catalog', 1, NULL UNION ALL SELECT 10000, 'information_schema', 1, NULL;
CREATE VIEW pg.pg_class AS
  SELECT r.oid, r.name AS relname, n.oid AS relnamespace, 0::BIGINT AS reltype, 0::BIGINT AS reloftype, coalesce(u.usesysid, 100) AS relowner, 0::BIGINT AS relam,
    r.oid AS relfilenode, 0::BIGINT AS reltablespace, 1 AS relpages, coalesce(t.estimated_size, 0)::REAL AS reltuples, 0::BIGINT AS reltoastrelid,
    EXISTS (SELECT 1 FROM wh._headwater.constraints AS k WHERE k.relation = r.oid AND k.kind IN ('p', 'u')) AS relhasindex, FALSE AS relisshared, CASE WHEN r.kind = 'r' THEN 'r' ELSE 'v' END AS relkind, 'p' AS relpersistence,
    (SELECT count(*) FROM wh._headwater.columns AS c WHERE c.relation = r.oid)::SMALLINT AS relnatts, 0::SMALLINT AS relchecks, FALSE AS relhasoids,
    EXISTS (SELECT 1 FROM wh._headwater.constraints AS k WHERE k.relation = r.oid AND k.kind = 'p') AS relhaspkey,
    r.kind <> 'r' AS relhasrules, FALSE AS relhastriggers, FALSE AS relhassubclass, FALSE AS relrowsecurity, FALSE AS relforcerowsecurity,
    FALSE AS relispartition, 'd' AS relreplident, NULL::VARCHAR[] AS reloptions,
    (SELECT list(CASE a.grantee WHEN 'public' THEN '' ELSE a.grantee END || '=' || a.letters || '/' || a.grantor ORDER BY a.grantee) FROM (
      SELECT p.grantee, any_value(p.grantor) AS grantor, string_agg(CASE p.privilege WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'w'
        WHEN 'DELETE' THEN 'd' WHEN 'RULE' THEN 'R' WHEN 'REFERENCES' THEN 'x' WHEN 'TRIGGER' THEN 't' WHEN 'DROP' THEN 'D' WHEN 'ALTER' THEN 'A' ELSE 'T' END, '' ORDER BY p.privilege) AS letters
      FROM wh._headwater.privileges AS p WHERE p.kind = 'table' AND p.oid = r.oid GROUP BY p.grantee) AS a) AS relacl,
    CASE r.diststyle WHEN 'EVEN' THEN 0 WHEN 'KEY' THEN 1 WHEN 'ALL' THEN 8 ELSE 9 END::SMALLINT AS reldiststyle, r.created AS relcreationtime
  FROM wh._headwater.relations AS r JOIN wh._headwater.schemas AS n ON n.name = r.schema
    LEFT JOIN pg.pg_user AS u ON u.usename = r.owner
    LEFT JOIN duckdb_tables() AS t ON t.database_name = 'wh' AND t.schema_name = r.schema AND t.table_name = r.name AND r.kind = 'r'
  UNION ALL
  SELECT k.oid, k.name, n.oid, 0, 0, coalesce(u.usesysid, 100), 403, k.oid, 0, 1, 0, 0, FALSE, FALSE, 'i', 'p', len(k.columns)::SMALLINT, 0, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE,
    FALSE, FALSE, 'n', NULL, NULL, 0, NULL
  FROM wh._headwater.constraints AS k JOIN wh._headwater.relations AS r ON r.oid = k.relation JOIN wh._headwater.schemas AS n ON n.name = r.schema LEFT JOIN pg.pg_user AS u ON u.usename = r.owner WHERE k.kind IN ('p', 'u')
  UNION ALL
  SELECT v.oid, v.name, CASE v.schema WHEN 'pg' THEN 11 ELSE 10000 END, 0, 0, 1, 0, v.oid, 0, 1, 0, 0, FALSE, FALSE, 'v', 'p', v.columns::SMALLINT, 0, FALSE, FALSE, TRUE, FALSE, FALSE, FALSE,
    FALSE, FALSE, 'd', NULL, NULL, 0, NULL FROM memory.main.system_views AS v;
CREATE VIEW pg.pg_class_info AS SELECT *, reldiststyle AS releffectivediststyle FROM pg.pg_class;
CREATE VIEW pg.pg_attribute AS
  SELECT c.relation AS attrelid, c.name AS attname, c.oid::BIGINT AS atttypid, -1 AS attstattarget, c.typlen::SMALLINT AS attlen, c.number::SMALLINT AS attnum, 0 AS attndims, -1 AS attcacheoff,
    c.typmod AS atttypmod, FALSE AS attbyval, 'p' AS attstorage, 'i' AS attalign, c.not_null AS attnotnull, c.default_sql IS NOT NULL OR c.identity_seed IS NOT NULL AS atthasdef, FALSE AS attisdropped, TRUE AS attislocal,
    0 AS attinhcount, '' AS attidentity, '' AS attgenerated, 0::BIGINT AS attcollation, NULL::VARCHAR[] AS attacl, NULL::VARCHAR[] AS attoptions, NULL::VARCHAR[] AS attfdwoptions,
    coalesce(r.distkey = c.name, FALSE) AS attisdistkey, list_position(r.sortkeys, c.name) * CASE WHEN r.interleaved AND list_position(r.sortkeys, c.name) % 2 = 0 THEN -1 ELSE 1 END AS attsortkeyord,
    CASE WHEN c.encoding IS NULL OR c.encoding = 'raw' THEN 0 ELSE 1 END::SMALLINT AS attencodingtype
  FROM wh._headwater.columns AS c JOIN wh._headwater.relations AS r ON r.oid = c.relation
  UNION ALL
  SELECT k.oid, c.name, c.oid::BIGINT, -1, c.typlen::SMALLINT, list_position(k.columns, c.name)::SMALLINT, 0, -1, c.typmod, FALSE, 'p', 'i', FALSE, FALSE, FALSE, TRUE, 0, '', '', 0, NULL, NULL, NULL, FALSE, 0, 0
  FROM wh._headwater.constraints AS k JOIN wh._headwater.columns AS c ON c.relation = k.relation AND list_contains(k.columns, c.name) WHERE k.kind IN ('p', 'u')
  UNION ALL
  SELECT s.relation, s.name, s.oid, -1, s.typlen::SMALLINT, s.number::SMALLINT, 0, -1, s.typmod, FALSE, 'p', 'i', FALSE, FALSE, FALSE, TRUE, 0, '', '', 0, NULL, NULL, NULL, FALSE, 0, 0 FROM memory.main.system_columns AS s;
CREATE VIEW pg.pg_attribute_info AS SELECT *, coalesce(attsortkeyord, 0) AS attsortkey FROM pg.pg_attribute;
CREATE VIEW pg.pg_attrdef AS SELECT c.relation AS adrelid, c.number::SMALLINT AS adnum,
  coalesce(c.default_sql, '"identity"(' || c.relation || ', ' || (c.number - 1) || ', ''' || c.identity_seed || ',' || c.identity_step || '''::text)') AS adbin,
  coalesce(c.default_sql, '"identity"(' || c.relation || ', ' || (c.number - 1) || ', ''' || c.identity_seed || ',' || c.identity_step || '''::text)') AS adsrc, c.relation * 10000 + c.number AS oid
  FROM wh._headwater.columns AS c WHERE c.default_sql IS NOT NULL OR c.identity_seed IS NOT NULL;
CREATE VIEW pg.pg_type AS SELECT t.oid::BIGINT AS oid, t.name AS typname, 11::BIGINT AS typnamespace, 1 AS typowner, t.length::SMALLINT AS typlen, FALSE AS typbyval,
  'b' AS typtype, t.category AS typcategory, TRUE AS typisdefined, ',' AS typdelim, 0::BIGINT AS typrelid, t.element::BIGINT AS typelem, t.array_oid::BIGINT AS typarray,
  t.name || 'in' AS typinput, t.name || 'out' AS typoutput, t.name || 'recv' AS typreceive, t.name || 'send' AS typsend, FALSE AS typnotnull, 0::BIGINT AS typbasetype,
  -1 AS typtypmod, 0 AS typndims, 0::BIGINT AS typcollation, NULL::VARCHAR AS typdefault FROM memory.main.types AS t;
CREATE VIEW pg.pg_index AS SELECT k.oid AS indexrelid, k.relation AS indrelid, len(k.columns)::SMALLINT AS indnatts, TRUE AS indisunique, k.kind = 'p' AS indisprimary, FALSE AS indisclustered, TRUE AS indisvalid,
  FALSE AS indisexclusion, TRUE AS indimmediate, TRUE AS indisready, FALSE AS indisreplident,
  (SELECT list(c.number::SMALLINT ORDER BY list_position(k.columns, c.name)) FROM wh._headwater.columns AS c WHERE c.relation = k.relation AND list_contains(k.columns, c.name)) AS indkey,
  NULL::SMALLINT[] AS indclass, NULL::SMALLINT[] AS indoption, NULL::VARCHAR AS indexprs, NULL::VARCHAR AS indpred FROM wh._headwater.constraints AS k WHERE k.kind IN ('p', 'u');
CREATE VIEW pg.pg_indexes AS SELECT '' AS schemaname, '' AS tablename, '' AS indexname, '' AS tablespace, '' AS indexdef WHERE FALSE;
CREATE VIEW pg.pg_constraint AS
  SELECT k.oid, k.name AS conname, n.oid AS connamespace, k.kind AS contype, FALSE AS condeferrable, FALSE AS condeferred, TRUE AS convalidated, k.relation AS conrelid, 0::BIGINT AS contypid, CASE WHEN k.kind IN ('p', 'u') THEN k.oid ELSE 0 END AS conindid, 0::BIGINT AS conparentid, TRUE AS conislocal, 0 AS coninhcount, TRUE AS connoinherit,
    coalesce(k.target, 0) AS confrelid, 'a' AS confupdtype, 'a' AS confdeltype, 's' AS confmatchtype,
    (SELECT list(c.number::SMALLINT ORDER BY list_position(k.columns, c.name)) FROM wh._headwater.columns AS c WHERE c.relation = k.relation AND list_contains(k.columns, c.name)) AS conkey,
    (SELECT list(c.number::SMALLINT ORDER BY list_position(k.target_columns, c.name)) FROM wh._headwater.columns AS c WHERE c.relation = k.target AND list_contains(k.target_columns, c.name)) AS confkey,
    NULL::VARCHAR AS conbin, NULL::VARCHAR AS consrc,
    CASE k.kind WHEN 'p' THEN 'PRIMARY KEY (' WHEN 'u' THEN 'UNIQUE (' ELSE 'FOREIGN KEY (' END || array_to_string(k.columns, ', ') || ')' ||
      CASE WHEN k.kind = 'f' THEN ' REFERENCES ' || coalesce(t.name, '') || '(' || array_to_string(k.target_columns, ', ') || ')' ELSE '' END AS definition
  FROM wh._headwater.constraints AS k JOIN wh._headwater.relations AS r ON r.oid = k.relation JOIN wh._headwater.schemas AS n ON n.name = r.schema LEFT JOIN wh._headwater.relations AS t ON t.oid = k.target;
CREATE VIEW pg.pg_description AS SELECT oid AS objoid, 1259::BIGINT AS classoid, number AS objsubid, text AS description FROM wh._headwater.comments;
CREATE VIEW pg.pg_shdescription AS SELECT 0::BIGINT AS objoid, 0::BIGINT AS classoid, '' AS description WHERE FALSE;
CREATE VIEW pg.pg_tables AS SELECT r.schema AS schemaname, r.name AS tablename, r.owner AS tableowner, NULL::VARCHAR AS tablespace, FALSE AS hasindexes, FALSE AS hasrules, FALSE AS hastriggers FROM wh._headwater.relations AS r WHERE r.kind = 'r';
CREATE VIEW pg.pg_views AS SELECT r.schema AS schemaname, r.name AS viewname, r.owner AS viewowner, r.definition AS definition FROM wh._headwater.relations AS r WHERE r.kind <> 'r';
CREATE VIEW pg.pg_matviews AS SELECT '' AS schemaname, '' AS matviewname, '' AS definition WHERE FALSE;
CREATE VIEW pg.pg_settings AS SELECT name, coalesce(getvariable('hw_settings')[name], value) AS setting, NULL::VARCHAR AS unit, '' AS category, '' AS short_desc, NULL::VARCHAR AS extra_desc, 'user' AS context, 'string' AS vartype, 'default' AS source FROM memory.main.settings;
CREATE VIEW pg.pg_am AS SELECT 403::BIGINT AS oid, 'btree' AS amname, 'i' AS amtype;
CREATE VIEW pg.pg_proc AS SELECT 0::BIGINT AS oid, '' AS proname, 11::BIGINT AS pronamespace, 1 AS proowner, 0::BIGINT AS prolang, FALSE AS proisagg, FALSE AS proretset, 0::BIGINT AS prorettype, NULL::BIGINT[] AS proargtypes, NULL::VARCHAR[] AS proargnames, '' AS prosrc, 0 AS pronargs, 'f' AS prokind, FALSE AS proiswindow, FALSE AS proisstrict, 'v' AS provolatile, FALSE AS prosecdef, NULL::VARCHAR[] AS proacl WHERE FALSE;
CREATE VIEW pg.pg_proc_info AS SELECT *, oid AS prooid FROM pg.pg_proc;
CREATE VIEW pg.pg_language AS SELECT 14::BIGINT AS oid, 'sql' AS lanname WHERE FALSE;
CREATE VIEW pg.pg_inherits AS SELECT 0::BIGINT AS inhrelid, 0::BIGINT AS inhparent, 0 AS inhseqno, FALSE AS inhdetachpending WHERE FALSE;
CREATE VIEW pg.pg_trigger AS SELECT 0::BIGINT AS oid, 0::BIGINT AS tgrelid, '' AS tgname, 'O' AS tgenabled, FALSE AS tgisinternal, 0::BIGINT AS tgconstraint, 0::BIGINT AS tgparentid WHERE FALSE;
CREATE VIEW pg.pg_rewrite AS SELECT 0::BIGINT AS oid, '' AS rulename, 0::BIGINT AS ev_class, 'O' AS ev_enabled, '1' AS ev_type WHERE FALSE;
CREATE VIEW pg.pg_depend AS SELECT 0::BIGINT AS classid, 0::BIGINT AS objid, 0 AS objsubid, 0::BIGINT AS refclassid, 0::BIGINT AS refobjid, 0 AS refobjsubid, 'n' AS deptype WHERE FALSE;
CREATE VIEW pg.pg_policy AS SELECT 0::BIGINT AS oid, '' AS polname, 0::BIGINT AS polrelid, TRUE AS polpermissive, NULL::BIGINT[] AS polroles, '*' AS polcmd, NULL::VARCHAR AS polqual, NULL::VARCHAR AS polwithcheck WHERE FALSE;
CREATE VIEW pg.pg_collation AS SELECT 100::BIGINT AS oid, 'default' AS collname, 11::BIGINT AS collnamespace WHERE FALSE;
CREATE VIEW pg.pg_enum AS SELECT 0::BIGINT AS enumtypid, '' AS enumlabel, 0::REAL AS enumsortorder WHERE FALSE;
CREATE VIEW pg.pg_range AS SELECT 0::BIGINT AS rngtypid, 0::BIGINT AS rngsubtype WHERE FALSE;
CREATE VIEW pg.pg_extension AS SELECT 0::BIGINT AS oid, '' AS extname, '' AS extversion, 11::BIGINT AS extnamespace WHERE FALSE;
CREATE VIEW pg.pg_publication AS SELECT 0::BIGINT AS oid, '' AS pubname, FALSE AS puballtables WHERE FALSE;
CREATE VIEW pg.pg_publication_rel AS SELECT 0::BIGINT AS oid, 0::BIGINT AS prpubid, 0::BIGINT AS prrelid WHERE FALSE;
CREATE VIEW pg.pg_statistic_ext AS SELECT 0::BIGINT AS oid, 0::BIGINT AS stxrelid, '' AS stxname WHERE FALSE;
CREATE VIEW pg.pg_foreign_table AS SELECT 0::BIGINT AS ftrelid, 0::BIGINT AS ftserver, NULL::VARCHAR[] AS ftoptions WHERE FALSE;
CREATE VIEW pg.pg_foreign_server AS SELECT 0::BIGINT AS oid, '' AS srvname WHERE FALSE;
CREATE VIEW pg.pg_opclass AS SELECT 0::BIGINT AS oid, '' AS opcname WHERE FALSE;
CREATE VIEW pg.pg_external_schema AS SELECT oid AS esoid, 1 AS eskind, external_database AS esdbname,
  '{"IAM_ROLE":"' || role || '"}' AS esoptions FROM wh._headwater.schemas WHERE external_database IS NOT NULL;
CREATE VIEW pg.pg_stat_activity AS SELECT 100001::BIGINT AS datid, getvariable('hw_database')::VARCHAR AS datname, getvariable('hw_pid')::INTEGER AS procpid, 100 AS usesysid, getvariable('hw_user')::VARCHAR AS usename, '<IDLE>' AS current_query, NULL::TIMESTAMP AS query_start;
