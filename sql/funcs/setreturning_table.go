package funcs

import (
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

const secSet = "Set-returning functions"

// rowsFunc yields the rows of one call.
type rowsFunc func(r *Row, out *vec.Batch) error

// setFuncs is the table of set-returning functions.
func setFuncs() []*SetFunc {
	var fs []*SetFunc
	for _, s := range [][]*SetFunc{seriesFuncs(), elementFuncs(), jsonSetFuncs(), textSetFuncs(), catalogSetFuncs()} {
		fs = append(fs, s...)
	}
	for _, f := range fs {
		f.Section = secSet
		if f.Vol == 0 {
			f.Vol = Immutable
		}
	}
	return fs
}

// setFunc declares a function that yields one column, named after itself.
func setFunc(fn string, args []types.OID, ret types.OID, rows rowsFunc, doc, ex string) *SetFunc {
	return tableFunc(fn, args, []SetCol{{fn, types.T(ret)}}, rows, doc, ex)
}

// tableFunc declares a function that yields several columns.
func tableFunc(fn string, args []types.OID, cols []SetCol, rows rowsFunc, doc, ex string) *SetFunc {
	return &SetFunc{Name: fn, Args: args, Cols: cols, Doc: doc, Example: ex,
		Rows: func(ctx *Ctx, args []*vec.Vec, i int, out *vec.Batch) error {
			return rows(&Row{Ctx: ctx, args: args, i: i}, out)
		}}
}

// full is called after each row of a function whose rows may be without number: once in many rows it hands them on, and
// returns an error if the statement has been cancelled.
func (r *Row) full(out *vec.Batch) error {
	if out.N < fullRows {
		return nil
	}
	if r.Ctx.Full != nil {
		return r.Ctx.Full(out)
	}
	if out.N%fullRows == 0 && r.Ctx.Context.Err() != nil {
		return sleep(r.Ctx.Context, time.Hour)
	}
	return nil
}

const fullRows = 4096

var errZeroStep = pgerr.New(pgerr.InvalidParameterValue, "step size cannot equal zero")

func seriesFuncs() []*SetFunc {
	const doc = "The values from a start to an end, by a step."
	var fs []*SetFunc
	series := func(args []types.OID, ret types.OID, rows rowsFunc, ex string) {
		fs = append(fs, setFunc("generate_series", args, ret, rows, doc, ex))
	}
	for _, t := range []intType{int4Type, int8Type} {
		rows := func(r *Row, out *vec.Batch) error {
			step := int64(1)
			if r.Num() > 2 {
				step = r.Int(2)
			}
			return intSeries(r, out, r.Int(0), r.Int(1), step)
		}
		ex, ex3 := "", ""
		if t.oid == int4 {
			ex, ex3 = "generate_series(2, 4) → 2 | 3 | 4", "generate_series(5, 1, -2) → 5 | 3 | 1"
		}
		series(sig(t.oid, t.oid), t.oid, rows, ex)
		series(sig(t.oid, t.oid, t.oid), t.oid, rows, ex3)
	}
	for _, n := range []int{2, 3} {
		series(sig(types.Numeric, types.Numeric, types.Numeric)[:n], types.Numeric, numericSeries, "")
	}
	for _, t := range []types.OID{ts, tsTZ} {
		ex := ""
		if t == ts {
			ex = "generate_series(timestamp '2008-03-01 00:00', timestamp '2008-03-02 00:00', interval '1 day') → 2008-03-01 00:00:00 | 2008-03-02 00:00:00"
		}
		series(sig(t, t, itvl), t, timeSeries(t), ex)
	}
	return append(fs,
		setFunc("generate_subscripts", sig(anyArr, int4), int4, func(r *Row, out *vec.Batch) error { return subscripts(r, out, false) },
			"The subscripts of a dimension of an array.", "generate_subscripts('{null,1,null,2}'::integer[], 1) → 1 | 2 | 3 | 4"),
		setFunc("generate_subscripts", sig(anyArr, int4, boolean), int4, func(r *Row, out *vec.Batch) error {
			return subscripts(r, out, r.Int(2) != 0)
		}, "The subscripts of a dimension of an array, in reverse order if the last argument is true.", ""))
}

func intSeries(r *Row, out *vec.Batch, from, to, step int64) error {
	if step == 0 {
		return errZeroStep
	}
	for v := from; step > 0 && v <= to || step < 0 && v >= to; {
		out.Cols[0].AppendI64(v)
		out.N++
		if err := r.full(out); err != nil {
			return err
		}
		next := v + step
		if (next > v) != (step > 0) {
			break // past the last integer
		}
		v = next
	}
	return nil
}

func numericSeries(r *Row, out *vec.Batch) error {
	v, step := append([]byte{}, r.Bytes(0)...), types.AppendNumericInt(nil, 1)
	if r.Num() > 2 {
		step = r.Bytes(2)
	}
	for i, what := range []string{"start", "stop", "step"} {
		if i == 2 && r.Num() < 3 {
			break
		}
		if types.IsNumericNaN(r.Bytes(i)) {
			return pgerr.Newf(pgerr.InvalidParameterValue, "%s value cannot be NaN", what+map[bool]string{true: " size"}[i == 2])
		}
		if _, finite := types.NumericScale(r.Bytes(i)); !finite {
			return pgerr.Newf(pgerr.InvalidParameterValue, "%s value cannot be infinity", what+map[bool]string{true: " size"}[i == 2])
		}
	}
	sign := types.NumericSign(step)
	if sign == 0 {
		return errZeroStep
	}
	for types.NumericCompare(v, r.Bytes(1))*sign <= 0 {
		out.Cols[0].AppendBytes(v)
		out.N++
		next, err := types.NumericAdd(nil, v, step)
		if err == nil {
			err = r.full(out)
		}
		if err != nil {
			return err
		}
		v = next
	}
	return nil
}

func timeSeries(t types.OID) rowsFunc {
	return func(r *Row, out *vec.Batch) error {
		step := r.Interval(2)
		sign := types.CompareIntervals(step, types.IntervalValue{})
		if sign == 0 {
			return errZeroStep
		}
		for v := r.Int(0); sign > 0 && v <= r.Int(1) || sign < 0 && v >= r.Int(1); {
			out.Cols[0].AppendI64(v)
			out.N++
			var err error
			if t == ts {
				v, err = types.TimestampAdd(v, step)
			} else {
				v, err = types.TimestampTZAdd(v, step, r.loc())
			}
			if err == nil {
				err = r.full(out)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func subscripts(r *Row, out *vec.Batch, reverse bool) error {
	a := r.array(0)
	n := r.Int(1)
	if n < 1 || n > int64(a.NDim()) {
		return nil
	}
	d := a.Dim(int(n - 1))
	lo, hi := int64(d.Lower), int64(d.Lower)+int64(d.Len)-1
	if reverse {
		return intSeries(r, out, hi, lo, -1)
	}
	return intSeries(r, out, lo, hi, 1)
}

func elementFuncs() []*SetFunc {
	unnest := setFunc("unnest", sig(anyArr), anyElem, func(r *Row, out *vec.Batch) error {
		a := r.array(0)
		appendElems(out.Cols[0], &a)
		out.N += a.Len()
		return nil
	}, "The elements of an array.", "unnest(array[1,2]) → 1 | 2")
	expand := tableFunc("_pg_expandarray", sig(anyArr), []SetCol{{"x", types.T(anyElem)}, {"n", types.T(int4)}},
		func(r *Row, out *vec.Batch) error {
			a := r.array(0)
			appendElems(out.Cols[0], &a)
			for i := range a.Len() {
				out.Cols[1].AppendI64(int64(i + 1))
			}
			out.N += a.Len()
			return nil
		}, "The elements of an array and their numbers.", "")
	return []*SetFunc{unnest, expand}
}

func textSetFuncs() []*SetFunc {
	toTable := func(r *Row, out *vec.Batch) error {
		if r.Null(0) {
			return nil
		}
		r.splitString(func(part string, null bool) {
			if null {
				out.Cols[0].AppendNull()
			} else {
				out.Cols[0].AppendStr(part)
			}
			out.N++
		})
		return nil
	}
	split := func(r *Row, out *vec.Batch) error {
		if err := r.noGlobal("regexp_split_to_table()", 2); err != nil {
			return err
		}
		re, err := r.regex(1, 2)
		if err != nil {
			return err
		}
		splitRegex(re, r.Str(0), func(part string) {
			out.Cols[0].AppendStr(part)
			out.N++
		})
		return nil
	}
	all := func(r *Row, out *vec.Batch) error {
		re, err := r.regex(1, 2)
		if err != nil {
			return err
		}
		for k, m := range matches(re, r.Str(0), 0) {
			if k > 0 && !re.global {
				break
			}
			b := types.NewArrayBuilder(types.T(text))
			appendGroups(b, r.Str(0), m)
			out.Cols[0].AppendBytes(b.Finish(nil))
			out.N++
		}
		return nil
	}
	t2, t3 := sig(text, text), sig(text, text, text)
	fs := []*SetFunc{
		setFunc("string_to_table", t2, text, toTable, "Split at a delimiter; null splits into characters.", "string_to_table('xx~^~yy~^~zz', '~^~') → xx | yy | zz"),
		setFunc("string_to_table", t3, text, toTable, "Split at a delimiter, with a text that means null.", ""),
		setFunc("regexp_split_to_table", t2, text, split, "Split at the matches of a regular expression.", `regexp_split_to_table('hello world', '\s+') → hello | world`),
		setFunc("regexp_split_to_table", t3, text, split, "Split at the matches of a regular expression.", ""),
		setFunc("regexp_matches", t2, types.TextArray, all, "What the groups of the first match matched.", "regexp_matches('foobarbequebaz', 'ba.') → {bar}"),
		setFunc("regexp_matches", t3, types.TextArray, all, "What the groups of a match matched; with flag g of every match.", "regexp_matches('foobarbequebaz', 'ba.', 'g') → {bar} | {baz}"),
	}
	fs[0].Lax, fs[1].Lax = true, true
	return fs
}

func jsonSetFuncs() []*SetFunc {
	var fs []*SetFunc
	for _, t := range []types.OID{json, jsonb} {
		p := t.TypName()
		ex := func(s string) string {
			if t == jsonb {
				return s
			}
			return ""
		}
		for _, asText := range []bool{false, true} {
			suffix, ret := "", t
			if asText {
				suffix, ret = "_text", text
			}
			each := []SetCol{{"key", types.T(text)}, {"value", types.T(ret)}}
			fs = append(fs,
				tableFunc(p+"_each"+suffix, sig(t), each, jsonEach(t, asText), "The fields of an object.", ex(map[bool]string{
					false: `jsonb_each('{"a":"foo", "b":"bar"}') → a, "foo" | b, "bar"`, true: `jsonb_each_text('{"a":"foo", "b":"bar"}') → a, foo | b, bar`}[asText])),
				tableFunc(p+"_array_elements"+suffix, sig(t), []SetCol{{"value", types.T(ret)}}, jsonElements(t, asText), "The elements of an array.",
					ex(map[bool]string{false: `jsonb_array_elements('[1,true,[2,false]]') → 1 | true | [2, false]`, true: `jsonb_array_elements_text('["foo","bar"]') → foo | bar`}[asText])))
		}
		fs = append(fs, setFunc(p+"_object_keys", sig(t), text, jsonKeys(t), "The keys of an object.", ex(`jsonb_object_keys('{"f1":"abc","f2":1}') → f1 | f2`)))
	}
	return fs
}

// appendJSONItem appends a part of a json or jsonb text to v.
func appendJSONItem(v *vec.Vec, raw string, asText bool) error {
	switch {
	case !asText:
		v.AppendStr(raw)
	case raw == "null":
		v.AppendNull()
	default:
		if err := types.JSONTextError(raw); err != nil {
			return err
		}
		v.Buf = types.AppendJSONText(v.Buf, raw)
		v.FinishBytes()
	}
	return nil
}

func jsonEach(t types.OID, asText bool) rowsFunc {
	fn := t.TypName() + "_each"
	if asText {
		fn += "_text"
	}
	return func(r *Row, out *vec.Batch) (err error) {
		switch k := types.JSONKindOf(r.Str(0)); {
		case k == types.JObject:
		case t == jsonb:
			return pgerr.Newf(pgerr.InvalidParameterValue, "cannot call %s on a non-object", fn)
		case k == types.JArray:
			return pgerr.New(pgerr.InvalidParameterValue, "cannot deconstruct an array as an object")
		default:
			return pgerr.New(pgerr.InvalidParameterValue, "cannot deconstruct a scalar")
		}
		types.JSONEach(r.Str(0), func(k, v string) bool {
			out.Cols[0].AppendStr(decodeKey(k))
			err = appendJSONItem(out.Cols[1], v, asText)
			out.N++
			return err == nil
		})
		return err
	}
}

func jsonElements(t types.OID, asText bool) rowsFunc {
	fn := "json_array_elements"
	if asText {
		fn += "_text"
	}
	return func(r *Row, out *vec.Batch) (err error) {
		switch k := types.JSONKindOf(r.Str(0)); {
		case k == types.JArray:
		case t == json && k == types.JObject:
			return pgerr.Newf(pgerr.InvalidParameterValue, "cannot call %s on a non-array", fn)
		case k == types.JObject:
			return pgerr.New(pgerr.InvalidParameterValue, "cannot extract elements from an object")
		case t == json:
			return pgerr.Newf(pgerr.InvalidParameterValue, "cannot call %s on a scalar", fn)
		default:
			return pgerr.New(pgerr.InvalidParameterValue, "cannot extract elements from a scalar")
		}
		types.JSONElements(r.Str(0), func(v string) bool {
			err = appendJSONItem(out.Cols[0], v, asText)
			out.N++
			return err == nil
		})
		return err
	}
}

func jsonKeys(t types.OID) rowsFunc {
	fn := t.TypName() + "_object_keys"
	return func(r *Row, out *vec.Batch) error {
		switch types.JSONKindOf(r.Str(0)) {
		case types.JObject:
		case types.JArray:
			return pgerr.Newf(pgerr.InvalidParameterValue, "cannot call %s on an array", fn)
		default:
			return pgerr.Newf(pgerr.InvalidParameterValue, "cannot call %s on a scalar", fn)
		}
		types.JSONEach(r.Str(0), func(k, _ string) bool {
			out.Cols[0].AppendStr(decodeKey(k))
			out.N++
			return true
		})
		return nil
	}
}

func catalogSetFuncs() []*SetFunc {
	cols := func(pairs ...any) []SetCol {
		var cs []SetCol
		for i := 0; i < len(pairs); i += 2 {
			cs = append(cs, SetCol{pairs[i].(string), types.T(pairs[i+1].(types.OID))})
		}
		return cs
	}
	none := func(*Row, *vec.Batch) error { return nil }
	kw := tableFunc("pg_get_keywords", nil, cols("word", text, "catcode", types.Char, "barelabel", boolean, "catdesc", text, "baredesc", text),
		keywordRows, "PostgreSQL's key words.", "")
	zones := tableFunc("pg_timezone_names", nil, cols("name", text, "abbrev", text, "utc_offset", itvl, "is_dst", boolean),
		zoneRows, "The time zones.", "")
	zones.Vol = Stable
	acl := tableFunc("aclexplode", sig(types.AclItemArray), cols("grantor", oid, "grantee", oid, "privilege_type", text, "is_grantable", boolean),
		none, "Access rights as rows: none, as relations carry no list of them.", "")
	ancestors := setFunc("pg_partition_ancestors", sig(types.RegClass), types.RegClass, func(r *Row, out *vec.Batch) error {
		out.Cols[0].AppendI64(r.Int(0))
		out.N++
		return nil
	}, "The relation itself: there are no partitions.", "")
	tree := tableFunc("pg_partition_tree", sig(types.RegClass), cols("relid", types.RegClass, "parentrelid", types.RegClass, "isleaf", boolean, "level", int4),
		none, "Empty: there are no partitions.", "")
	options := tableFunc("pg_options_to_table", sig(types.TextArray), cols("option_name", text, "option_value", text), optionRows,
		"Options of the form name=value as rows.", "pg_options_to_table('{a=1,b=2}') → a, 1 | b, 2")
	extensions := tableFunc("pg_available_extensions", nil, cols("name", name, "default_version", text, "comment", text), none, "Empty: there are no extensions.", "")
	tablespaces := setFunc("pg_tablespace_databases", sig(oid), oid, none, "Empty.", "")
	return []*SetFunc{kw, zones, acl, ancestors, tree, options, extensions, tablespaces}
}

var keywordDescs = map[byte]string{'U': "unreserved", 'C': "unreserved (cannot be function or type name)",
	'T': "reserved (can be function or type name)", 'R': "reserved"}

func keywordRows(_ *Row, out *vec.Batch) error {
	for _, k := range keywords {
		out.Cols[0].AppendStr(k.word)
		out.Cols[1].AppendI64(int64(k.cat))
		out.Cols[2].AppendBool(k.bare)
		out.Cols[3].AppendStr(keywordDescs[k.cat])
		if k.bare {
			out.Cols[4].AppendStr("can be bare label")
		} else {
			out.Cols[4].AppendStr("requires AS")
		}
		out.N++
	}
	return nil
}

func zoneRows(r *Row, out *vec.Batch) error {
	for _, n := range types.ZoneNames() {
		loc, ok := types.ZoneByName(n)
		if !ok {
			continue
		}
		abbrev, east := types.ZoneAbbrev(r.TxnNow, loc)
		out.Cols[0].AppendStr(n)
		out.Cols[1].AppendStr(abbrev)
		out.Cols[2].AppendBytes(types.AppendInterval(nil, types.IntervalValue{Micros: int64(east) * usecPerSec}))
		out.Cols[3].AppendBool(types.TimestampAsTime(r.TxnNow).In(loc).IsDST())
		out.N++
	}
	return nil
}

func optionRows(r *Row, out *vec.Batch) error {
	for a := r.array(0); a.Next(); {
		if a.Null {
			continue
		}
		opt := string(a.Bytes)
		key, val, has := strings.Cut(opt, "=")
		out.Cols[0].AppendStr(key)
		if has {
			out.Cols[1].AppendStr(val)
		} else {
			out.Cols[1].AppendNull()
		}
		out.N++
	}
	return nil
}
