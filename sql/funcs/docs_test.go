package funcs_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

const docsFile = "../../docs/functions.md"

// docRow is one row of a section: functions of one name and description.
type docRow struct{ calls, doc, example string }

type docSection struct {
	name string
	rows []*docRow
	at   map[string]*docRow
}

type document struct {
	sections []*docSection
	at       map[string]*docSection
}

func (d *document) add(section, name, call, doc, example string) {
	s := d.at[section]
	if s == nil {
		s = &docSection{name: section, at: map[string]*docRow{}}
		d.sections, d.at[section] = append(d.sections, s), s
	}
	r := s.at[name+"\x00"+doc]
	if r == nil {
		r = &docRow{doc: doc}
		s.rows, s.at[name+"\x00"+doc] = append(s.rows, r), r
	} else {
		r.calls += "<br>"
	}
	r.calls += code(call)
	if r.example == "" && example != "" {
		r.example = code(example)
	}
}

// code formats text as code in a table.
func code(s string) string {
	fence := "`"
	if strings.Contains(s, "`") {
		fence = "``"
	}
	return fence + strings.ReplaceAll(s, "|", `\|`) + fence
}

func typeList(args []types.OID, variadic bool) string {
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = a.String()
		if variadic && i == len(args)-1 {
			names[i] += " ..."
		}
	}
	return strings.Join(names, ", ")
}

func describe(f *funcs.Func) string {
	switch f.Kind {
	case funcs.Operator:
		return fmt.Sprintf("%s %s %s → %s", f.Args[0], f.Name, f.Args[1], f.Ret)
	case funcs.Prefix:
		return fmt.Sprintf("%s %s → %s", f.Name, f.Args[0], f.Ret)
	}
	return fmt.Sprintf("%s(%s) → %s", f.Name, typeList(f.Args, f.Variadic), f.Ret)
}

func documentation() string {
	d := &document{at: map[string]*docSection{}}
	for _, f := range funcs.All() {
		if !strings.Contains(f.Name, " ") {
			d.add(f.Section, string(rune(f.Kind))+f.Name, describe(f), f.Doc, f.Example)
		}
	}
	for _, f := range funcs.SetFuncs() {
		cols := make([]string, len(f.Cols))
		for i, c := range f.Cols {
			cols[i] = c.Type.OID.String()
			if len(f.Cols) > 1 {
				cols[i] = c.Name + " " + cols[i]
			}
		}
		d.add(f.Section, f.Name, fmt.Sprintf("%s(%s) → setof %s", f.Name, typeList(f.Args, f.Variadic), strings.Join(cols, ", ")), f.Doc, f.Example)
	}
	for _, a := range funcs.Aggregates() {
		args := typeList(a.Args, false)
		if a.Name == "count" && args == "" {
			args = "*"
		}
		d.add("Aggregates", a.Name, fmt.Sprintf("%s(%s) → %s", a.Name, args, a.Ret), a.Doc, a.Example)
	}
	var b strings.Builder
	b.WriteString("# Functions and operators\n\n" +
		"Generated from the function table by `go test ./sql/funcs -run TestDocs -update`. Results are PostgreSQL's; where they differ on\n" +
		"purpose, [sql.md](sql.md) says so. In a materialized view, functions that depend on the time zone compute in UTC, and functions\n" +
		"of the session or the catalog are not available.\n")
	for _, s := range d.sections {
		fmt.Fprintf(&b, "\n## %s\n\n| call | what it gives | example |\n|---|---|---|\n", s.name)
		for _, r := range s.rows {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", r.calls, r.doc, r.example)
		}
	}
	return b.String()
}

