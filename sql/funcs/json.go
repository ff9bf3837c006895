package funcs

import (
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

const (
	secJSON = "JSON"
	json    = types.JSON
	jsonb   = types.JSONB
)

func jsonFuncs() []Func {
	s := &section{name: secJSON}
	addJSONAccess(s)
	addJSONBOps(s)
	addJSONBuild(s)
	addJSONInspect(s)
	addJSONEdit(s)
	return s.fs
}

// node reads argument n, a jsonb, as a tree.
func (r *Row) node(n int) *types.JSONNode { return types.ReadJSONB(r.Bytes(n)) }

// putNode sets a jsonb result.
func (r *Row) putNode(n *types.JSONNode, err error) error {
	if err != nil {
		return err
	}
	return r.Append(func(dst []byte) ([]byte, error) { return n.Append(dst), nil })
}

// addJSONAccess adds ->, ->>, #>, #>> of both types.
func addJSONAccess(s *section) {
	for _, t := range []types.OID{json, jsonb} {
		ex := func(e string) string {
			if t == json {
				return e
			}
			return ""
		}
		child := func(name string, by, ret types.OID, doc, example string) {
			f := jsonChild(t, by == int4, ret == text)
			s.op(name, t, by, ret, Each(f), doc, ex(example)).failing()
			fn := "object_field"
			if by == int4 {
				fn = "array_element"
			}
			if ret == text {
				fn += "_text"
			}
			s.partial(t.TypName()+"_"+fn, sig(t, by), ret, f, doc, "")
		}
		child("->", text, t, "A field of an object.", `'{"a": {"b":"foo"}}'::json -> 'a' → {"b":"foo"}`)
		child("->", int4, t, "An element of an array, counted from 0, or from the end if negative.", `'[{"a":"foo"},{"b":"bar"}]'::json -> 1 → {"b":"bar"}`)
		child("->>", text, text, "A field of an object, as text.", `'{"a":1,"b":2}'::json ->> 'b' → 2`)
		child("->>", int4, text, "An element of an array, as text.", "'[1,2,3]'::json ->> 2 → 3")
		path, pathText := jsonPath(false), jsonPath(true)
		s.op("#>", t, types.TextArray, t, Each(path), "What a path of keys and subscripts leads to.",
			ex(`'{"a": {"b": ["foo","bar"]}}'::json #> '{a,b,1}' → "bar"`)).failing()
		s.op("#>>", t, types.TextArray, text, Each(pathText), "What a path leads to, as text.",
			ex(`'{"a": {"b": ["foo","bar"]}}'::json #>> '{a,b,1}' → bar`)).failing()
		s.partial(t.TypName()+"_extract_path", sig(t, text), t, path, "What a path leads to.", "").variadic()
		s.partial(t.TypName()+"_extract_path_text", sig(t, text), text, pathText, "What a path leads to, as text.",
			ex(`json_extract_path_text('{"f2":{"f3":1},"f4":{"f5":99,"f6":"foo"}}', 'f4', 'f6') → foo`)).variadic()
	}
}

// jsonChild is -> and ->>. Of json the text is kept as it is written.
func jsonChild(t types.OID, index, asText bool) func(r *Row) error {
	elem := types.JSONElem
	if t == jsonb {
		elem = types.JSONBElem
	}
	return func(r *Row) error {
		var raw string
		var ok bool
		if index {
			raw, ok = elem(r.Str(0), int(r.Int(1)))
		} else {
			raw, ok = types.JSONField(r.Str(0), r.Str(1))
		}
		return r.putRaw(raw, ok, asText)
	}
}

// putRaw sets the result to a part of a json text.
func (r *Row) putRaw(raw string, ok, asText bool) error {
	switch {
	case !ok, asText && raw == "null":
		return r.PutNull()
	case !asText:
		return r.PutStr(raw)
	}
	if err := types.JSONTextError(raw); err != nil {
		return err
	}
	return r.Append(func(dst []byte) ([]byte, error) { return types.AppendJSONText(dst, raw), nil })
}

// pathArg reads the steps of a path: an array in argument 1, or the arguments from 1 on. ok is false if one is
// null.
func (r *Row) pathArg() (path []string, ok bool) {
	if r.args[1].Type.OID != types.TextArray {
		for i := 1; i < r.Num(); i++ {
			path = append(path, r.Str(i))
		}
		return path, true
	}
	for a := r.array(1); a.Next(); {
		if a.Null {
			return nil, false
		}
		path = append(path, string(a.Bytes))
	}
	return path, true
}

func jsonPath(asText bool) func(r *Row) error {
	return func(r *Row) error {
		path, ok := r.pathArg()
		if !ok {
			return r.PutNull()
		}
		raw, ok := types.JSONPath(r.Str(0), path)
		return r.putRaw(raw, ok, asText)
	}
}

// pathIndex reads a step of a path as a subscript.
func pathIndex(s string) (int, bool) {
	n, err := types.ParseInt(s, types.Int4)
	return int(n), err == nil
}

func addJSONBOps(s *section) {
	b := types.Bool
	s.op("@>", jsonb, jsonb, b, Each(func(r *Row) error { return r.PutBool(types.JSONContains(r.node(0), r.node(1))) }),
		"Contains.", `'{"a":1, "b":2}'::jsonb @> '{"b":2}'::jsonb → t`)
	s.op("<@", jsonb, jsonb, b, Each(func(r *Row) error { return r.PutBool(types.JSONContains(r.node(1), r.node(0))) }),
		"Is contained.", `'{"b":2}'::jsonb <@ '{"a":1, "b":2}'::jsonb → t`)
	exists := Each(func(r *Row) error { return r.PutBool(types.JSONExists(r.node(0), r.Str(1))) })
	s.op("?", jsonb, text, b, exists, "Has a key or string element.", `'{"a":1, "b":2}'::jsonb ? 'b' → t`)
	s.kernel("jsonb_exists", sig(jsonb, text), b, exists, "Has a key or string element.", "")
	keys := func(all bool) func(r *Row) error {
		return func(r *Row) error {
			n := r.node(0)
			for a := r.array(1); a.Next(); {
				if !a.Null && types.JSONExists(n, string(a.Bytes)) != all {
					return r.PutBool(!all)
				}
			}
			return r.PutBool(all)
		}
	}
	s.op("?|", jsonb, types.TextArray, b, Each(keys(false)), "Has any of the keys or string elements.", `'{"a":1, "b":2, "c":3}'::jsonb ?| array['b', 'd'] → t`)
	s.op("?&", jsonb, types.TextArray, b, Each(keys(true)), "Has all of the keys or string elements.", `'["a", "b", "c"]'::jsonb ?& array['a', 'b'] → t`)
	s.op("||", jsonb, jsonb, jsonb, Each(func(r *Row) error { return r.putNode(types.JSONConcat(r.node(0), r.node(1))) }),
		"Concatenates.", `'["a", "b"]'::jsonb || '["c"]'::jsonb → ["a", "b", "c"]`).failing()
	s.op("-", jsonb, text, jsonb, Each(func(r *Row) error { return r.putNode(types.JSONDelete(r.node(0), r.Str(1))) }),
		"Without a key or string element.", `'{"a": "b", "c": "d"}'::jsonb - 'a'::text → {"c": "d"}`).failing()
	s.op("-", jsonb, int4, jsonb, Each(func(r *Row) error { return r.putNode(types.JSONDeleteIndex(r.node(0), int(r.Int(1)))) }),
		"Without an element.", `'["a", "b"]'::jsonb - 1 → ["a"]`).failing()
	s.op("-", jsonb, types.TextArray, jsonb, Each(func(r *Row) error {
		a := r.array(1)
		if a.NDim() > 1 {
			return pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts")
		}
		n := r.node(0)
		if n.Kind != types.JObject && n.Kind != types.JArray {
			return pgerr.New(pgerr.InvalidParameterValue, "cannot delete from scalar")
		}
		for a.Next() {
			if a.Null {
				continue
			}
			var err error
			if n, err = types.JSONDelete(n, string(a.Bytes)); err != nil {
				return err
			}
		}
		return r.putNode(n, nil)
	}), "Without some keys or string elements.", `'{"a": "b", "c": "d"}'::jsonb - '{a,c}'::text[] → {}`).failing()
}

// addJSONBuild adds the functions that make json of SQL values.
func addJSONBuild(s *section) {
	toJSON := func(r *Row) error {
		return r.Append(func(dst []byte) ([]byte, error) { return appendJSONValue(dst, r.Ctx, r.args[0], r.i), nil })
	}
	s.total("to_json", sig(anyElem), json, toJSON, "A value as json.", `to_json('Fred said "Hi."'::text) → "Fred said \"Hi.\""`)
	s.total("array_to_json", sig(anyArr), json, toJSON, "An array as json.", "array_to_json('{{1,5},{99,100}}'::integer[]) → [[1,5],[99,100]]")
	s.total("row_to_json", sig(types.Record), json, toJSON, "A row as json.", "")
	s.partial("to_jsonb", sig(anyElem), jsonb, func(r *Row) error {
		return r.putParsed(appendJSONValue(nil, r.Ctx, r.args[0], r.i))
	}, "A value as jsonb.", `to_jsonb('a'::text) → "a"`)
	for _, t := range []types.OID{json, jsonb} {
		p := t.TypName()
		put := func(r *Row, b []byte) error {
			if t == jsonb {
				return r.putParsed(b)
			}
			return r.PutBytes(b)
		}
		array := func(r *Row) error {
			b := []byte{'['}
			for i := range r.Num() {
				if i > 0 {
					b = append(b, ", "...)
				}
				b = appendJSONValue(b, r.Ctx, r.args[i], r.i)
			}
			return put(r, append(b, ']'))
		}
		object := func(r *Row) error {
			if r.Num()%2 != 0 {
				return pgerr.New(pgerr.InvalidParameterValue, "argument list must have even number of elements").
					WithHint("The arguments of %s() must consist of alternating keys and values.", p+"_build_object")
			}
			b := []byte{'{'}
			for i := 0; i < r.Num(); i += 2 {
				if r.Null(i) {
					if t == json {
						return pgerr.New(pgerr.InvalidParameterValue, "null value not allowed for object key")
					}
					return pgerr.Newf(pgerr.InvalidParameterValue, "argument %d: key must not be null", i+1)
				}
				if i > 0 {
					b = append(b, ", "...)
				}
				b = appendJSONKey(b, r.Ctx, r.args[i], r.i)
				b = append(b, " : "...)
				b = appendJSONValue(b, r.Ctx, r.args[i+1], r.i)
			}
			return put(r, append(b, '}'))
		}
		s.partial(p+"_build_array", sig(types.Any), t, array, "An array of the arguments.", map[bool]string{
			true: "json_build_array(1, 2, 'foo', 4, 5) → [1, 2, \"foo\", 4, 5]", false: ""}[t == json]).variadic().lax()
		s.partial(p+"_build_object", sig(types.Any), t, object, "An object of alternating keys and values.", map[bool]string{
			true: "json_build_object('foo', 1, 2, 3) → {\"foo\" : 1, \"2\" : 3}", false: ""}[t == json]).variadic().lax()
		s.partial(p+"_build_array", nil, t, func(r *Row) error { return r.PutStr("[]") }, "An empty array.", "").lax()
		s.partial(p+"_build_object", nil, t, func(r *Row) error { return r.PutStr("{}") }, "An empty object.", "").lax()
		s.partial(p+"_object", sig(types.TextArray), t, func(r *Row) error { return jsonObject(r, put) },
			"An object of an array of alternating keys and values, or of pairs.", "")
		s.partial(p+"_object", sig(types.TextArray, types.TextArray), t, func(r *Row) error { return jsonObject2(r, put) },
			"An object of an array of keys and one of values.", "")
	}
}

// putParsed sets a jsonb result from json text.
func (r *Row) putParsed(b []byte) error {
	return r.Append(func(dst []byte) ([]byte, error) { return types.AppendParsedJSONB(dst, types.Str(b)) })
}

type putter func(r *Row, b []byte) error

func jsonObject(r *Row, put putter) error {
	a := r.array(0)
	switch a.NDim() {
	case 0:
		return put(r, []byte("{}"))
	case 1:
		if a.Len()%2 != 0 {
			return pgerr.New(pgerr.ArraySubscriptError, "array must have even number of elements")
		}
	case 2:
		if a.Dim(1).Len != 2 {
			return pgerr.New(pgerr.ArraySubscriptError, "array must have two columns")
		}
	default:
		return pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts")
	}
	b := []byte{'{'}
	for k := 0; a.Next(); k++ {
		if k > 0 {
			b = append(b, ", "...)
		}
		if a.Null {
			return errNullKey
		}
		b = append(types.AppendJSONString(b, string(a.Bytes)), " : "...)
		a.Next()
		b = appendStringOrNull(b, &a)
	}
	return put(r, append(b, '}'))
}

var errNullKey = pgerr.New(pgerr.NullValueNotAllowed, "null value not allowed for object key")

func appendStringOrNull(b []byte, a *types.ArrayReader) []byte {
	if a.Null {
		return append(b, "null"...)
	}
	return types.AppendJSONString(b, string(a.Bytes))
}

func jsonObject2(r *Row, put putter) error {
	ks, vs := r.array(0), r.array(1)
	if ks.NDim() > 1 || ks.NDim() != vs.NDim() {
		return pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts")
	}
	if ks.Len() != vs.Len() {
		return pgerr.New(pgerr.ArraySubscriptError, "mismatched array dimensions")
	}
	b := []byte{'{'}
	for k := 0; ks.Next(); k++ {
		vs.Next()
		if ks.Null {
			return errNullKey
		}
		if k > 0 {
			b = append(b, ", "...)
		}
		b = append(types.AppendJSONString(b, string(ks.Bytes)), " : "...)
		b = appendStringOrNull(b, &vs)
	}
	return put(r, append(b, '}'))
}

func addJSONInspect(s *section) {
	for _, t := range []types.OID{json, jsonb} {
		p := t.TypName()
		s.total(p+"_typeof", sig(t), text, func(r *Row) error { return r.PutStr(types.JSONKindOf(r.Str(0)).String()) },
			"The kind of value: object, array, string, number, boolean or null.", p+"_typeof('-123.4') → number")
		s.partial(p+"_array_length", sig(t), int4, func(r *Row) error {
			switch types.JSONKindOf(r.Str(0)) {
			case types.JArray:
				return r.PutInt(int64(types.JSONLen(r.Str(0))))
			case types.JObject:
				return pgerr.New(pgerr.InvalidParameterValue, "cannot get array length of a non-array")
			}
			return pgerr.New(pgerr.InvalidParameterValue, "cannot get array length of a scalar")
		}, "Number of elements of an array.", p+`_array_length('[1,2,3]') → 3`)
	}
	s.partial("json_strip_nulls", sig(json), json, func(r *Row) error {
		return r.Append(func(dst []byte) ([]byte, error) { return stripRaw(dst, r.Str(0)), nil })
	}, "Without the object fields that are null.", `json_strip_nulls('[{"f1":1, "f2":null}, 2]') → [{"f1":1},2]`)
	s.total("jsonb_strip_nulls", sig(jsonb), jsonb, func(r *Row) error { return r.putNode(types.JSONStripNulls(r.node(0)), nil) },
		"Without the object fields that are null.", `jsonb_strip_nulls('[{"f1":1, "f2":null}, 2]') → [{"f1": 1}, 2]`)
	s.total("jsonb_pretty", sig(jsonb), text, func(r *Row) error {
		return r.Append(func(dst []byte) ([]byte, error) { return types.AppendJSONPretty(dst, r.node(0)), nil })
	}, "Indented.", "")
}

// jsonbNumberCasts are jsonb's casts to bool and to numbers.
func jsonbNumberCasts() []castRow {
	var rows []castRow
	kind := func(r *Row, want types.JSONKind, name string) (*types.JSONNode, error) {
		n := r.node(0)
		if n.Kind != want {
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, "cannot cast jsonb %s to type %s", n.Kind, name)
		}
		return n, nil
	}
	rows = append(rows, castRow{jsonb, types.Bool, Explicit, fixed(Each(func(r *Row) error {
		n, err := kind(r, types.JBool, "boolean")
		if err != nil {
			return err
		}
		return r.PutBool(n.Text == "true")
	})), false})
	for _, t := range []types.OID{types.Int2, types.Int4, types.Int8, types.Numeric, types.Float4, types.Float8} {
		rows = append(rows, castRow{jsonb, t, Explicit, fixed(Each(func(r *Row) error {
			n, err := kind(r, types.JNumber, t.String())
			if err != nil {
				return err
			}
			num, err := types.AppendParsedNumeric(nil, n.Text, -1)
			if err != nil {
				return err
			}
			switch types.T(t).Class() {
			case types.I64:
				return r.putI64(types.NumericToInt64(num, t))
			case types.F64:
				f, err := types.NumericToFloat(num, t)
				if err != nil {
					return err
				}
				return r.PutFloat(f)
			}
			return r.Append(func(dst []byte) ([]byte, error) { return types.AppendNumericCoerced(dst, num, r.out.Type.Mod) })
		})), false})
	}
	return rows
}

