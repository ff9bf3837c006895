package funcs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// TestOracleQuantified compares x op ANY/ALL (array) with PostgreSQL, over columns in which the array repeats often
// enough to be made a set.
func TestOracleQuantified(t *testing.T) {
	o := newOracle(t)
	for _, c := range []struct {
		elem   types.OID
		op     string
		values []string
		arrays []string
	}{
		{types.Int4, "=", []string{"1", "2", "5", "NULL"}, []string{"{1,2,3}", "{}", "{1,NULL}", "{NULL}", "NULL"}},
		{types.Int8, "<", []string{"1", "2", "5", "NULL"}, []string{"{1,2,3}", "{}", "{7,NULL}"}},
		{types.Text, "=", []string{"a", "b", "", "NULL"}, []string{"{a,c}", "{}", `{"",NULL}`}},
		{types.Text, "~~", []string{"abc", "xyz"}, []string{"{a%,x_z}", "{%b%}", "{}"}},
		{types.Numeric, "=", []string{"1.0", "2"}, []string{"{1,3}", "{2.00,NULL}"}},
		{types.Float8, ">=", []string{"1.5", "NaN"}, []string{"{1,3}", "{NaN}"}},
	} {
		for _, all := range []bool{false, true} {
			o.quantified(t, c.elem, c.op, all, c.values, c.arrays)
		}
	}
}

func (o *oracle) quantified(t *testing.T, elem types.OID, op string, all bool, values, arrays []string) {
	t.Helper()
	arr, _ := types.ArrayOf(elem)
	f, _, err := funcs.ResolveQuantified(op, all, types.T(elem), types.T(arr))
	if err != nil {
		t.Fatal(err)
	}
	if back, ok := funcs.Lookup(f.Kind, f.Name, f.Args); !ok || back != f {
		t.Errorf("%s is not found again", f.Name)
	}
	in := vec.NewBatch([]types.Type{types.T(elem), types.T(arr)}, 0)
	var rows []string
	add := func(col int, ty types.OID, text string) string {
		e, sql := literal(ty, nil)
		if text != "NULL" {
			e, sql = literal(ty, &text)
		}
		v, err := expr.Value(e, o.ctx())
		if err != nil {
			t.Fatal(err)
		}
		in.Cols[col].AppendScalar(v)
		return sql
	}
	for _, a := range arrays {
		for range 15 {
			v := pick(o.rnd, values)
			rows = append(rows, fmt.Sprintf("(%d, %s, %s)", in.N, add(0, elem, v), add(1, arr, a)))
			in.N++
		}
	}
	word := "any"
	if all {
		word = "all"
	}
	q := fmt.Sprintf("select string_agg(coalesce((x %s %s (a))::text, 'null'), ' ' order by i) from (values %s) v(i, x, a)", op, word, strings.Join(rows, ", "))
	want := o.ask(t, []string{q})[0]
	p, err := expr.Compile(&expr.Call{Fn: f, T: types.T(types.Bool), Args: []expr.Expr{
		&expr.Col{Index: 0, T: types.T(elem)}, &expr.Col{Index: 1, T: types.T(arr)}}})
	if err != nil {
		t.Fatal(err)
	}
	v := p.Eval(&funcs.Ctx{Context: context.Background()}, in, nil)
	got := make([]string, in.N)
	for i := range got {
		switch {
		case v.IsNull(i):
			got[i] = "null"
		default:
			got[i] = fmt.Sprint(v.Bool(i))
		}
	}
	if want == nil || *want != strings.Join(got, " ") {
		t.Errorf("%s\n\twant %s\n\tgot  %s", q, show(want), strings.Join(got, " "))
	}
}