// TestDocs checks that docs/functions.md is what the table says.
func TestDocs(t *testing.T) {
	want := documentation()
	if *update {
		if err := os.WriteFile(docsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is stale: run go test ./sql/funcs -run TestDocs -update", docsFile)
	}
}

// TestEveryRowIsDocumented checks that rows have what the documentation needs.
func TestEveryRowIsDocumented(t *testing.T) {
	for _, f := range funcs.All() {
		if f.Doc == "" || f.Section == "" || f.Kernel == nil || f.Vol == 0 {
			t.Errorf("%s%v lacks a description, section, kernel or volatility", f.Name, f.Args)
		}
	}
	for _, a := range funcs.Aggregates() {
		if a.Doc == "" || a.New == nil {
			t.Errorf("%s%v lacks a description or accumulator", a.Name, a.Args)
		}
	}
}

// exampleCtx is UTC, at a time that examples do not depend on.
func exampleCtx() *funcs.Ctx {
	return &funcs.Ctx{Context: context.Background(), Env: &types.Env{}}
}

func splitExample(t *testing.T, example string) (call, want string) {
	t.Helper()
	call, want, ok := strings.Cut(example, " → ")
	if !ok {
		t.Fatalf("example without result: %s", example)
	}
	return call, want
}

// outputText is the value of e as its output function writes it.
func outputText(e expr.Expr) string {
	v, err := expr.Value(e, exampleCtx())
	if err != nil {
		return "ERROR: " + err.Error()
	}
	return cellText(v)
}

func cellText(v vec.Scalar) string {
	if v.Null {
		return "NULL"
	}
	return string(types.AppendText(nil, v.Type, v.I, v.F, v.B, nil))
}

func TestExamples(t *testing.T) {
	n := 0
	for _, f := range funcs.All() {
		if f.Example == "" {
			continue
		}
		n++
		call, want := splitExample(t, f.Example)
		e, err := bindText(call)
		if err != nil {
			t.Errorf("%s: %v", f.Example, err)
			continue
		}
		if got := outputText(e); got != want {
			t.Errorf("%s: got %s", f.Example, got)
		}
	}
	t.Logf("%d examples", n)
}

func TestSetExamples(t *testing.T) {
	for _, f := range funcs.SetFuncs() {
		if f.Example == "" {
			continue
		}
		call, want := splitExample(t, f.Example)
		got, err := setRows(call)
		if err != nil {
			t.Errorf("%s: %v", f.Example, err)
		} else if got != want {
			t.Errorf("%s: got %s", f.Example, got)
		}
	}
}

// setRows calls a set-returning function and prints its rows.
func setRows(sql string) (string, error) {
	es, err := parseItems(sql)
	if err != nil {
		return "", err
	}
	call := es[0].(*ast.FuncCall)
	args, err := bindAll(call.Args)
	if err != nil {
		return "", err
	}
	f, want, cols, err := funcs.ResolveSet(call.Name[len(call.Name)-1], typesOf(args))
	if err != nil {
		return "", err
	}
	argv := make([]*vec.Vec, len(args))
	for i, a := range args {
		c, ok := expr.Coerce(a, want[i], funcs.Implicit)
		if !ok {
			return "", fmt.Errorf("no coercion to %s", want[i])
		}
		v, err := expr.Value(c, exampleCtx())
		if err != nil {
			return "", err
		}
		argv[i] = vec.New(want[i], 1)
		argv[i].AppendScalar(v)
	}
	ts := make([]types.Type, len(cols))
	for i, c := range cols {
		ts[i] = c.Type
	}
	out := vec.NewBatch(ts, 0)
	if err := f.Rows(exampleCtx(), argv, 0, out); err != nil {
		return "", err
	}
	rows := make([]string, out.N)
	for i := range rows {
		cells := make([]string, len(out.Cols))
		for k, c := range out.Cols {
			cells[k] = cellText(c.At(i))
		}
		rows[i] = strings.Join(cells, ", ")
	}
	return strings.Join(rows, " | "), nil
}

func TestAggregateExamples(t *testing.T) {
	for _, a := range funcs.Aggregates() {
		if a.Example == "" {
			continue
		}
		call, want := splitExample(t, a.Example)
		_, list, _ := strings.Cut(call, " of ")
		got, err := aggregate(a, list)
		if err != nil {
			t.Errorf("%s: %v", a.Example, err)
		} else if got != want {
			t.Errorf("%s: got %s", a.Example, got)
		}
	}
}

// aggregate runs a over a list of values; a second argument is the separator of string_agg.
func aggregate(a *funcs.Aggregate, list string) (string, error) {
	es, err := parseItems(list)
	if err != nil {
		return "", err
	}
	vals, err := bindAll(es)
	if err != nil {
		return "", err
	}
	t, err := funcs.CommonType("", typesOf(vals))
	if err != nil {
		return "", err
	}
	var in []types.Type
	if len(a.Args) > 0 {
		in = append(in, t)
	}
	if len(a.Args) > 1 {
		in = append(in, types.T(types.Text))
	}
	_, want, ret, err := funcs.ResolveAggregate(a.Name, in)
	if err != nil {
		return "", err
	}
	args := make([]*vec.Vec, len(want))
	for i := range want {
		args[i] = vec.New(want[i], len(vals))
		for _, v := range vals {
			if i == 1 {
				args[i].AppendStr(", ")
				continue
			}
			c, _ := expr.Coerce(v, want[i], funcs.Implicit)
			s, err := expr.Value(c, exampleCtx())
			if err != nil {
				return "", err
			}
			args[i].AppendScalar(s)
		}
	}
	acc := a.New(want, false)
	acc.Reset(1)
	acc.Update(exampleCtx(), make([]int32, len(vals)), args, nil, len(vals), nil)
	out := vec.New(ret, 1)
	acc.Result(exampleCtx(), 1, out)
	return cellText(out.At(0)), nil
}
