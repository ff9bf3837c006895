package expr

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

var (
	tInt   = types.T(types.Int8)
	tText  = types.T(types.Text)
	tFloat = types.T(types.Float8)
	tBool  = types.T(types.Bool)
	tNum   = types.T(types.Numeric)
)

var testTypes = []types.Type{tInt, tInt, tText, tFloat, tBool, tNum}

func newCtx() *funcs.Ctx { return &funcs.Ctx{Context: context.Background()} }

// gen makes random expressions over columns of testTypes.
type gen struct {
	*rand.Rand
	depth int
}

func op(t testing.TB, name string, l, r Expr) Expr {
	f, args, ret, err := funcs.ResolveOperator(name, l.Type(), r.Type())
	if err != nil {
		t.Fatal(err)
	}
	return &Call{Fn: f, Args: []Expr{coerceTo(t, l, args[0]), coerceTo(t, r, args[1])}, T: ret}
}

func call(t testing.TB, name string, args ...Expr) Expr {
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type()
	}
	f, want, ret, err := funcs.ResolveFunc(name, ts)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]Expr, len(args))
	for i, a := range args {
		out[i] = coerceTo(t, a, want[i])
	}
	return &Call{Fn: f, Args: out, T: ret}
}

func coerceTo(t testing.TB, e Expr, to types.Type) Expr {
	c, ok := Coerce(e, to, funcs.Implicit)
	if !ok {
		t.Fatalf("no coercion of %s from %s to %s", String(e), e.Type(), to)
	}
	return c
}

func (g *gen) scalar(t types.Type) vec.Scalar {
	if g.IntN(6) == 0 {
		return vec.NullOf(t)
	}
	s := vec.Scalar{Type: t}
	switch t {
	case tInt:
		s.I = []int64{0, 1, -1, 2, 3, 7, 1 << 62, -1 << 63}[g.IntN(8)]
	case tBool:
		s.I = int64(g.IntN(2))
	case tFloat:
		s.F = []float64{0, 1, -2.5, 1e308}[g.IntN(4)]
	case tNum:
		s.B, _ = types.AppendParsedNumeric(nil, []string{"0", "1.50", "-3", "12345678901234567890.5"}[g.IntN(4)], -1)
	default:
		s.B = []byte([]string{"", "a", "b", "abc", "7"}[g.IntN(5)])
	}
	return s
}

func (g *gen) leaf(t types.Type) Expr {
	if g.IntN(3) == 0 {
		return &Const{g.scalar(t)}
	}
	for {
		if i := g.IntN(len(testTypes)); testTypes[i] == t {
			return &Col{Index: i, T: t, Name: string(rune('a' + i))}
		}
	}
}

func (g *gen) expr(t testing.TB, ty types.Type) Expr {
	if g.depth <= 0 || g.IntN(5) == 0 {
		return g.leaf(ty)
	}
	g.depth--
	defer func() { g.depth++ }()
	sub := func(ty types.Type) Expr { return g.expr(t, ty) }
	switch g.IntN(6) {
	case 0:
		c := &Case{T: ty}
		for range 1 + g.IntN(3) {
			c.Whens = append(c.Whens, When{sub(tBool), sub(ty)})
		}
		if g.IntN(2) == 0 {
			c.Else = sub(ty)
		}
		return c
	case 1:
		return &Coalesce{[]Expr{sub(ty), sub(ty), sub(ty)}, ty}
	}
	switch ty {
	case tBool:
		return g.boolExpr(t)
	case tText:
		if g.IntN(2) == 0 {
			return call(t, "upper", sub(tText))
		}
		return op(t, "||", sub(tText), sub(tText))
	default:
		return op(t, []string{"+", "-", "*", "/"}[g.IntN(4)], sub(ty), sub(ty))
	}
}

