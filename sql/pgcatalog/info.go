package pgcatalog

import (
	"strings"
	"sync"
	"time"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Info answers PostgreSQL's catalog information functions for one session.
type Info struct {
	Names
	// Size is the bytes a relation takes; nil: unknown, 0.
	Size func(catalog.ID) int64
	// User is who asks.
	User func() string
	// Started is when the server was, and Epoch its newest epoch: they stand for transaction ids.
	Started time.Time
	Epoch   func() int64
}

// infoFunc is one function: its arguments are as in PostgreSQL, none of them null.
type infoFunc func(in *Info, a args) (vec.Scalar, error)

// args are the arguments of a call.
type args []vec.Scalar

func (a args) oid(i int) catalog.ID {
	if i >= len(a) {
		return 0
	}
	return catalog.ID(uint32(a[i].I))
}

func (a args) int(i int) int {
	if i >= len(a) {
		return 0
	}
	return int(a[i].I)
}

func (a args) text(i int) string {
	if i >= len(a) {
		return ""
	}
	return string(a[i].B)
}

// isText reports whether argument i is a name rather than an oid.
func (a args) isText(i int) bool {
	return i < len(a) && a[i].Type.Class() == types.Bytes
}

func text(s string) (vec.Scalar, error) {
	return vec.Scalar{Type: types.T(types.Text), B: []byte(s)}, nil
}

func boolean(b bool) (vec.Scalar, error) {
	v := vec.Scalar{Type: types.T(types.Bool)}
	if b {
		v.I = 1
	}
	return v, nil
}

func bigint(n int64) (vec.Scalar, error) { return vec.Scalar{Type: types.T(types.Int8), I: n}, nil }

func nothing(t types.OID) (vec.Scalar, error) { return vec.NullOf(types.T(t)), nil }

// Call runs the function called name. A null argument gives null.
func (in *Info) Call(name string, a []vec.Scalar) (vec.Scalar, error) {
	f, ok := infoFuncs()[name]
	if !ok {
		return vec.Scalar{}, pgerr.Newf(pgerr.UndefinedFunction, "function %s does not exist", name)
	}
	for _, v := range a {
		if v.Null && name != "pg_collation_for" {
			return vec.NullOf(types.T(infoResult(name))), nil
		}
	}
	return f(in, a)
}

// infoResult is the result type of a function, for its null.
func infoResult(name string) types.OID {
	switch {
	case strings.HasPrefix(name, "has_"), strings.HasSuffix(name, "_is_visible"), name == "pg_has_role",
		name == "pg_relation_is_publishable", name == "pg_index_column_has_property", name == "pg_is_other_temp_schema":
		return types.Bool
	case strings.HasSuffix(name, "_size"):
		return types.Int8
	case name == "pg_get_userbyid":
		return types.Name
	}
	return types.Text
}

// infoFuncs is the table of functions.
var infoFuncs = sync.OnceValue(func() map[string]infoFunc {
	return map[string]infoFunc{
		"pg_get_viewdef":                      viewDef,
		"pg_get_indexdef":                     indexDef,
		"pg_get_constraintdef":                constraintDef,
		"pg_get_expr":                         func(_ *Info, a args) (vec.Scalar, error) { return text(a.text(0)) },
		"pg_get_serial_sequence":              serialSequence,
		"pg_get_userbyid":                     userByID,
		"pg_get_partkeydef":                   noText,
		"pg_get_ruledef":                      ruleDef,
		"pg_get_triggerdef":                   noText,
		"pg_get_functiondef":                  noText,
		"pg_get_function_sqlbody":             noText,
		"pg_get_function_arguments":           functionArguments,
		"pg_get_function_identity_arguments":  functionArguments,
		"pg_get_function_result":              functionResult,
		"pg_get_function_arg_default":         noText,
		"pg_get_statisticsobjdef":             noText,
		"pg_get_statisticsobjdef_columns":     noText,
		"pg_get_statisticsobjdef_expressions": noText,
		"pg_get_partition_constraintdef":      noText,
		"obj_description":                     objDescription,
		"col_description":                     colDescription,
		"shobj_description":                   sharedDescription,
		"pg_describe_object":                  describeObject,

		"pg_table_is_visible":          tableVisible,
		"pg_type_is_visible":           always(true),
		"pg_function_is_visible":       always(true),
		"pg_operator_is_visible":       always(true),
		"pg_collation_is_visible":      always(true),
		"pg_opclass_is_visible":        always(true),
		"pg_opfamily_is_visible":       always(true),
		"pg_conversion_is_visible":     always(true),
		"pg_statistics_obj_is_visible": always(true),
		"pg_ts_config_is_visible":      always(true),
		"pg_ts_dict_is_visible":        always(true),
		"pg_ts_parser_is_visible":      always(true),
		"pg_ts_template_is_visible":    always(true),
		"pg_is_other_temp_schema":      always(false),
		"pg_relation_is_publishable":   always(false),
		"pg_index_column_has_property": indexProperty,
		"pg_relation_is_updatable":     relationUpdatable,
		"pg_column_is_updatable":       columnUpdatable,

		"has_table_privilege":                privilege(true),
		"has_any_column_privilege":           privilege(true),
		"has_column_privilege":               always(true),
		"has_sequence_privilege":             privilege(true),
		"has_schema_privilege":               schemaPrivilege,
		"has_database_privilege":             databasePrivilege,
		"has_function_privilege":             always(true),
		"has_language_privilege":             always(true),
		"has_tablespace_privilege":           always(true),
		"has_type_privilege":                 always(true),
		"has_foreign_data_wrapper_privilege": always(true),
		"has_server_privilege":               always(true),
		"has_parameter_privilege":            always(true),
		"pg_has_role":                        hasRole,

		"pg_relation_size":                  relationSize,
		"pg_table_size":                     relationSize,
		"pg_total_relation_size":            relationSize,
		"pg_indexes_size":                   func(*Info, args) (vec.Scalar, error) { return bigint(0) },
		"pg_database_size":                  databaseSize,
		"pg_tablespace_size":                databaseSize,
		"pg_relation_filenode":              filenode,
		"pg_relation_filepath":              noText,
		"pg_filenode_relation":              null(types.RegClass),
		"pg_get_replica_identity_index":     null(types.RegClass),
		"pg_sequence_last_value":            null(types.Int8),
		"pg_stat_get_numscans":              zero(types.Int8),
		"pg_stat_get_live_tuples":           zero(types.Int8),
		"pg_stat_get_dead_tuples":           zero(types.Int8),
		"pg_stat_get_last_vacuum_time":      null(types.TimestampTZ),
		"pg_stat_get_last_autovacuum_time":  null(types.TimestampTZ),
		"pg_stat_get_last_analyze_time":     null(types.TimestampTZ),
		"pg_stat_get_last_autoanalyze_time": null(types.TimestampTZ),
		"pg_stat_get_backend_idset":         zero(types.Int4),
		"pg_notification_queue_usage":       zero(types.Float8),

		"pg_postmaster_start_time":       started,
		"pg_conf_load_time":              started,
		"txid_current":                   transactionID,
		"txid_current_if_assigned":       null(types.Int8),
		"pg_current_xact_id_if_assigned": noText,
		"txid_snapshot_xmin":             transactionID,
		"pg_snapshot_xmin":               snapshotText,
		"pg_current_snapshot":            snapshotText,
		"txid_current_snapshot":          snapshotText,
		"pg_export_snapshot":             snapshotText,
		"pg_current_wal_lsn":             noText,
		"pg_last_wal_receive_lsn":        noText,
		"pg_last_wal_replay_lsn":         noText,
		"pg_last_xact_replay_timestamp":  null(types.TimestampTZ),
		"pg_reload_conf":                 always(true),
		"pg_rotate_logfile":              always(false),
		"row_security_active":            always(false),
		"pg_index_has_property":          always(false),
		"pg_indexam_has_property":        always(true),
		"age":                            zero(types.Int4),
		"mxid_age":                       zero(types.Int4),
		"acldefault":                     null(types.AclItemArray),
		"getdatabaseencoding":            encodingName,
		"pg_client_encoding":             encodingName,
		"pg_collation_for":               noText,
		"pg_notify":                      null(types.Void),
		"pg_stat_file":                   null(types.Record),
		"pg_options_to_table":            null(types.Record),
		"pg_get_backend_memory_contexts": null(types.Record),
		"pg_tablespace_location":         func(*Info, args) (vec.Scalar, error) { return text("") },
	}
})

func noText(*Info, args) (vec.Scalar, error) { return nothing(types.Text) }

// null is a function that has nothing to tell here.
func null(t types.OID) infoFunc {
	return func(*Info, args) (vec.Scalar, error) { return nothing(t) }
}

// zero is a counter of something that does not happen here.
func zero(t types.OID) infoFunc {
	return func(*Info, args) (vec.Scalar, error) { return vec.Scalar{Type: types.T(t)}, nil }
}

func filenode(in *Info, a args) (vec.Scalar, error) {
	if in.cat().Relation(a.oid(0)) == nil {
		return nothing(types.Oid)
	}
	return vec.Scalar{Type: types.T(types.Oid), I: int64(a.oid(0))}, nil
}

func started(in *Info, _ args) (vec.Scalar, error) {
	v := stamp(in.Started)
	return vec.Scalar{Type: types.T(types.TimestampTZ), I: v.i, Null: v.null}, nil
}

// transactionID answers with the epoch: the number that grows with every change.
func transactionID(in *Info, _ args) (vec.Scalar, error) {
	if in.Epoch == nil {
		return nothing(types.Int8)
	}
	return bigint(in.Epoch())
}

func snapshotText(in *Info, a args) (vec.Scalar, error) {
	id, err := transactionID(in, a)
	if err != nil || id.Null {
		return nothing(types.Text)
	}
	n := itoa(id.I)
	return text(n + ":" + n + ":")
}

func encodingName(*Info, args) (vec.Scalar, error) {
	return vec.Scalar{Type: types.T(types.Name), B: []byte("UTF8")}, nil
}

func always(b bool) infoFunc {
	return func(*Info, args) (vec.Scalar, error) { return boolean(b) }
}

func (in *Info) cat() *catalog.Snapshot { return in.Source.Snapshot() }

func relationSize(in *Info, a args) (vec.Scalar, error) {
	id := a.oid(0)
	if a.isText(0) {
		o, err := in.lookupClass(a.text(0))
		if err != nil {
			return vec.Scalar{}, err
		}
		id = catalog.ID(o)
	}
	if in.cat().Relation(id) == nil {
		if _, ok := indexByID(in.cat(), id); !ok {
			return nothing(types.Int8)
		}
	}
	if in.Size == nil {
		return bigint(0)
	}
	return bigint(in.Size(id))
}

func databaseSize(in *Info, _ args) (vec.Scalar, error) {
	if in.Size == nil {
		return bigint(0)
	}
	return bigint(in.Size(0))
}
