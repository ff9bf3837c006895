package pgcatalog

import "github.com/millracedb/millrace/sql/catalog"

// viewQueries are the system views that are queries over system tables, by schema and name. Their columns are those of
// the definition, in order; names are qualified, so that no search path can change what they mean.
var viewQueries = map[catalog.ID]map[string]string{
	catalog.PgCatalogID: {
		"pg_roles": `
			SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolconnlimit,
				'********'::text AS rolpassword, rolvaliduntil, rolbypassrls, NULL::text[] AS rolconfig, oid
			FROM pg_catalog.pg_authid`,
		"pg_user": `
			SELECT rolname AS usename, oid AS usesysid, rolcreatedb AS usecreatedb, rolsuper AS usesuper,
				rolreplication AS userepl, rolbypassrls AS usebypassrls, '********'::text AS passwd,
				rolvaliduntil AS valuntil, NULL::text[] AS useconfig
			FROM pg_catalog.pg_authid WHERE rolcanlogin`,
		"pg_shadow": `
			SELECT rolname AS usename, oid AS usesysid, rolcreatedb AS usecreatedb, rolsuper AS usesuper,
				rolreplication AS userepl, rolbypassrls AS usebypassrls, rolpassword AS passwd,
				rolvaliduntil AS valuntil, NULL::text[] AS useconfig
			FROM pg_catalog.pg_authid WHERE rolcanlogin`,
		"pg_tables": `
			SELECT n.nspname AS schemaname, c.relname AS tablename, pg_catalog.pg_get_userbyid(c.relowner) AS tableowner,
				NULL::name AS tablespace, c.relhasindex AS hasindexes, c.relhasrules AS hasrules,
				c.relhastriggers AS hastriggers, c.relrowsecurity AS rowsecurity
			FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind = 'r'`,
		"pg_views": `
			SELECT n.nspname AS schemaname, c.relname AS viewname, pg_catalog.pg_get_userbyid(c.relowner) AS viewowner,
				pg_catalog.pg_get_viewdef(c.oid) AS definition
			FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind = 'v'`,
		"pg_matviews": `
			SELECT n.nspname AS schemaname, c.relname AS matviewname, pg_catalog.pg_get_userbyid(c.relowner) AS matviewowner,
				NULL::name AS tablespace, c.relhasindex AS hasindexes, c.relispopulated AS ispopulated,
				pg_catalog.pg_get_viewdef(c.oid) AS definition
			FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind = 'm'`,
		"pg_indexes": `
			SELECT n.nspname AS schemaname, c.relname AS tablename, i.relname AS indexname, NULL::name AS tablespace,
				pg_catalog.pg_get_indexdef(i.oid) AS indexdef
			FROM pg_catalog.pg_index x
				JOIN pg_catalog.pg_class c ON c.oid = x.indrelid
				JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
				LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`,
		"pg_stat_all_tables":  statTablesQuery,
		"pg_stat_user_tables": statTablesQuery + userSchemas,
		"pg_statio_all_tables": `
			SELECT c.oid AS relid, n.nspname AS schemaname, c.relname AS relname, 0::int8 AS heap_blks_read,
				0::int8 AS heap_blks_hit, 0::int8 AS idx_blks_read, 0::int8 AS idx_blks_hit, 0::int8 AS toast_blks_read,
				0::int8 AS toast_blks_hit, 0::int8 AS tidx_blks_read, 0::int8 AS tidx_blks_hit
			FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind IN ('r', 'm')`,
		"pg_stat_user_indexes": `
			SELECT x.indrelid AS relid, x.indexrelid AS indexrelid, n.nspname AS schemaname, c.relname AS relname,
				i.relname AS indexrelname, 0::int8 AS idx_scan, 0::int8 AS idx_tup_read, 0::int8 AS idx_tup_fetch
			FROM pg_catalog.pg_index x
				JOIN pg_catalog.pg_class c ON c.oid = x.indrelid
				JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
				JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`,
		"pg_sequences": `
			SELECT n.nspname AS schemaname, c.relname AS sequencename, pg_catalog.pg_get_userbyid(c.relowner) AS sequenceowner,
				s.seqtypid::regtype AS data_type, s.seqstart AS start_value, s.seqmin AS min_value, s.seqmax AS max_value,
				s.seqincrement AS increment_by, s.seqcycle AS cycle, s.seqcache AS cache_size, NULL::bigint AS last_value
			FROM pg_catalog.pg_sequence s
				JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
				LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`,
	},
	InformationSchemaID: {
		"information_schema_catalog_name": `SELECT 'millrace'::name AS catalog_name`,
		"schemata": `
			SELECT 'millrace'::name AS catalog_name, n.nspname AS schema_name,
				pg_catalog.pg_get_userbyid(n.nspowner) AS schema_owner, NULL::name AS default_character_set_catalog,
				NULL::name AS default_character_set_schema, NULL::name AS default_character_set_name,
				NULL::varchar AS sql_path
			FROM pg_catalog.pg_namespace n`,
		"tables": `
			SELECT 'millrace'::name AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
				(CASE c.relkind WHEN 'r' THEN 'BASE TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END)::varchar AS table_type,
				NULL::name AS self_referencing_column_name, NULL::varchar AS reference_generation,
				NULL::name AS user_defined_type_catalog, NULL::name AS user_defined_type_schema,
				NULL::name AS user_defined_type_name,
				(CASE WHEN c.relkind = 'r' THEN 'YES' ELSE 'NO' END)::varchar AS is_insertable_into,
				'NO'::varchar AS is_typed, NULL::varchar AS commit_action
			FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind IN ('r', 'v', 'm')`,
		"views": `
			SELECT 'millrace'::name AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
				pg_catalog.pg_get_viewdef(c.oid)::varchar AS view_definition, 'NONE'::varchar AS check_option,
				'NO'::varchar AS is_updatable, 'NO'::varchar AS is_insertable_into,
				'NO'::varchar AS is_trigger_updatable, 'NO'::varchar AS is_trigger_deletable,
				'NO'::varchar AS is_trigger_insertable_into
			FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind = 'v'`,
		"columns": columnsQuery,
		"table_constraints": `
			SELECT 'millrace'::name AS constraint_catalog, n.nspname AS constraint_schema, k.conname AS constraint_name,
				'millrace'::name AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
				(CASE k.contype WHEN 'c' THEN 'CHECK' WHEN 'f' THEN 'FOREIGN KEY' WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END)::varchar AS constraint_type,
				'NO'::varchar AS is_deferrable, 'NO'::varchar AS initially_deferred, 'YES'::varchar AS enforced,
				(CASE WHEN k.contype = 'u' THEN 'YES' END)::varchar AS nulls_distinct
			FROM pg_catalog.pg_constraint k
				JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
				JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`,
		"key_column_usage": `
			SELECT 'millrace'::name AS constraint_catalog, n.nspname AS constraint_schema, k.conname AS constraint_name,
				'millrace'::name AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
				a.attname AS column_name, pg_catalog.array_position(k.conkey, a.attnum)::int4 AS ordinal_position,
				NULL::int4 AS position_in_unique_constraint
			FROM pg_catalog.pg_constraint k
				JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
				JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
				JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
			WHERE k.contype IN ('p', 'u', 'f')`,
		"constraint_column_usage": `
			SELECT 'millrace'::name AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
				a.attname AS column_name, 'millrace'::name AS constraint_catalog, n.nspname AS constraint_schema,
				k.conname AS constraint_name
			FROM pg_catalog.pg_constraint k
				JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
				JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
				JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)`,
		"constraint_table_usage": `
			SELECT 'millrace'::name AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
				'millrace'::name AS constraint_catalog, n.nspname AS constraint_schema, k.conname AS constraint_name
			FROM pg_catalog.pg_constraint k
				JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
				JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE k.contype IN ('p', 'u')`,
		"check_constraints": `
			SELECT 'millrace'::name AS constraint_catalog, n.nspname AS constraint_schema, k.conname AS constraint_name,
				k.conbin::varchar AS check_clause
			FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
			WHERE k.contype = 'c'`,
		"sequences": `
			SELECT 'millrace'::name AS sequence_catalog, n.nspname AS sequence_schema, c.relname AS sequence_name,
				pg_catalog.format_type(s.seqtypid, NULL)::varchar AS data_type,
				(CASE s.seqtypid WHEN 21 THEN 16 WHEN 23 THEN 32 ELSE 64 END)::int4 AS numeric_precision,
				2::int4 AS numeric_precision_radix, 0::int4 AS numeric_scale, s.seqstart::varchar AS start_value,
				s.seqmin::varchar AS minimum_value, s.seqmax::varchar AS maximum_value,
				s.seqincrement::varchar AS increment, (CASE WHEN s.seqcycle THEN 'YES' ELSE 'NO' END)::varchar AS cycle_option
			FROM pg_catalog.pg_sequence s
				JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
				JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`,
		"table_privileges":  tablePrivilegesQuery,
		"role_table_grants": tablePrivilegesQuery,
		"enabled_roles":     `SELECT rolname AS role_name FROM pg_catalog.pg_authid`,
		"applicable_roles": `
			SELECT rolname AS grantee, rolname AS role_name, 'YES'::varchar AS is_grantable
			FROM pg_catalog.pg_authid WHERE false`,
		"character_sets": `
			SELECT NULL::name AS character_set_catalog, NULL::name AS character_set_schema,
				'UTF8'::name AS character_set_name, 'UCS'::name AS character_repertoire, 'UTF8'::name AS form_of_use,
				'millrace'::name AS default_collate_catalog, 'pg_catalog'::name AS default_collate_schema,
				'C'::name AS default_collate_name`,
		"view_table_usage": `
			SELECT DISTINCT 'millrace'::name AS view_catalog, vn.nspname AS view_schema, v.relname AS view_name,
				'millrace'::name AS table_catalog, tn.nspname AS table_schema, t.relname AS table_name
			FROM pg_catalog.pg_depend d
				JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
				JOIN pg_catalog.pg_class v ON v.oid = r.ev_class
				JOIN pg_catalog.pg_namespace vn ON vn.oid = v.relnamespace
				JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
				JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
			WHERE d.deptype = 'n' AND d.refclassid = 1259`,
	},
}

