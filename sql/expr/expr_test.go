package expr

import (
	"testing"

	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

func intCol(vals ...int64) *vec.Batch {
	b := vec.NewBatch([]types.Type{tInt}, len(vals))
	for _, v := range vals {
		b.Cols[0].AppendI64(v)
	}
	b.N = len(vals)
	return b
}

// TestLazy checks that an expression that can raise runs only on the rows that reach it.
func TestLazy(t *testing.T) {
	x := &Col{Index: 0, T: tInt}
	zero := op(t, "=", x, Int(0))
	div := op(t, "/", Int(10), x)
	big := op(t, ">", div, Int(3))
	in := intCol(0, 1, 5, 0, 2)
	for _, c := range []struct {
		name string
		e    Expr
		errs int
	}{
		{"plain", div, 2},
		{"case", &Case{Whens: []When{{&Not{zero}, div}}, Else: Int(0), T: tInt}, 0},
		{"and", &And{[]Expr{&Not{zero}, big}}, 0},
		{"and, raising first", &And{[]Expr{big, &Not{zero}}}, 2},
		{"or", &Or{[]Expr{zero, big}}, 0},
		{"coalesce", &Coalesce{[]Expr{x, div}, tInt}, 0},
		{"coalesce of null", &Coalesce{[]Expr{Null(tInt), div}, tInt}, 2},
		{"null and", &And{[]Expr{Null(tBool), big}}, 2},
	} {
		p, err := Compile(c.e)
		if err != nil {
			t.Fatal(err)
		}
		ctx := newCtx()
		p.Eval(ctx, in, nil)
		if len(ctx.Errors) != c.errs {
			t.Errorf("%s: %d rows failed, want %d", c.name, len(ctx.Errors), c.errs)
		}
		if f := Fold(c.e, newCtx()); CanFail(f) != CanFail(c.e) && c.errs > 0 {
			t.Errorf("%s: folded to %s", c.name, String(f))
		}
	}
}

// TestFoldKeepsErrors checks that folding an expression that raises leaves it.
func TestFoldKeepsErrors(t *testing.T) {
	div := op(t, "/", Int(1), Int(0))
	for _, c := range []struct{ in, want Expr }{
		{div, div},
		{&Case{Whens: []When{{Bool(false), div}}, T: tInt}, Null(tInt)},
		{&Case{Whens: []When{{Bool(true), Int(1)}}, Else: div, T: tInt}, Int(1)},
		{&Coalesce{[]Expr{Int(1), div}, tInt}, Int(1)},
		{op(t, "+", Int(1), Int(2)), Int(3)},
		{&And{[]Expr{Bool(true), Bool(true)}}, Bool(true)},
		{&Or{[]Expr{&Col{Index: 0, T: tBool}, Bool(true)}}, Bool(true)},
	} {
		if got := Fold(c.in, newCtx()); !Equal(got, c.want) {
			t.Errorf("%s folds to %s, want %s", String(c.in), String(got), String(c.want))
		}
	}
}

func TestString(t *testing.T) {
	a, b := &Col{Index: 0, T: tInt, Name: "a"}, &Col{Index: 1, T: tText, Name: "b"}
	for _, c := range []struct {
		e    Expr
		want string
	}{
		{&And{[]Expr{op(t, ">", a, Int(1)), op(t, "=", b, Text("it's"))}}, `((a > '1'::bigint) AND (b = 'it''s'::text))`},
		{&IsNull{a, true}, "(a IS NOT NULL)"},
		{call(t, "upper", b), "upper(b)"},
		{&Case{Whens: []When{{&IsNull{Arg: a}, Int(0)}}, T: tInt}, "CASE WHEN (a IS NULL) THEN '0'::bigint END"},
	} {
		if got := String(c.e); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// TestSubquery checks the kinds of subqueries and that one is run once for each distinct outer value.
func TestSubquery(t *testing.T) {
	runs := 0
	ctx := newCtx()
	ctx.Subquery = func(_ int, outer []vec.Scalar) (*vec.Batch, error) {
		runs++
		b := intCol()
		for i := range outer[0].I { // n rows: 0 .. n-1
			b.Cols[0].AppendI64(i)
			b.N++
		}
		return b, nil
	}
	x := &Col{Index: 0, T: tInt}
	in := intCol(0, 1, 2, 1, 0)
	for _, c := range []struct {
		kind SubqueryKind
		test Expr
		t    types.Type
		want string
		errs int
	}{
		{SubExists, nil, tBool, "f t t t f", 0},
		{SubScalar, nil, tInt, "null 0 null 0 null", 1},
		{SubArray, nil, types.T(types.Int8Array), "{} {0} {0,1} {0} {}", 0},
		{SubAny, op(t, "=", x, &Col{Index: 1, T: tInt}), tBool, "f f f f f", 0},
		{SubAll, op(t, ">", x, &Col{Index: 1, T: tInt}), tBool, "t t t t t", 0},
	} {
		runs = 0
		ctx.Clear()
		p, err := Compile(&Subquery{Kind: c.kind, Args: []Expr{x}, Test: c.test, T: c.t})
		if err != nil {
			t.Fatal(err)
		}
		v := p.Eval(ctx, in, nil)
		got := ""
		for i := range in.N {
			if i > 0 {
				got += " "
			}
			if s := v.At(i); s.Null {
				got += "null"
			} else {
				got += string(types.AppendText(nil, s.Type, s.I, s.F, s.B, nil))
			}
		}
		if got != c.want || runs != 3 || len(ctx.Errors) != c.errs {
			t.Errorf("kind %c: got %s with %d errors in %d runs, want %s with %d in 3", c.kind, got, len(ctx.Errors), runs, c.want, c.errs)
		}
		for _, e := range ctx.Errors {
			if e.Err.Code != pgerr.CardinalityViolation {
				t.Errorf("error %s", e.Err.Code)
			}
		}
	}
}

// TestParams checks that a changed parameter is seen by a Program that has run before.
func TestParams(t *testing.T) {
	e := op(t, "+", &Col{Index: 0, T: tInt}, &Param{N: 1, T: tInt})
	p, err := Compile(e)
	if err != nil {
		t.Fatal(err)
	}
	ctx := newCtx()
	for _, v := range []int64{5, 7} {
		ctx.Params = []vec.Scalar{{Type: tInt, I: v}}
		if got := p.Eval(ctx, intCol(1, 2), nil).I64; got[0] != 1+v || got[1] != 2+v {
			t.Errorf("$1 = %d: got %v", v, got)
		}
	}
}

// TestAllocs checks that evaluation over fixed-width columns allocates nothing once it has warmed up.
func TestAllocs(t *testing.T) {
	x := &Col{Index: 0, T: tInt}
	in := intCol(make([]int64, 1000)...)
	in.Cols[0].SetNull(3)
	cond := &And{[]Expr{op(t, ">=", x, Int(0)), op(t, "<", op(t, "+", x, Int(1)), Int(100))}}
	p, err := Compile(cond)
	if err != nil {
		t.Fatal(err)
	}
	ctx := newCtx()
	if n := testing.AllocsPerRun(20, func() { p.EvalFilter(ctx, in, nil) }); n > 0 {
		t.Errorf("EvalFilter allocates %v times", n)
	}
	if n := testing.AllocsPerRun(20, func() { p.Eval(ctx, in, nil) }); n > 0 {
		t.Errorf("Eval allocates %v times", n)
	}
}

func benchBatch(n int) *vec.Batch {
	b := vec.NewBatch([]types.Type{tInt, tText}, n)
	for i := range n {
		b.Cols[0].AppendI64(int64(i * 7919 % 1000))
		b.Cols[1].AppendStr([]string{"checkout", "cart", "home"}[i%3])
	}
	b.N = n
	return b
}

func benchmark(b *testing.B, run func(ctx *funcs.Ctx, in *vec.Batch)) {
	in := benchBatch(4096)
	ctx := newCtx()
	run(ctx, in)
	b.ReportAllocs()
	for b.Loop() {
		run(ctx, in)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/row")
}

func BenchmarkFilterIntConst(b *testing.B) {
	p, _ := Compile(op(b, "<", &Col{Index: 0, T: tInt}, Int(500)))
	benchmark(b, func(ctx *funcs.Ctx, in *vec.Batch) { p.EvalFilter(ctx, in, nil) })
}

// BenchmarkFilterIntGeneral is the same without the selector for constants.
func BenchmarkFilterIntGeneral(b *testing.B) {
	n, _ := compile(op(b, "<", &Col{Index: 0, T: tInt}, Int(500)))
	s := &boolSelector{n}
	dst := make([]int32, 0, 4096)
	benchmark(b, func(ctx *funcs.Ctx, in *vec.Batch) { s.rows(ctx, in, nil, dst) })
}

func BenchmarkFilterText(b *testing.B) {
	p, _ := Compile(op(b, "=", &Col{Index: 1, T: tText}, Text("cart")))
	benchmark(b, func(ctx *funcs.Ctx, in *vec.Batch) { p.EvalFilter(ctx, in, nil) })
}

func BenchmarkFilterTextGeneral(b *testing.B) {
	n, _ := compile(op(b, "=", &Col{Index: 1, T: tText}, Text("cart")))
	s := &boolSelector{n}
	dst := make([]int32, 0, 4096)
	benchmark(b, func(ctx *funcs.Ctx, in *vec.Batch) { s.rows(ctx, in, nil, dst) })
}

func BenchmarkAddInt(b *testing.B) {
	p, _ := Compile(op(b, "+", &Col{Index: 0, T: tInt}, Int(1)))
	benchmark(b, func(ctx *funcs.Ctx, in *vec.Batch) { p.Eval(ctx, in, nil) })
}
