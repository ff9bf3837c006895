package planner

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
)

var rewriteFlag = flag.Bool("rewrite", false, "write the results into testdata")

// TestFiles runs the scripts in testdata. A script is a list of blocks
//
//	command
//	SQL
//	----
//	result
//
// with an empty line between blocks and comments (#) before them. exec applies DDL to the catalog of the script; plan
// shows the plan; describe shows parameters and columns. A result may also be an error.
func TestFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no test files", err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) { runFile(t, f) })
	}
}

func runFile(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{cat: testCatalog()}
	var out bytes.Buffer
	for i, block := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		if i > 0 {
			out.WriteString("\n")
		}
		var comments []string
		lines := strings.Split(strings.TrimLeft(block, "\n"), "\n")
		for len(lines) > 0 && strings.HasPrefix(lines[0], "#") {
			comments, lines = append(comments, lines[0]), lines[1:]
		}
		for _, c := range comments {
			out.WriteString(c + "\n")
		}
		if len(lines) == 0 {
			continue
		}
		body, want, _ := strings.Cut(strings.Join(lines[1:], "\n"), "\n----\n")
		body = strings.TrimSuffix(body, "\n----")
		got := strings.TrimRight(s.run(t, lines[0], body), "\n")
		if got == "" {
			got = "ok"
		}
		if want = strings.TrimRight(want, "\n"); got != want && !*rewriteFlag {
			t.Errorf("%s\n%s\ngot:\n%s\nwant:\n%s", lines[0], body, got, want)
		}
		fmt.Fprintf(&out, "%s\n%s\n----\n%s\n", lines[0], body, got)
	}
	if *rewriteFlag {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// script is the state of one file: its catalog.
type script struct {
	cat   *catalog.Snapshot
	funcs *funcs.Ctx
}

func testCatalog() *catalog.Snapshot {
	return catalog.New(nil, &catalog.Schema{ID: catalog.PgCatalogID, Name: catalog.PgCatalog})
}

func (s *script) env() *Env {
	return &Env{Catalog: s.cat, SearchPath: []string{"public"}, User: catalog.SuperuserName, Funcs: s.funcs}
}

func (s *script) run(t *testing.T, cmd, sql string) string {
	t.Helper()
	stmts, err := parser.Parse(sql)
	if err != nil {
		return showError(err)
	}
	var out strings.Builder
	for _, st := range stmts {
		plan, err := Plan(st.Node, s.env())
		if err != nil {
			out.WriteString(showError(err))
			continue
		}
		for _, n := range plan.Notices {
			fmt.Fprintf(&out, "%s: %s\n", n.Severity, n.Message)
		}
		switch cmd {
		case "exec":
			d, ok := plan.Plan.(physical.DDL)
			if !ok {
				t.Fatalf("not DDL: %s", sql)
			}
			if err := s.apply(d); err != nil {
				out.WriteString(showError(err))
			}
		case "plan":
			out.WriteString(strings.Join(show(t, s, plan.Plan), "\n") + "\n")
		case "describe":
			for i, p := range plan.Params {
				fmt.Fprintf(&out, "$%d %s\n", i+1, p)
			}
			for _, f := range plan.Fields {
				fmt.Fprintf(&out, "%s %s\n", f.Name, f.Type)
			}
		default:
			t.Fatalf("unknown command %q", cmd)
		}
	}
	return out.String()
}

func showError(err error) string {
	e := pgerr.Of(err)
	s := fmt.Sprintf("ERROR %s: %s\n", e.Code, e.Message)
	if e.Position > 0 {
		s = fmt.Sprintf("ERROR %s at %d: %s\n", e.Code, e.Position, e.Message)
	}
	if e.Detail != "" {
		s += "DETAIL: " + e.Detail + "\n"
	}
	if e.Hint != "" {
		s += "HINT: " + e.Hint + "\n"
	}
	return s
}

func show(t *testing.T, s *script, plan physical.Statement) []string {
	p := &planning{env: s.env()}
	if d, ok := plan.(physical.DDL); ok {
		if c, ok := d.(*physical.CreateRelation); !ok || c.View == nil && c.Query == nil {
			return []string{describeDDL(d)}
		}
	}
	if c, ok := plan.(*physical.CopyPlan); ok {
		return []string{fmt.Sprintf("copy %d columns %v", len(c.Fields), c.Cols)}
	}
	if c, ok := plan.(*physical.CreateRelation); ok && c.View != nil {
		roundTrip(t, c.View)
	}
	lines, err := p.lines(plan)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// roundTrip checks that a view's plan survives the catalog.
func roundTrip(t *testing.T, v *physical.View) {
	t.Helper()
	data, err := physical.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	back, err := physical.Decode(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	again, err := physical.Encode(back)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, again) {
		t.Errorf("decoded plan differs:\n%s\n%s", data, again)
	}
	if a, b := physical.ExplainView(v), physical.ExplainView(back); !slices.Equal(a, b) {
		t.Errorf("decoded plan differs:\n%s\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
}

func describeDDL(d physical.DDL) string {
	switch d := d.(type) {
	case *physical.CreateRelation:
		var b strings.Builder
		r := d.Rel
		fmt.Fprintf(&b, "%s %s", r.Kind, r.Name)
		for _, c := range r.Columns {
			fmt.Fprintf(&b, "\n  %s %s", c.Name, c.Type)
			if c.NotNull {
				b.WriteString(" not null")
			}
			if c.Default != "" {
				b.WriteString(" default " + c.Default)
			}
			if c.Identity != 0 {
				fmt.Fprintf(&b, " identity %c", c.Identity)
			}
		}
		if r.PrimaryKey != nil {
			fmt.Fprintf(&b, "\n  primary key %s %v", r.PKName, r.PrimaryKey)
		}
		for _, u := range r.Uniques {
			fmt.Fprintf(&b, "\n  unique %s %v", u.Name, u.Cols)
		}
		for _, c := range r.Checks {
			fmt.Fprintf(&b, "\n  check %s %s", c.Name, c.Expr)
		}
		if r.Watermark != nil {
			fmt.Fprintf(&b, "\n  watermark %d delay %d", r.Watermark.Col, r.Watermark.Delay)
		}
		if r.Retention != 0 {
			fmt.Fprintf(&b, "\n  retention %d", r.Retention)
		}
		if r.Definition != "" {
			b.WriteString("\n  as " + r.Definition)
		}
		for _, q := range d.Sequences {
			fmt.Fprintf(&b, "\n  sequence %s %+v", q.Name, *q.Seq)
		}
		return b.String()
	case *physical.Drop:
		return fmt.Sprintf("drop %v schemas %v cascaded %v", d.Relations, d.Schemas, d.Cascaded)
	case *physical.PutRole:
		return fmt.Sprintf("role %+v", *d.Role)
	case *physical.AlterRelation:
		return fmt.Sprintf("alter %s %s comment %q owner %d", d.Rel.Kind, d.Rel.Name, d.Rel.Comment, d.Rel.Owner)
	}
	return fmt.Sprintf("%T", d)
}

// apply does to the catalog what the engine does.
func (s *script) apply(d physical.DDL) error {
	b := s.cat.Edit()
	var err error
	switch d := d.(type) {
	case *physical.CreateRelation:
		if old := b.View().Lookup(d.Rel.Schema, d.Rel.Name); old != nil && d.Replace {
			b.DropRelation(old.ID)
		}
		d.Rel.ID = b.AllocIDs(1)
		for _, q := range d.Sequences {
			q.ID = b.AllocIDs(1)
			q.Seq.OwnedBy = d.Rel.ID
			d.Rel.Columns[q.Seq.OwnedCol].SeqID = q.ID
			if err := b.PutRelation(q); err != nil {
				return err
			}
		}
		if d.View != nil {
			if d.Rel.Plan, err = physical.Encode(d.View); err != nil {
				return err
			}
		}
		err = b.PutRelation(d.Rel)
	case *physical.Drop:
		for _, id := range d.Relations {
			b.DropRelation(id)
		}
		for _, id := range d.Schemas {
			b.DropSchema(id)
		}
	case *physical.CreateSchema:
		err = b.PutSchema(&catalog.Schema{ID: b.AllocIDs(1), Name: d.Name})
	case *physical.AlterRelation:
		err = b.PutRelation(d.Rel)
	case *physical.PutRole:
		if d.Role.ID == 0 {
			d.Role.ID = b.AllocIDs(1)
		}
		err = b.PutRole(d.Role)
	}
	s.cat = b.Done()
	return err
}