func (g *gen) boolExpr(t testing.TB) Expr {
	sub := func(ty types.Type) Expr { return g.expr(t, ty) }
	switch g.IntN(6) {
	case 0:
		return &And{[]Expr{sub(tBool), sub(tBool), sub(tBool)}}
	case 1:
		return &Or{[]Expr{sub(tBool), sub(tBool)}}
	case 2:
		return &Not{sub(tBool)}
	case 3:
		return &IsNull{sub(testTypes[g.IntN(len(testTypes))]), g.IntN(2) == 0}
	}
	ty := testTypes[g.IntN(len(testTypes))]
	return op(t, []string{"=", "<>", "<", "<=", ">", ">="}[g.IntN(6)], sub(ty), sub(ty))
}

func (g *gen) batch(n int) *vec.Batch {
	b := vec.NewBatch(testTypes, n)
	for range n {
		for i, t := range testTypes {
			b.Cols[i].AppendScalar(g.scalar(t))
		}
	}
	b.N = n
	return b
}

// reference evaluates an expression for one row by the definition, without vectors of more than one row.
func reference(t testing.TB, e Expr, row *vec.Batch) (v vec.Scalar, failed bool) {
	ctx := newCtx()
	switch e := e.(type) {
	case *Col:
		return row.Cols[e.Index].At(0), false
	case *Const:
		return e.Val, false
	case *And:
		return refLogic(t, e.Args, row, 0)
	case *Or:
		return refLogic(t, e.Args, row, 1)
	case *Not:
		v, failed := reference(t, e.Arg, row)
		if !v.Null {
			v.I ^= 1
		}
		return v, failed
	case *IsNull:
		v, failed := reference(t, e.Arg, row)
		return boolScalar(v.Null != e.Negate), failed
	case *Case:
		for _, w := range e.Whens {
			c, failed := reference(t, w.Cond, row)
			if failed {
				return vec.NullOf(e.T), true
			}
			if !c.Null && c.I != 0 {
				return reference(t, w.Then, row)
			}
		}
		if e.Else == nil {
			return vec.NullOf(e.T), false
		}
		return reference(t, e.Else, row)
	case *Coalesce:
		for _, a := range e.Args {
			if v, failed := reference(t, a, row); failed || !v.Null {
				return v, failed
			}
		}
		return vec.NullOf(e.T), false
	case *Call:
		args, null := make([]Expr, len(e.Args)), false
		for i, a := range e.Args {
			v, failed := reference(t, a, row)
			if failed {
				return vec.NullOf(e.T), true
			}
			null = null || v.Null
			args[i] = &Const{v}
		}
		if null && !e.Fn.Lax {
			return vec.NullOf(e.T), false
		}
		p, err := Compile(&Call{Fn: e.Fn, Args: args, T: e.T})
		if err != nil {
			t.Fatal(err)
		}
		out := p.Eval(ctx, &vec.Batch{N: 1}, nil)
		return out.At(0), len(ctx.Errors) > 0
	}
	t.Fatalf("no reference for %T", e)
	return vec.Scalar{}, false
}

func refLogic(t testing.TB, args []Expr, row *vec.Batch, decides int64) (vec.Scalar, bool) {
	null := false
	for _, a := range args {
		v, failed := reference(t, a, row)
		switch {
		case failed:
			return vec.NullOf(tBool), true
		case v.Null:
			null = true
		case v.I == decides:
			return v, false
		}
	}
	if null {
		return vec.NullOf(tBool), false
	}
	return boolScalar(decides == 0), false
}

// TestRandom evaluates random expressions over batches, whole and by selection, and compares values and failures
// with the reference, row by row. The same expression is evaluated again after folding and after a trip through
// its encoding.
func TestRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := &gen{Rand: rand.New(rand.NewPCG(seed, 0)), depth: 4}
	for range 400 {
		e := g.expr(t, testTypes[g.IntN(len(testTypes))])
		in := g.batch(1 + g.IntN(150))
		check(t, e, in, nil)
		check(t, e, in, g.selection(in.N))
		checkForms(t, e, in)
		if e.Type() == tBool {
			checkFilter(t, e, in, g.selection(in.N))
			checkFilter(t, e, in, nil)
		}
		if t.Failed() {
			t.Fatalf("expression %s", String(e))
		}
	}
}

