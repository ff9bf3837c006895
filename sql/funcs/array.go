package funcs

import (
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

const (
	anyArr  = types.AnyArray
	anyElem = types.AnyElement
)

// array begins reading array argument n.
func (r *Row) array(n int) types.ArrayReader {
	return types.ReadArray(r.args[n].Type.ElemType(), r.Bytes(n))
}

// putArray sets the result to the elements of b.
func (r *Row) putArray(b *types.ArrayBuilder) error {
	return r.Append(func(dst []byte) ([]byte, error) { return b.Finish(dst), nil })
}

func arrayFuncs() []Func {
	s := &section{name: secArray}
	addSubscripts(s)
	addDims(s)
	addCombine(s)
	addContains(s)
	addArrayText(s)
	addSearch(s)
	return s.fs
}

// addSubscripts adds the functions that a[i] and a[i:j] are bound to. Their names cannot be written in SQL.
func addSubscripts(s *section) {
	s.partial("array subscript", sig(anyArr, int4), anyElem, func(r *Row) error {
		if err := r.checkDims(r.Num() - 1); err != nil {
			return err
		}
		a := r.array(0)
		subs := make([]int, r.Num()-1)
		for i := range subs {
			subs[i] = int(r.Int(i + 1))
		}
		if !a.ArrayIndex(subs...) || a.Null {
			return r.PutNull()
		}
		return r.putElem(&a)
	}, "An element: a[i].", "").variadic()
	s.partial("array slice", sig(anyArr, int4), anyArr, arraySlice,
		"A part: a[lower:upper], a pair of bounds for each dimension; the least and greatest integer for what is left out.", "").variadic()
}

func (r *Row) checkDims(n int) error {
	if n > 6 {
		return pgerr.Newf(pgerr.ProgramLimitExceeded, "number of array dimensions (%d) exceeds the maximum allowed (6)", n)
	}
	return nil
}

// putElem sets the result to the element that a stands at.
func (r *Row) putElem(a *types.ArrayReader) error {
	switch a.Elem.Class() {
	case types.I64:
		return r.PutInt(a.I64)
	case types.F64:
		return r.PutFloat(a.F64)
	}
	return r.PutBytes(a.Bytes)
}

// arraySlice cuts [lo:hi] out of each dimension; dimensions without bounds are taken whole.
func arraySlice(r *Row) error {
	if err := r.checkDims((r.Num() - 1) / 2); err != nil {
		return err
	}
	a := r.array(0)
	b := types.NewArrayBuilder(a.Elem)
	nd := a.NDim()
	if nd == 0 || (r.Num()-1)/2 > nd {
		return r.putArray(b)
	}
	dims := a.Dims()
	lo, hi := make([]int64, nd), make([]int64, nd)
	out := make([]types.ArrayDim, nd)
	for d, dim := range dims {
		lo[d], hi[d] = int64(dim.Lower), int64(dim.Lower)+int64(dim.Len)-1
		if k := 1 + 2*d; k < r.Num() {
			lo[d], hi[d] = max(lo[d], r.Int(k)), min(hi[d], r.Int(k+1))
		}
		if lo[d] > hi[d] {
			return r.putArray(b)
		}
		out[d] = types.ArrayDim{Len: int32(hi[d] - lo[d] + 1), Lower: 1}
	}
	at := make([]int64, nd)
	for d := range at {
		at[d] = int64(dims[d].Lower)
	}
	for a.Next() {
		inside := true
		for d := range at {
			inside = inside && at[d] >= lo[d] && at[d] <= hi[d]
		}
		if inside {
			b.AppendElem(&a)
		}
		for d := nd - 1; d >= 0; d-- {
			if at[d]++; at[d] < int64(dims[d].Lower)+int64(dims[d].Len) {
				break
			}
			at[d] = int64(dims[d].Lower)
		}
	}
	return r.Append(func(dst []byte) ([]byte, error) { return b.FinishDims(dst, out), nil })
}

func addDims(s *section) {
	dim := func(f func(d types.ArrayDim) int64) func(r *Row) error {
		return func(r *Row) error {
			a := r.array(0)
			n := r.Int(1)
			if n < 1 || n > int64(a.NDim()) {
				return r.PutNull()
			}
			return r.PutInt(f(a.Dim(int(n - 1))))
		}
	}
	s.total("array_length", sig(anyArr, int4), int4, dim(func(d types.ArrayDim) int64 { return int64(d.Len) }),
		"Length of a dimension.", "array_length(array[1,2,3], 1) → 3")
	s.total("array_lower", sig(anyArr, int4), int4, dim(func(d types.ArrayDim) int64 { return int64(d.Lower) }),
		"Lower bound of a dimension.", "array_lower('[0:2]={1,2,3}'::integer[], 1) → 0")
	s.total("array_upper", sig(anyArr, int4), int4, dim(func(d types.ArrayDim) int64 { return int64(d.Lower) + int64(d.Len) - 1 }),
		"Upper bound of a dimension.", "array_upper(array[1,8,3,7], 1) → 4")
	s.total("array_ndims", sig(anyArr), int4, func(r *Row) error {
		a := r.array(0)
		if a.NDim() == 0 {
			return r.PutNull()
		}
		return r.PutInt(int64(a.NDim()))
	}, "Number of dimensions.", "array_ndims(array[[1,2,3], [4,5,6]]) → 2")
	s.total("array_dims", sig(anyArr), text, func(r *Row) error {
		a := r.array(0)
		if a.NDim() == 0 {
			return r.PutNull()
		}
		return r.Append(func(dst []byte) ([]byte, error) {
			for _, d := range a.Dims() {
				dst = append(dst, '[')
				dst = types.AppendI64Text(dst, types.T(int4), int64(d.Lower), nil)
				dst = append(dst, ':')
				dst = types.AppendI64Text(dst, types.T(int4), int64(d.Lower)+int64(d.Len)-1, nil)
				dst = append(dst, ']')
			}
			return dst, nil
		})
	}, "The bounds as text.", "array_dims(array[[1,2,3], [4,5,6]]) → [1:2][1:3]")
	s.total("cardinality", sig(anyArr), int4, func(r *Row) error {
		a := r.array(0)
		return r.PutInt(int64(a.Len()))
	}, "Number of elements in all dimensions.", "cardinality(array[[1,2],[3,4]]) → 4")
}

func addCombine(s *section) {
	cArr, cElem := types.AnyCompatibleArray, types.AnyCompatible
	const appendDoc, prependDoc, catDoc = "With an element at its end.", "With an element at its beginning.", "Concatenates arrays."
	s.partial("array_append", sig(cArr, cElem), cArr, arrayAppend, appendDoc, "array_append(array[1,2], 3) → {1,2,3}").lax()
	s.partial("array_prepend", sig(cElem, cArr), cArr, arrayPrepend, prependDoc, "array_prepend(1, array[2,3]) → {1,2,3}").lax()
	s.partial("array_cat", sig(cArr, cArr), cArr, arrayCat, catDoc, "array_cat(array[1,2,3], array[4,5]) → {1,2,3,4,5}").lax()
	s.op("||", cArr, cElem, cArr, Each(arrayAppend), appendDoc, "array[4,5,6] || 7 → {4,5,6,7}").lax().failing()
	s.op("||", cElem, cArr, cArr, Each(arrayPrepend), prependDoc, "3 || array[4,5,6] → {3,4,5,6}").lax().failing()
	s.op("||", cArr, cArr, cArr, Each(arrayCat), catDoc, "array[1,2,3] || array[4,5,6] → {1,2,3,4,5,6}").lax().failing()
	s.partial("array_remove", sig(cArr, cElem), cArr, func(r *Row) error {
		return r.replaceElems(func(b *types.ArrayBuilder, _ *types.ArrayReader) {}, "removing elements from multidimensional arrays is not supported")
	}, "Without the elements equal to a value.", "array_remove(array[1,2,3,2], 2) → {1,3}").lax()
	s.partial("array_replace", sig(cArr, cElem, cElem), cArr, func(r *Row) error {
		return r.replaceElems(func(b *types.ArrayBuilder, _ *types.ArrayReader) { r.args[2].AppendElem(b, r.i) }, "")
	}, "With the elements equal to a value replaced by another.", "array_replace(array[1,2,5,4], 5, 3) → {1,2,3,4}").lax()
	s.partial("array_fill", sig(anyElem, types.Int4Array), anyArr, func(r *Row) error { return arrayFill(r, false) },
		"An array of copies of a value, with lengths for its dimensions.", "array_fill(11, array[2,3]) → {{11,11,11},{11,11,11}}").lax()
	s.partial("array_fill", sig(anyElem, types.Int4Array, types.Int4Array), anyArr, func(r *Row) error { return arrayFill(r, true) },
		"An array of copies of a value, with lengths and lower bounds for its dimensions.", "array_fill(7, array[3], array[2]) → [2:4]={7,7,7}").lax()
	s.partial("trim_array", sig(anyArr, int4), anyArr, func(r *Row) error {
		a := r.array(0)
		n, have := r.Int(1), 0
		if a.NDim() > 0 {
			have = int(a.Dim(0).Len)
		}
		if n < 0 || n > int64(have) {
			return pgerr.Newf(pgerr.ArraySubscriptError, "number of elements to trim must be between 0 and %d", have)
		}
		b := types.NewArrayBuilder(a.Elem)
		if have == 0 || int64(have) == n {
			return r.putArray(b)
		}
		dims := a.Dims()
		keep := a.Len() / have * (have - int(n))
		dims[0].Len -= int32(n)
		for range keep {
			a.Next()
			b.AppendElem(&a)
		}
		for d := range dims {
			dims[d].Lower = 1
		}
		return r.Append(func(dst []byte) ([]byte, error) { return b.FinishDims(dst, dims), nil })
	}, "Without its last n elements.", "trim_array(array[1,2,3,4,5,6], 2) → {1,2,3,4}")
}

// orEmpty reads array argument n, or for null the empty array.
func (r *Row) orEmpty(n int) types.ArrayReader {
	if r.Null(n) {
		return types.ReadArray(r.args[n].Type.ElemType(), nil)
	}
	return r.array(n)
}

var errOneDim = pgerr.New("22000", "argument must be empty or one-dimensional array")

func arrayAppend(r *Row) error {
	a := r.orEmpty(0)
	lower := int32(1)
	if a.NDim() > 1 {
		return errOneDim
	}
	if a.NDim() == 1 {
		d := a.Dim(0)
		if lower = d.Lower; int64(lower)+int64(d.Len) > 1<<31-1 {
			return pgerr.New(pgerr.NumericValueOutOfRange, "integer out of range")
		}
	}
	b := types.NewArrayBuilder(a.Elem)
	for a.Next() {
		b.AppendElem(&a)
	}
	r.args[1].AppendElem(b, r.i)
	return r.Append(func(dst []byte) ([]byte, error) {
		return b.FinishDims(dst, []types.ArrayDim{{Len: int32(b.Len()), Lower: lower}}), nil
	})
}

func arrayPrepend(r *Row) error {
	a := r.orEmpty(1)
	lower := int32(1)
	if a.NDim() > 1 {
		return errOneDim
	}
	if a.NDim() == 1 {
		lower = a.Dim(0).Lower
	}
	b := types.NewArrayBuilder(a.Elem)
	r.args[0].AppendElem(b, r.i)
	for a.Next() {
		b.AppendElem(&a)
	}
	return r.Append(func(dst []byte) ([]byte, error) {
		return b.FinishDims(dst, []types.ArrayDim{{Len: int32(b.Len()), Lower: lower}}), nil
	})
}

func arrayCat(r *Row) error {
	switch {
	case r.Null(0) && r.Null(1):
		return r.PutNull()
	case r.Null(0):
		return r.PutBytes(r.Bytes(1))
	case r.Null(1):
		return r.PutBytes(r.Bytes(0))
	}
	a, b := r.array(0), r.array(1)
	switch {
	case a.NDim() == 0 && b.NDim() > 0:
		return r.PutBytes(r.Bytes(1))
	case b.NDim() == 0:
		return r.PutBytes(r.Bytes(0))
	}
	dims, ok := catDims(a.Dims(), b.Dims())
	if !ok {
		return pgerr.New(pgerr.ArraySubscriptError, "cannot concatenate incompatible arrays")
	}
	out := types.NewArrayBuilder(a.Elem)
	for a.Next() {
		out.AppendElem(&a)
	}
	for b.Next() {
		out.AppendElem(&b)
	}
	return r.Append(func(dst []byte) ([]byte, error) { return out.FinishDims(dst, dims), nil })
}

// catDims is the shape of a concatenation: of two arrays of as many dimensions, or of one and an element of it.
func catDims(a, b []types.ArrayDim) ([]types.ArrayDim, bool) {
	same := func(a, b []types.ArrayDim) bool { return equalDims(a, b) }
	switch {
	case len(a) == len(b) && same(a[1:], b[1:]):
		out := append([]types.ArrayDim{}, a...)
		out[0].Len += b[0].Len
		return out, true
	case len(a) == len(b)+1 && same(a[1:], b):
		out := append([]types.ArrayDim{}, a...)
		out[0].Len++
		return out, true
	case len(b) == len(a)+1 && same(b[1:], a):
		out := append([]types.ArrayDim{}, b...)
		out[0].Len++
		return out, true
	}
	return nil, false
}

// sameElem compares the element a stands at with argument n, nulls being equal.
func (r *Row) sameElem(a *types.ArrayReader, n int) bool {
	if a.Null || r.Null(n) {
		return a.Null && r.Null(n)
	}
	switch a.Elem.Class() {
	case types.I64:
		return a.I64 == r.Int(n)
	case types.F64:
		return types.CompareFloat(a.F64, r.Float(n)) == 0
	}
	return types.EqualBytes(a.Elem, a.Bytes, r.Bytes(n))
}

// replaceElems calls with for each element equal to argument 1 and keeps the others.
func (r *Row) replaceElems(with func(*types.ArrayBuilder, *types.ArrayReader), multiErr string) error {
	if r.Null(0) {
		return r.PutNull()
	}
	a := r.array(0)
	if a.NDim() > 1 && multiErr != "" {
		return pgerr.New(pgerr.FeatureNotSupported, multiErr)
	}
	b := types.NewArrayBuilder(a.Elem)
	dims, found := a.Dims(), false
	for a.Next() {
		if r.sameElem(&a, 1) {
			with(b, &a)
			found = true
		} else {
			b.AppendElem(&a)
		}
	}
	if !found || len(dims) == 0 {
		return r.PutBytes(r.Bytes(0))
	}
	if multiErr != "" {
		dims[0].Len = int32(b.Len())
	}
	return r.Append(func(dst []byte) ([]byte, error) { return b.FinishDims(dst, dims), nil })
}

func arrayFill(r *Row, bounds bool) error {
	if r.Null(1) || bounds && r.Null(2) {
		return pgerr.New(pgerr.NullValueNotAllowed, "dimension array or low bound array cannot be null")
	}
	lens, err := r.intElems(1)
	if err != nil {
		return err
	}
	dims := make([]types.ArrayDim, len(lens))
	total := int64(1)
	for i, n := range lens {
		if n < 0 || n > 1<<27 {
			return pgerr.New(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (134217727)")
		}
		dims[i] = types.ArrayDim{Len: int32(n), Lower: 1}
		if total *= n; total > 1<<27-1 {
			return pgerr.New(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (134217727)")
		}
	}
	if bounds {
		lows, err := r.intElems(2)
		if err != nil {
			return err
		}
		if len(lows) != len(lens) {
			return pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts").
				WithDetail("Low bound array has different size than dimensions array.")
		}
		for i, l := range lows {
			dims[i].Lower = int32(l)
		}
	}
	b := types.NewArrayBuilder(r.args[0].Type)
	if len(lens) == 0 {
		total = 0
	}
	for range total {
		r.args[0].AppendElem(b, r.i)
	}
	return r.Append(func(dst []byte) ([]byte, error) { return b.FinishDims(dst, dims), nil })
}

// intElems reads an array of dimensions or bounds.
func (r *Row) intElems(n int) ([]int64, error) {
	a := r.array(n)
	if a.NDim() > 1 {
		return nil, pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts").WithDetail("Dimension array must be one dimensional.")
	}
	if a.Len() > 6 {
		return nil, pgerr.Newf(pgerr.ProgramLimitExceeded, "number of array dimensions (%d) exceeds the maximum allowed (6)", a.Len())
	}
	var out []int64
	for a.Next() {
		if a.Null {
			return nil, pgerr.New(pgerr.NullValueNotAllowed, "dimension values cannot be null")
		}
		out = append(out, a.I64)
	}
	return out, nil
}

func addContains(s *section) {
	contains := func(r *Row, a, b int) bool {
		have := r.array(a)
		for want := r.array(b); want.Next(); {
			if want.Null || !hasElem(have, &want) {
				return false
			}
		}
		return true
	}
	s.op("@>", anyArr, anyArr, types.Bool, Each(func(r *Row) error { return r.PutBool(contains(r, 0, 1)) }),
		"Has all elements of the other.", "array[1,4,3] @> array[3,1,3] → t")
	s.op("<@", anyArr, anyArr, types.Bool, Each(func(r *Row) error { return r.PutBool(contains(r, 1, 0)) }),
		"The other has all its elements.", "array[2,2,7] <@ array[1,7,4,2,6] → t")
	s.op("&&", anyArr, anyArr, types.Bool, Each(func(r *Row) error {
		have := r.array(0)
		for want := r.array(1); want.Next(); {
			if !want.Null && hasElem(have, &want) {
				return r.PutBool(true)
			}
		}
		return r.PutBool(false)
	}), "They have an element in common.", "array[1,4,3] && array[2,1] → t")
}

// hasElem reports whether an array, of which a is a fresh reader, has the element e stands at.
func hasElem(a types.ArrayReader, e *types.ArrayReader) bool {
	for a.Next() {
		if a.Null {
			continue
		}
		switch a.Elem.Class() {
		case types.I64:
			if a.I64 == e.I64 {
				return true
			}
		case types.F64:
			if types.CompareFloat(a.F64, e.F64) == 0 {
				return true
			}
		default:
			if types.EqualBytes(a.Elem, a.Bytes, e.Bytes) {
				return true
			}
		}
	}
	return false
}

func addArrayText(s *section) {
	toString := func(r *Row) error {
		if r.Null(0) || r.Null(1) {
			return r.PutNull()
		}
		a := r.array(0)
		first := true
		return r.Append(func(dst []byte) ([]byte, error) {
			for a.Next() {
				if a.Null && (r.Num() < 3 || r.Null(2)) {
					continue
				}
				if !first {
					dst = append(dst, r.Bytes(1)...)
				}
				first = false
				if a.Null {
					dst = append(dst, r.Bytes(2)...)
				} else {
					dst = types.AppendText(dst, a.Elem, a.I64, a.F64, a.Bytes, r.Env)
				}
			}
			return dst, nil
		})
	}
	s.total("array_to_string", sig(anyArr, text), text, toString, "The elements that are not null, as text, separated.",
		"array_to_string(array[1, 2, 3, null, 5], ',') → 1,2,3,5").lax()
	s.total("array_to_string", sig(anyArr, text, text), text, toString, "The elements as text, separated, with a text for nulls.",
		"array_to_string(array[1, 2, 3, null, 5], ',', '*') → 1,2,3,*,5").lax()
	toArray := func(r *Row) error {
		if r.Null(0) {
			return r.PutNull()
		}
		b := types.NewArrayBuilder(types.T(text))
		r.splitString(func(part string, null bool) {
			if null {
				b.AppendNull()
			} else {
				b.AppendBytes([]byte(part))
			}
		})
		return r.putArray(b)
	}
	s.total("string_to_array", sig(text, text), types.TextArray, toArray, "Split at a delimiter; null splits into characters.",
		"string_to_array('xx~~yy~~zz', '~~') → {xx,yy,zz}").lax()
	s.total("string_to_array", sig(text, text, text), types.TextArray, toArray, "Split at a delimiter, with a text that means null.",
		"string_to_array('xx~~yy~~zz', '~~', 'yy') → {xx,NULL,zz}").lax()
}

// splitString splits argument 0 at argument 1 as string_to_array does; argument 2, if there, means null.
func (r *Row) splitString(part func(s string, null bool)) {
	s := r.Str(0)
	emit := func(p string) { part(p, r.Num() > 2 && !r.Null(2) && p == r.Str(2)) }
	switch {
	case s == "":
	case r.Null(1):
		for _, c := range s {
			emit(string(c))
		}
	case r.Str(1) == "":
		emit(s)
	default:
		for {
			p, rest, found := strings.Cut(s, r.Str(1))
			emit(p)
			if !found {
				return
			}
			s = rest
		}
	}
}

func addSearch(s *section) {
	cArr, cElem := types.AnyCompatibleArray, types.AnyCompatible
	position := func(r *Row) error {
		if r.Null(0) {
			return r.PutNull()
		}
		a := r.array(0)
		if a.NDim() > 1 {
			return pgerr.New(pgerr.FeatureNotSupported, "searching for elements in multidimensional arrays is not supported")
		}
		if a.NDim() == 0 {
			return r.PutNull()
		}
		if r.Null(1) && !a.HasNulls() {
			return r.PutNull()
		}
		from := int64(-1 << 62)
		if r.Num() > 2 {
			if r.Null(2) {
				return pgerr.New(pgerr.NullValueNotAllowed, "initial position must not be null")
			}
			from = r.Int(2)
		}
		for at := int64(a.Dim(0).Lower); a.Next(); at++ {
			if at >= from && r.sameElem(&a, 1) {
				return r.PutInt(at)
			}
		}
		return r.PutNull()
	}
	s.partial("array_position", sig(cArr, cElem), int4, position, "The first subscript of a value.", "array_position(array['sun','mon','tue'], 'mon') → 2").lax()
	s.partial("array_position", sig(cArr, cElem, int4), int4, position, "The first subscript of a value from a position on.", "").lax()
	s.partial("array_positions", sig(cArr, cElem), types.Int4Array, func(r *Row) error {
		if r.Null(0) {
			return r.PutNull()
		}
		a := r.array(0)
		if a.NDim() > 1 {
			return pgerr.New(pgerr.FeatureNotSupported, "searching for elements in multidimensional arrays is not supported")
		}
		b := types.NewArrayBuilder(types.T(int4))
		if a.NDim() > 0 {
			for at := int64(a.Dim(0).Lower); a.Next(); at++ {
				if r.sameElem(&a, 1) {
					b.AppendI64(at)
				}
			}
		}
		return r.putArray(b)
	}, "All subscripts of a value.", "array_positions(array['A','A','B','A'], 'A') → {1,2,4}").lax()
}