// addJSONEdit adds the functions that change a jsonb at a path.
func addJSONEdit(s *section) {
	s.op("#-", jsonb, types.TextArray, jsonb, Each(func(r *Row) error {
		return r.edit(jsonEdit{op: editDelete})
	}), "Without what is at a path.", `'["a", {"b":1}]'::jsonb #- '{1,b}' → ["a", {}]`).failing()
	set := func(r *Row) error {
		create := r.Num() < 4 || r.Int(3) != 0
		return r.edit(jsonEdit{op: editSet, create: create})
	}
	s.partial("jsonb_set", sig(jsonb, types.TextArray, jsonb), jsonb, set, "With what is at a path replaced, or added.",
		`jsonb_set('[{"f1":1,"f2":null},2]', '{0,f1}', '[2,3]') → [{"f1": [2, 3], "f2": null}, 2]`)
	s.partial("jsonb_set", sig(jsonb, types.TextArray, jsonb, types.Bool), jsonb, set,
		"With what is at a path replaced or, if the last argument is true, added.", "")
	insert := func(r *Row) error {
		after := r.Num() > 3 && r.Int(3) != 0
		return r.edit(jsonEdit{op: editInsert, after: after, create: true})
	}
	s.partial("jsonb_insert", sig(jsonb, types.TextArray, jsonb), jsonb, insert, "With a value inserted at a path.",
		`jsonb_insert('{"a": [0,1,2]}', '{a, 1}', '"new_value"') → {"a": [0, "new_value", 1, 2]}`)
	s.partial("jsonb_insert", sig(jsonb, types.TextArray, jsonb, types.Bool), jsonb, insert,
		"With a value inserted at a path or, if the last argument is true, after it.", "")
}