func (g *gen) selection(n int) []int32 {
	sel := []int32{}
	for i := range int32(n) {
		if g.IntN(3) > 0 {
			sel = append(sel, i)
		}
	}
	return sel
}

func check(t *testing.T, e Expr, in *vec.Batch, sel []int32) {
	t.Helper()
	p, err := Compile(e)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time on used scratch
		ctx := newCtx()
		out := p.Eval(ctx, in, sel)
		if out.Len() != in.N {
			t.Fatalf("%d values for %d rows", out.Len(), in.N)
		}
		each(in.N, sel, func(i int) {
			want, failed := reference(t, e, in.Slice(i, i+1))
			if ctx.Failed(int32(i)) != failed {
				t.Errorf("row %d: failed %v, want %v", i, ctx.Failed(int32(i)), failed)
			}
			got := out.At(i)
			want.Type = got.Type
			if failed {
				want = vec.NullOf(got.Type)
			}
			if !sameScalar(got, want) {
				t.Errorf("row %d: got %s, want %s", i, Quote(got), Quote(want))
			}
			checkNullSlot(t, out, i)
		})
	}
}

// checkNullSlot checks that the slot of a null holds zero, as package vec promises.
func checkNullSlot(t *testing.T, v *vec.Vec, i int) {
	t.Helper()
	if !v.IsNull(i) {
		return
	}
	if v.I64 != nil && v.I64[i] != 0 || v.F64 != nil && v.F64[i] != 0 || len(v.Off) > 0 && len(v.Bytes(i)) > 0 {
		t.Errorf("row %d: null with a value", i)
	}
}

// checkForms checks that folding and encoding leave the meaning alone.
func checkForms(t *testing.T, e Expr, in *vec.Batch) {
	t.Helper()
	b, err := Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Unmarshal(b)
	if err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	if !Equal(e, back) || Hash(e) != Hash(back) || String(e) != String(back) {
		t.Errorf("%s comes back as %s", String(e), String(back))
	}
	folded := Fold(e, newCtx())
	if folded.Type() != e.Type() {
		t.Errorf("folding changes the type from %s to %s", e.Type(), folded.Type())
	}
	p, err := Compile(e)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Compile(folded)
	if err != nil {
		t.Fatal(err)
	}
	c1, c2 := newCtx(), newCtx()
	a, z := p.Eval(c1, in, nil), q.Eval(c2, in, nil)
	for i := range in.N {
		if c1.Failed(int32(i)) != c2.Failed(int32(i)) || !sameScalar(a.At(i), z.At(i)) {
			t.Errorf("row %d: folded %s: got %s, want %s", i, String(folded), Quote(z.At(i)), Quote(a.At(i)))
		}
	}
	id := make([]int, len(testTypes))
	for i := range id {
		id[i] = i
	}
	if r := Remap(e, id, len(id)); !Equal(r, e) {
		t.Errorf("remapping to the same columns gives %s", String(r))
	}
	if s := MapCols(Shift(e, len(id), 3), len(id)+3, len(id), func(i int) int { return i - 3 }); !Equal(s, e) {
		t.Errorf("shifting there and back gives %s", String(s))
	}
}

// checkFilter checks EvalFilter, whose conjunctions stop at the first operand that is not true.
func checkFilter(t *testing.T, e Expr, in *vec.Batch, sel []int32) {
	t.Helper()
	p, err := Compile(e)
	if err != nil {
		t.Fatal(err)
	}
	var want []int32
	each(in.N, sel, func(i int) {
		if holds(t, e, in.Slice(i, i+1)) {
			want = append(want, int32(i))
		}
	})
	got := p.EvalFilter(newCtx(), in, sel)
	if len(got) != len(want) {
		t.Errorf("filter gives %v, want %v", got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("filter gives %v, want %v", got, want)
			return
		}
	}
}

func holds(t *testing.T, e Expr, row *vec.Batch) bool {
	if and, ok := e.(*And); ok {
		for _, a := range and.Args {
			if !holds(t, a, row) {
				return false
			}
		}
		return true
	}
	v, failed := reference(t, e, row)
	return !failed && !v.Null && v.I != 0
}