const statTablesQuery = `
			SELECT c.oid AS relid, n.nspname AS schemaname, c.relname AS relname, 0::int8 AS seq_scan, 0::int8 AS seq_tup_read,
				0::int8 AS idx_scan, 0::int8 AS idx_tup_fetch, 0::int8 AS n_tup_ins, 0::int8 AS n_tup_upd, 0::int8 AS n_tup_del,
				0::int8 AS n_tup_hot_upd, greatest(m.rows, 0) AS n_live_tup, 0::int8 AS n_dead_tup, 0::int8 AS n_mod_since_analyze,
				0::int8 AS n_ins_since_vacuum, NULL::timestamptz AS last_vacuum, NULL::timestamptz AS last_autovacuum,
				NULL::timestamptz AS last_analyze, NULL::timestamptz AS last_autoanalyze, 0::int8 AS vacuum_count,
				0::int8 AS autovacuum_count, 0::int8 AS analyze_count, 0::int8 AS autoanalyze_count
			FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
				LEFT JOIN millrace.relations m ON m.id = c.oid
			WHERE c.relkind IN ('r', 'm')`

// userSchemas goes on with a WHERE: no system schemas.
const userSchemas = ` AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'millrace')`

const tablePrivilegesQuery = `
	SELECT pg_catalog.pg_get_userbyid(c.relowner) AS grantor, pg_catalog.pg_get_userbyid(c.relowner) AS grantee,
		'millrace'::name AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
		p.privilege::varchar AS privilege_type, 'YES'::varchar AS is_grantable,
		(CASE WHEN p.privilege = 'SELECT' THEN 'YES' ELSE 'NO' END)::varchar AS with_hierarchy
	FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		CROSS JOIN (VALUES ('INSERT'), ('SELECT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) AS p (privilege)
	WHERE c.relkind IN ('r', 'v')`

