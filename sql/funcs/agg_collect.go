package funcs

import (
	"encoding/binary"
	"math"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// collectAggs are the aggregates that keep every value.
func collectAggs() []*Aggregate {
	var as []*Aggregate
	add := func(name string, args []types.OID, ret types.OID, keepNull bool, doc, ex string, r collectResult) {
		as = append(as, &Aggregate{Name: name, Args: args, Ret: ret, Collect: true, Doc: doc, Example: ex,
			New: func(ts []types.Type, retract bool) Accumulator {
				if retract {
					return nil
				}
				return &collectAcc{ts: ts, keepNull: keepNull, result: r}
			}})
	}
	add("string_agg", sig(text, text), text, false, "All values that are not null, separated by the second argument.",
		"string_agg(x, ', ') of 'a', null, 'b' → a, b", concatenated)
	add("string_agg", sig(bytea, bytea), bytea, false, "All values that are not null, separated by the second argument.", "", concatenated)
	add("array_agg", sig(types.AnyNonArray), types.AnyArray, true, "All values, nulls too, as an array.", "array_agg(x) of 1, null, 2 → {1,NULL,2}", arrayed)
	add("array_agg", sig(types.AnyArray), types.AnyArray, true, "All arrays, stacked into one of one more dimension.", "", stacked)
	add("json_agg", sig(types.AnyElement), types.JSON, true, "All values, nulls too, as a JSON array.", "json_agg(x) of 1, null, 2 → [1, null, 2]", jsonArrayed(false))
	add("jsonb_agg", sig(types.AnyElement), types.JSONB, true, "All values, nulls too, as a JSON array.", "jsonb_agg(x) of 1, null, 2 → [1, null, 2]", jsonArrayed(true))
	add("json_object_agg", sig(types.Any, types.Any), types.JSON, true, "All key and value pairs as a JSON object.", "", jsonObjected(false))
	add("jsonb_object_agg", sig(types.Any, types.Any), types.JSONB, true, "All key and value pairs as a JSON object.", "", jsonObjected(true))
	return as
}

// collectResult appends the result for the rows given, of vectors args, to dst.
type collectResult func(ctx *Ctx, dst []byte, args []*vec.Vec, rows []int32) (out []byte, null bool, err error)

// chain is a group's list of rows in the store.
type chain struct{ head, tail, n int32 } // row number plus 1; 0: none

// collectAcc keeps the arguments of all rows in one store of columns, with the rows of a group in a list. State:
// the number of rows, and their cells.
type collectAcc struct {
	states[chain]
	ts       []types.Type
	keepNull bool
	result   collectResult
	store    []*vec.Vec
	next     []int32
	rows     []int32
}

func (a *collectAcc) Reset(n int) {
	a.states.Reset(n)
	a.next = a.next[:0]
	if a.store == nil {
		for _, t := range a.ts {
			a.store = append(a.store, vec.New(t, 0))
		}
	}
	for _, v := range a.store {
		v.Reset()
	}
}

func (a *collectAcc) Grow(n int) {
	if a.store == nil {
		a.Reset(0)
	}
	a.states.Grow(n)
}

func (a *collectAcc) Width() int { return -1 }

// link adds the last row of the store to group g.
func (a *collectAcc) link(g int32) {
	a.next = append(a.next, 0)
	row, c := int32(len(a.next)), &a.s[g]
	if c.head == 0 {
		c.head = row
	} else {
		a.next[c.tail-1] = row
	}
	c.tail = row
	c.n++
}

func (a *collectAcc) Load(g int, b []byte) []byte {
	n, k := binary.Uvarint(b)
	b = b[k:]
	a.s[g] = chain{}
	for range n {
		for _, v := range a.store {
			b = readCell(v, b)
		}
		a.link(int32(g))
	}
	return b
}

func (a *collectAcc) Append(dst []byte, g int) []byte {
	dst = binary.AppendUvarint(dst, uint64(a.s[g].n))
	for r := a.s[g].head; r != 0; r = a.next[r-1] {
		for _, v := range a.store {
			dst = appendCell(dst, v, int(r-1))
		}
	}
	return dst
}

// appendCell encodes a value: a byte 0 for null; else 1 and 8 bytes, or the length plus one and the bytes.
func appendCell(dst []byte, v *vec.Vec, i int) []byte {
	if v.IsNull(i) {
		return append(dst, 0)
	}
	switch v.Type.Class() {
	case types.I64:
		return putI64(append(dst, 1), v.I64[i])
	case types.F64:
		return putI64(append(dst, 1), int64(math.Float64bits(v.F64[i])))
	}
	b := v.Bytes(i)
	return append(binary.AppendUvarint(dst, uint64(len(b))+1), b...)
}

func readCell(v *vec.Vec, b []byte) []byte {
	if b[0] == 0 {
		v.AppendNull()
		return b[1:]
	}
	switch v.Type.Class() {
	case types.I64:
		x, rest := getI64(b[1:])
		v.AppendI64(x)
		return rest
	case types.F64:
		x, rest := getI64(b[1:])
		v.AppendF64(math.Float64frombits(uint64(x)))
		return rest
	}
	n, k := binary.Uvarint(b)
	b = b[k:]
	v.AppendBytes(b[:n-1])
	return b[n-1:]
}

func (a *collectAcc) Update(_ *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32) {
	first := args[0]
	if a.keepNull {
		first = nil
	}
	rowsOf(first, w, n, sel, func(i int, w int64) {
		for range w {
			for k, v := range a.store {
				v.AppendFrom(args[k], i)
			}
			a.link(groups[i])
		}
	})
}

func (a *collectAcc) Result(ctx *Ctx, n int, out *vec.Vec) {
	for g := range n {
		if a.s[g].n == 0 {
			out.AppendNull()
			continue
		}
		a.rows = a.rows[:0]
		for r := a.s[g].head; r != 0; r = a.next[r-1] {
			a.rows = append(a.rows, r-1)
		}
		b, null, err := a.result(ctx, out.Buf, a.store, a.rows)
		finish(ctx, g, out, b, null, err)
	}
}

func concatenated(_ *Ctx, dst []byte, args []*vec.Vec, rows []int32) ([]byte, bool, error) {
	for k, r := range rows {
		if k > 0 && !args[1].IsNull(int(r)) {
			dst = append(dst, args[1].Bytes(int(r))...)
		}
		dst = append(dst, args[0].Bytes(int(r))...)
	}
	return dst, false, nil
}

func arrayed(_ *Ctx, dst []byte, args []*vec.Vec, rows []int32) ([]byte, bool, error) {
	b := types.NewArrayBuilder(args[0].Type)
	for _, r := range rows {
		args[0].AppendElem(b, int(r))
	}
	return b.Finish(dst), false, nil
}

func stacked(_ *Ctx, dst []byte, args []*vec.Vec, rows []int32) ([]byte, bool, error) {
	elem := args[0].Type.ElemType()
	b := types.NewArrayBuilder(elem)
	var dims []types.ArrayDim
	for k, row := range rows {
		if args[0].IsNull(int(row)) {
			return dst, false, pgerr.New(pgerr.NullValueNotAllowed, "cannot accumulate null arrays")
		}
		r := types.ReadArray(elem, args[0].Bytes(int(row)))
		d := r.Dims()
		switch {
		case len(d) == 0:
			return dst, false, pgerr.New(pgerr.ArraySubscriptError, "cannot accumulate empty arrays")
		case k == 0:
			dims = d
		case !equalDims(dims, d):
			return dst, false, pgerr.New(pgerr.ArraySubscriptError, "cannot accumulate arrays of different dimensionality")
		}
		for r.Next() {
			b.AppendElem(&r)
		}
	}
	dims = append([]types.ArrayDim{{Len: int32(len(rows)), Lower: 1}}, dims...)
	return b.FinishDims(dst, dims), false, nil
}

func equalDims(a, b []types.ArrayDim) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func jsonArrayed(binary bool) collectResult {
	return func(ctx *Ctx, dst []byte, args []*vec.Vec, rows []int32) ([]byte, bool, error) {
		out := []byte{'['}
		for k, r := range rows {
			if k > 0 {
				out = append(out, ", "...)
			}
			out = appendJSONValue(out, ctx, args[0], int(r))
		}
		return finishJSON(dst, append(out, ']'), binary)
	}
}

func jsonObjected(binary bool) collectResult {
	return func(ctx *Ctx, dst []byte, args []*vec.Vec, rows []int32) ([]byte, bool, error) {
		out := []byte("{ ")
		for k, r := range rows {
			if k > 0 {
				out = append(out, ", "...)
			}
			if args[0].IsNull(int(r)) {
				return dst, false, pgerr.New(pgerr.NullValueNotAllowed, "field name must not be null")
			}
			out = appendJSONKey(out, ctx, args[0], int(r))
			out = append(out, " : "...)
			out = appendJSONValue(out, ctx, args[1], int(r))
		}
		return finishJSON(dst, append(out, " }"...), binary)
	}
}

// finishJSON appends a JSON text, in the form of jsonb if binary.
func finishJSON(dst, text []byte, binary bool) ([]byte, bool, error) {
	if !binary {
		return append(dst, text...), false, nil
	}
	dst, err := types.AppendParsedJSONB(dst, types.Str(text))
	return dst, false, err
}