// edit changes argument 0 at the path in argument 1 by argument 2.
func (r *Row) edit(e jsonEdit) error {
	a := r.array(1)
	if a.NDim() > 1 {
		return pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts")
	}
	n := r.node(0)
	if n.Kind != types.JArray && n.Kind != types.JObject {
		verb := "set"
		if e.op == editDelete {
			verb = "delete"
		}
		return pgerr.Newf(pgerr.InvalidParameterValue, "cannot %s path in scalar", verb)
	}
	if len(n.Kids) == 0 && (!e.create || e.op == editDelete) {
		return r.putNode(n, nil)
	}
	var path []string
	e.nullStep = -1
	for ; a.Next(); path = append(path, string(a.Bytes)) {
		if a.Null && e.nullStep < 0 {
			e.nullStep = len(path)
		}
	}
	if e.op != editDelete {
		e.val = r.node(2)
	}
	return r.putNode(editPath(n, path, 0, e))
}

type editOp byte

const (
	editSet editOp = iota
	editInsert
	editDelete
)

type jsonEdit struct {
	op            editOp
	create, after bool
	val           *types.JSONNode
	nullStep      int // the step of the path that is null, -1 if none is
}

// editPath returns n changed at path[k:]; n itself is not changed.
func editPath(n *types.JSONNode, path []string, k int, e jsonEdit) (*types.JSONNode, error) {
	if k >= len(path) {
		return n, nil
	}
	if k == e.nullStep {
		return nil, pgerr.Newf(pgerr.NullValueNotAllowed, "path element at position %d is null", k+1)
	}
	switch n.Kind {
	case types.JObject:
		return editObject(n, path, k, e)
	case types.JArray:
		return editArray(n, path, k, e)
	}
	return n, nil
}

func editObject(n *types.JSONNode, path []string, k int, e jsonEdit) (*types.JSONNode, error) {
	last := k == len(path)-1
	child := n.Find(path[k])
	if child == nil {
		if !last || !e.create || e.op == editDelete {
			return n, nil
		}
		return types.JSONConcat(n, &types.JSONNode{Kind: types.JObject, Keys: []string{path[k]}, Kids: []types.JSONNode{*e.val}})
	}
	if last {
		switch e.op {
		case editDelete:
			return types.JSONDelete(n, path[k])
		case editInsert:
			return nil, pgerr.New(pgerr.InvalidParameterValue, "cannot replace existing key").
				WithHint("Try using the function jsonb_set to replace key value.")
		}
	}
	out := &types.JSONNode{Kind: types.JObject, Keys: n.Keys, Kids: append([]types.JSONNode{}, n.Kids...)}
	for i := range out.Keys {
		if out.Keys[i] != path[k] {
			continue
		}
		if last {
			out.Kids[i] = *e.val
			break
		}
		sub, err := editPath(&n.Kids[i], path, k+1, e)
		if err != nil {
			return nil, err
		}
		out.Kids[i] = *sub
	}
	return out, nil
}

func editArray(n *types.JSONNode, path []string, k int, e jsonEdit) (*types.JSONNode, error) {
	i, ok := pathIndex(path[k])
	if !ok {
		return nil, pgerr.Newf(pgerr.InvalidTextRepresentation, `path element at position %d is not an integer: "%s"`, k+1, path[k])
	}
	have := len(n.Kids)
	before := i < 0 && -i > have
	if i < 0 {
		i = max(i+have, -1)
	}
	inside := !before && i < have
	last := k == len(path)-1
	kids := append([]types.JSONNode{}, n.Kids...)
	switch {
	case !inside && (!last || !e.create || e.op == editDelete):
		return n, nil
	case before:
		kids = append([]types.JSONNode{*e.val}, kids...)
	case !inside:
		kids = append(kids, *e.val)
	case !last:
		sub, err := editPath(&n.Kids[i], path, k+1, e)
		if err != nil {
			return nil, err
		}
		kids[i] = *sub
	case e.op == editDelete:
		kids = append(kids[:i], kids[i+1:]...)
	case e.op == editSet:
		kids[i] = *e.val
	default:
		if e.after {
			i++
		}
		kids = append(kids[:i], append([]types.JSONNode{*e.val}, kids[i:]...)...)
	}
	return &types.JSONNode{Kind: types.JArray, Kids: kids}, nil
}