// columnsQuery is information_schema.columns. The numbers are of bits and digits, as in PostgreSQL.
const columnsQuery = `
	SELECT 'millrace'::name AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
		a.attname AS column_name, a.attnum::int4 AS ordinal_position,
		pg_catalog.pg_get_expr(d.adbin, d.adrelid)::varchar AS column_default,
		(CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END)::varchar AS is_nullable,
		(CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' ELSE pg_catalog.format_type(a.atttypid, NULL) END)::varchar AS data_type,
		(CASE WHEN a.atttypid IN (1042, 1043) AND a.atttypmod > 4 THEN a.atttypmod - 4 END)::int4 AS character_maximum_length,
		(CASE WHEN a.atttypid IN (25, 1042, 1043)
			THEN CASE WHEN a.atttypid <> 25 AND a.atttypmod > 4 THEN (a.atttypmod - 4) * 4 ELSE 1073741824 END END)::int4 AS character_octet_length,
		(CASE a.atttypid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53
			WHEN 1700 THEN CASE WHEN a.atttypmod >= 4 THEN ((a.atttypmod - 4) >> 16) & 65535 END END)::int4 AS numeric_precision,
		(CASE WHEN a.atttypid IN (20, 21, 23, 700, 701) THEN 2 WHEN a.atttypid = 1700 THEN 10 END)::int4 AS numeric_precision_radix,
		(CASE WHEN a.atttypid IN (20, 21, 23) THEN 0
			WHEN a.atttypid = 1700 AND a.atttypmod >= 4 THEN (a.atttypmod - 4) & 2047 END)::int4 AS numeric_scale,
		(CASE WHEN a.atttypid = 1082 THEN 0
			WHEN a.atttypid IN (1083, 1114, 1184, 1266) THEN CASE WHEN a.atttypmod < 0 THEN 6 ELSE a.atttypmod END
			WHEN a.atttypid = 1186 THEN 6 END)::int4 AS datetime_precision,
		NULL::varchar AS interval_type, NULL::int4 AS interval_precision, NULL::name AS character_set_catalog,
		NULL::name AS character_set_schema, NULL::name AS character_set_name, NULL::name AS collation_catalog,
		NULL::name AS collation_schema, NULL::name AS collation_name, NULL::name AS domain_catalog,
		NULL::name AS domain_schema, NULL::name AS domain_name, 'millrace'::name AS udt_catalog,
		'pg_catalog'::name AS udt_schema, t.typname AS udt_name, NULL::name AS scope_catalog, NULL::name AS scope_schema,
		NULL::name AS scope_name, NULL::int4 AS maximum_cardinality, a.attnum::text::name AS dtd_identifier,
		'NO'::varchar AS is_self_referencing,
		(CASE WHEN a.attidentity IN ('a', 'd') THEN 'YES' ELSE 'NO' END)::varchar AS is_identity,
		(CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END)::varchar AS identity_generation,
		s.seqstart::varchar AS identity_start, s.seqincrement::varchar AS identity_increment,
		s.seqmax::varchar AS identity_maximum, s.seqmin::varchar AS identity_minimum,
		(CASE WHEN s.seqcycle THEN 'YES' ELSE 'NO' END)::varchar AS identity_cycle, 'NEVER'::varchar AS is_generated,
		NULL::varchar AS generation_expression,
		(CASE WHEN c.relkind = 'r' THEN 'YES' ELSE 'NO' END)::varchar AS is_updatable
	FROM pg_catalog.pg_attribute a
		JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
		LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		LEFT JOIN pg_catalog.pg_depend q ON q.refclassid = 1259 AND q.refobjid = a.attrelid AND q.refobjsubid = a.attnum
			AND q.classid = 1259 AND q.deptype = 'i'
		LEFT JOIN pg_catalog.pg_sequence s ON s.seqrelid = q.objid
	WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm')`
