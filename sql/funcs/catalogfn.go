package funcs

import (
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

const secCatalog = "Catalog"

// catalogRows declares functions that the catalog answers: name(arguments) result, several signatures to a name.
// A question mark after the result says that null arguments are passed on.
const catalogRows = `
pg_get_expr(pg_node_tree,oid) text
pg_get_expr(pg_node_tree,oid,bool) text
pg_get_expr(text,oid) text
pg_get_expr(text,oid,bool) text
pg_get_viewdef(oid) text
pg_get_viewdef(oid,bool) text
pg_get_viewdef(oid,int4) text
pg_get_viewdef(text) text
pg_get_viewdef(text,bool) text
pg_get_indexdef(oid) text
pg_get_indexdef(oid,int4,bool) text
pg_get_constraintdef(oid) text
pg_get_constraintdef(oid,bool) text
pg_get_ruledef(oid) text
pg_get_ruledef(oid,bool) text
pg_get_triggerdef(oid) text
pg_get_triggerdef(oid,bool) text
pg_get_functiondef(oid) text
pg_get_function_arguments(oid) text
pg_get_function_identity_arguments(oid) text
pg_get_function_result(oid) text
pg_get_function_sqlbody(oid) text
pg_get_function_arg_default(oid,int4) text
pg_get_partkeydef(oid) text
pg_get_partition_constraintdef(oid) text
pg_get_statisticsobjdef(oid) text
pg_get_statisticsobjdef_columns(oid) text
pg_get_serial_sequence(text,text) text
pg_get_userbyid(oid) name
pg_get_replica_identity_index(regclass) regclass
pg_table_is_visible(oid) bool
pg_type_is_visible(oid) bool
pg_function_is_visible(oid) bool
pg_operator_is_visible(oid) bool
pg_opclass_is_visible(oid) bool
pg_opfamily_is_visible(oid) bool
pg_collation_is_visible(oid) bool
pg_conversion_is_visible(oid) bool
pg_statistics_obj_is_visible(oid) bool
pg_ts_config_is_visible(oid) bool
pg_ts_dict_is_visible(oid) bool
pg_ts_parser_is_visible(oid) bool
pg_ts_template_is_visible(oid) bool
obj_description(oid,name) text
obj_description(oid) text
shobj_description(oid,name) text
col_description(oid,int4) text
pg_relation_size(regclass) int8
pg_relation_size(regclass,text) int8
pg_table_size(regclass) int8
pg_indexes_size(regclass) int8
pg_total_relation_size(regclass) int8
pg_database_size(oid) int8
pg_database_size(name) int8
pg_tablespace_size(oid) int8
pg_tablespace_size(name) int8
pg_tablespace_location(oid) text
pg_relation_filenode(regclass) oid
pg_relation_filepath(regclass) text
pg_relation_is_publishable(regclass) bool
pg_relation_is_updatable(regclass,bool) int4
pg_column_is_updatable(regclass,int2,bool) bool
pg_describe_object(oid,oid,int4) text
pg_index_column_has_property(regclass,int4,text) bool
pg_index_has_property(regclass,text) bool
pg_indexam_has_property(oid,text) bool
pg_sequence_last_value(regclass) int8
pg_postmaster_start_time() timestamptz
pg_conf_load_time() timestamptz
pg_has_role(name,text) bool
pg_has_role(oid,text) bool
pg_has_role(name,name,text) bool
pg_has_role(name,oid,text) bool
pg_has_role(oid,name,text) bool
pg_has_role(oid,oid,text) bool
txid_current() int8
txid_current_if_assigned() int8
pg_current_xact_id_if_assigned() text
pg_snapshot_xmin(text) text
pg_current_snapshot() text
txid_snapshot_xmin(text) int8
txid_current_snapshot() text
pg_export_snapshot() text
pg_current_wal_lsn() text
pg_last_wal_receive_lsn() text
pg_last_wal_replay_lsn() text
pg_last_xact_replay_timestamp() timestamptz
pg_stat_get_numscans(oid) int8
pg_stat_get_live_tuples(oid) int8
pg_stat_get_dead_tuples(oid) int8
pg_stat_get_last_vacuum_time(oid) timestamptz
pg_stat_get_last_autovacuum_time(oid) timestamptz
pg_stat_get_last_analyze_time(oid) timestamptz
pg_stat_get_last_autoanalyze_time(oid) timestamptz
pg_stat_file(text) record
pg_options_to_table(text[]) record
pg_reload_conf() bool
pg_rotate_logfile() bool
acldefault("char",oid) aclitem[]
row_security_active(oid) bool
row_security_active(text) bool
getdatabaseencoding() name
pg_client_encoding() name
pg_filenode_relation(oid,oid) regclass
pg_collation_for(any) text?
pg_stat_get_backend_idset() int4
pg_notification_queue_usage() float8
pg_notify(text,text) void?
age(xid) int4
mxid_age(xid) int4
pg_get_backend_memory_contexts() record
`

// privilegeObjects are the kinds of object that has_<kind>_privilege asks about, and whether a name may be given.
var privilegeObjects = []string{"table", "schema", "database", "function", "sequence", "language", "tablespace", "type",
	"foreign_data_wrapper", "server"}

func catalogFuncs() []Func {
	s := &section{name: secCatalog}
	for _, line := range strings.Fields(strings.ReplaceAll(catalogRows, ") ", ")→")) {
		s.declare(line)
	}
	addPrivileges(s)
	addRegLookups(s)
	addFormats(s)
	return s.fs
}

// volatileCatalog are the catalog functions with an effect.
var volatileCatalog = map[string]bool{"pg_reload_conf": true, "pg_rotate_logfile": true, "pg_notify": true, "pg_export_snapshot": true}

// declare adds a line of catalogRows.
func (s *section) declare(line string) {
	fn, rest, _ := strings.Cut(line, "(")
	list, ret, _ := strings.Cut(rest, ")→")
	ret, lax := strings.CutSuffix(ret, "?")
	var args []types.OID
	for _, a := range strings.Split(list, ",") {
		if a != "" {
			args = append(args, mustType(a))
		}
	}
	f := s.partial(fn, args, mustType(ret), needSys(func(r *Row) error { return r.putCatalog(fn) }), "As in PostgreSQL.", "").stable()
	f.Lax = lax
	if volatileCatalog[fn] {
		f.volatile()
	}
}

// mustType reads a type's name in this file's tables.
func mustType(s string) types.OID {
	if s == "any" {
		return types.Any
	}
	t, ok := types.ByName(s)
	if !ok {
		panic("funcs: no type " + s)
	}
	return t
}

func addPrivileges(s *section) {
	add := func(fn string, args ...types.OID) {
		s.partial(fn, args, boolean, needSys(func(r *Row) error { return r.putCatalog(fn) }), "Has a privilege.", "").stable()
	}
	for _, kind := range privilegeObjects {
		fn := "has_" + kind + "_privilege"
		for _, obj := range []types.OID{text, oid} {
			add(fn, obj, text)
			add(fn, name, obj, text)
			add(fn, oid, obj, text)
		}
	}
	for _, obj := range []types.OID{text, oid} {
		add("has_any_column_privilege", obj, text)
		add("has_any_column_privilege", name, obj, text)
		add("has_any_column_privilege", oid, obj, text)
		for _, col := range []types.OID{text, types.Int2} {
			add("has_column_privilege", obj, col, text)
			add("has_column_privilege", name, obj, col, text)
			add("has_column_privilege", oid, obj, col, text)
		}
	}
}

// addRegLookups adds to_regclass and its like: null where the cast would raise.
func addRegLookups(s *section) {
	for _, t := range []types.OID{types.RegClass, types.RegType, types.RegProc, types.RegProcedure, types.RegOper,
		types.RegOperator, types.RegNamespace, types.RegRole, types.RegCollation} {
		s.total("to_"+t.TypName(), sig(text), t, func(r *Row) error {
			v, err := types.ParseI64(types.T(t), r.Str(0), r.Env)
			if err != nil {
				return r.PutNull()
			}
			return r.PutInt(v)
		}, "The object of a name, null if there is none.", "").stable()
	}
}

func addFormats(s *section) {
	s.total("format_type", sig(oid, int4), text, func(r *Row) error {
		if r.Null(0) {
			return r.PutNull()
		}
		t := types.Type{OID: types.OID(r.Int(0)), Mod: -1}
		if t.OID == 0 {
			return r.PutStr("-")
		}
		info := types.InfoOf(t.OID)
		switch {
		case info == nil:
			return r.PutStr("???")
		case r.Null(1) || info.ModOut == "":
			return r.PutStr(t.OID.String())
		}
		t.Mod = int32(max(r.Int(1), -1))
		return r.PutStr(t.String())
	}, "The SQL name of a type with its modifier.", "format_type(1043, 14) → character varying(10)").lax()
	s.total("pg_size_pretty", sig(types.Int8), text, func(r *Row) error { return r.PutStr(prettySize(r.Int(0))) },
		"A number of bytes with its unit.", "pg_size_pretty(1234567890::bigint) → 1177 MB")
	s.total("pg_size_pretty", sig(types.Numeric), text, func(r *Row) error {
		n, err := types.NumericTrunc(nil, r.Bytes(0), 0)
		if small := types.NumericAbs(nil, r.Bytes(0)); err == nil && types.NumericCompare(small, types.AppendNumericInt(nil, 10*1024)) >= 0 {
			var v int64
			if v, err = types.NumericToInt64(n, types.Int8); err == nil {
				return r.PutStr(prettySize(v))
			}
		}
		return r.PutStr(string(types.AppendNumericText(nil, r.Bytes(0))) + " bytes")
	}, "A number of bytes with its unit.", "")
	s.total("pg_encoding_to_char", sig(int4), name, func(r *Row) error {
		if n, ok := encodings[r.Int(0)]; ok {
			return r.PutStr(n)
		}
		return nil
	}, "The name of an encoding.", "pg_encoding_to_char(6) → UTF8")
	s.total("pg_char_to_encoding", sig(name), int4, func(r *Row) error {
		for id, n := range encodings {
			if strings.EqualFold(n, strings.NewReplacer("-", "", "_", "").Replace(r.Str(0))) {
				return r.PutInt(id)
			}
		}
		return r.PutInt(-1)
	}, "The number of an encoding.", "pg_char_to_encoding('UTF8') → 6")
	s.total("oidvectortypes", sig(types.OidVector), text, func(r *Row) error {
		a := r.array(0)
		return r.Append(func(dst []byte) ([]byte, error) {
			for k := 0; a.Next(); k++ {
				if k > 0 {
					dst = append(dst, ", "...)
				}
				if types.InfoOf(types.OID(a.I64)) == nil {
					dst = append(dst, "???"...)
				} else {
					dst = append(dst, types.OID(a.I64).String()...)
				}
			}
			return dst, nil
		})
	}, "The names of types.", "oidvectortypes('23 25') → integer, text")
	s.total("pg_typeof", sig(types.Any), types.RegType, func(r *Row) error { return r.PutInt(int64(r.args[0].Type.OID)) },
		"The type of a value.", "pg_typeof(33) → integer").lax()
	s.total("pg_column_size", sig(types.Any), int4, func(r *Row) error {
		if size := r.args[0].Type.Size(); size > 0 {
			return r.PutInt(int64(size))
		}
		return r.PutInt(int64(len(r.Bytes(0))) + 4)
	}, "The bytes a value takes.", "pg_column_size(1) → 4")
	s.partial("parse_ident", sig(text), types.TextArray, func(r *Row) error { return parseIdent(r, true) },
		"The parts of a qualified name.", `parse_ident('"SomeSchema".someTable') → {SomeSchema,sometable}`)
	s.partial("parse_ident", sig(text, boolean), types.TextArray, func(r *Row) error { return parseIdent(r, r.Int(1) != 0) },
		"The parts of a qualified name; false: what follows it does no harm.", "")
}

// encodings are PostgreSQL's numbers of encodings.
var encodings = map[int64]string{0: "SQL_ASCII", 1: "EUC_JP", 2: "EUC_CN", 3: "EUC_KR", 4: "EUC_TW", 5: "EUC_JIS_2004",
	6: "UTF8", 7: "MULE_INTERNAL", 8: "LATIN1", 9: "LATIN2", 10: "LATIN3", 11: "LATIN4", 12: "LATIN5", 13: "LATIN6",
	14: "LATIN7", 15: "LATIN8", 16: "LATIN9", 17: "LATIN10", 18: "WIN1256", 19: "WIN1258", 20: "WIN866", 21: "WIN874",
	22: "KOI8R", 23: "WIN1251", 24: "WIN1252", 25: "ISO_8859_5", 26: "ISO_8859_6", 27: "ISO_8859_7", 28: "ISO_8859_8",
	29: "WIN1250", 30: "WIN1253", 31: "WIN1254", 32: "WIN1255", 33: "WIN1257", 34: "KOI8U", 35: "SJIS", 36: "BIG5",
	37: "GBK", 38: "UHC", 39: "GB18030", 40: "JOHAB", 41: "SHIFT_JIS_2004"}

// prettySize is PostgreSQL's pg_size_pretty of a bigint.
func prettySize(n int64) string {
	v, neg := uint64(n), n < 0
	if neg {
		v = -v
	}
	units := []string{"bytes", "kB", "MB", "GB", "TB", "PB"}
	// Each unit is used up to 20 times 512 of it (10240); the last bit kept is for rounding.
	half := false
	for i, u := range units {
		limit := uint64(10 * 1024)
		if half {
			limit = 20*1024 - 1
		}
		if v < limit || i == len(units)-1 {
			if half {
				v = (v + 1) / 2
			}
			s := types.AppendNumericText(nil, types.AppendNumericInt(nil, int64(v)))
			if neg {
				return "-" + string(s) + " " + u
			}
			return string(s) + " " + u
		}
		if half {
			v >>= 10
		} else {
			v >>= 9
		}
		half = true
	}
	return ""
}

// parseIdent splits a qualified name.
func parseIdent(r *Row, strict bool) error {
	in := r.Str(0)
	bad := func(detail string) error {
		e := pgerr.Newf(pgerr.InvalidParameterValue, `string is not a valid identifier: "%s"`, in)
		if detail != "" {
			return e.WithDetail("%s", detail)
		}
		return e
	}
	b := types.NewArrayBuilder(types.T(text))
	s := strings.TrimLeft(in, " \t\n\r\f\v")
	for dot := false; ; dot = true {
		var part string
		switch {
		case strings.HasPrefix(s, `"`):
			end := 1
			for {
				k := strings.IndexByte(s[end:], '"')
				if k < 0 {
					return bad("String has unclosed double quotes.")
				}
				if end += k + 1; end >= len(s) || s[end] != '"' {
					break
				}
				end++
			}
			part = strings.ReplaceAll(s[1:end-1], `""`, `"`)
			if part == "" {
				return bad("Quoted identifier must not be empty.")
			}
			s = s[end:]
		case s != "" && identStart(s[0]):
			end := 1
			for end < len(s) && (identStart(s[end]) || s[end] >= '0' && s[end] <= '9' || s[end] == '$') {
				end++
			}
			part, s = strings.ToLower(s[:end]), s[end:]
		case strings.HasPrefix(s, "."):
			return bad(`No valid identifier before ".".`)
		case dot:
			return bad(`No valid identifier after ".".`)
		default:
			return bad("")
		}
		b.AppendBytes([]byte(part))
		s = strings.TrimLeft(s, " \t\n\r\f\v")
		if rest, ok := strings.CutPrefix(s, "."); ok {
			s = strings.TrimLeft(rest, " \t\n\r\f\v")
			continue
		}
		if s != "" && strict {
			return bad("")
		}
		return r.putArray(b)
	}
}

func identStart(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }
