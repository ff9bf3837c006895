package session

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// shownKinds are the relations that SHOW CREATE shows.
var shownKinds = map[ast.ObjectKind]catalog.Kind{
	ast.ObjTable: catalog.Table, ast.ObjStream: catalog.Stream, ast.ObjSource: catalog.Stream, ast.ObjView: catalog.View,
	ast.ObjMaterializedView: catalog.MatView, ast.ObjSink: catalog.Sink,
}

// rewriteShowCreate answers with the statement that would make the object again: with the names of secrets, and other
// credentials masked.
func rewriteShowCreate(s *Session, n ast.Statement) (ast.Statement, error) {
	sh := n.(*ast.ShowCreate)
	want, ok := shownKinds[sh.Kind]
	if !ok {
		return nil, pgerr.Unsupported("SHOW CREATE " + string(sh.Kind)).
			WithHint("Statements of tables, streams, views, materialized views and sinks are shown.").At(sh.Pos())
	}
	r, err := s.resolve(sh.Name)
	if err != nil {
		return nil, err
	}
	if r.Kind != want && !(sh.Kind == ast.ObjSource && r.Connector != "" && r.Kind == catalog.Table) {
		return nil, pgerr.Newf(pgerr.WrongObjectType, `"%s" is not a %s`, r.Name, want).At(sh.Name.Pos())
	}
	cat := s.catalog()
	text, err := createText(cat, r)
	if err != nil {
		return nil, err
	}
	return parseOne("SELECT " + parser.QuoteLiteral(cat.QualifiedName(r)) + " AS name, " + parser.QuoteLiteral(text) + " AS create_sql")
}

// createText is the statement that makes r. It is written with every name in quotes, and the parser's own printer takes off
// those that are not needed.
func createText(cat *catalog.Snapshot, r *catalog.Relation) (string, error) {
	w := &createWriter{cat: cat, r: r}
	w.text("CREATE %s %s", strings.ToUpper(string(r.Kind)), w.name(r))
	switch r.Kind {
	case catalog.View, catalog.MatView:
		w.view()
	case catalog.Sink:
		w.sink()
	default:
		w.relation()
	}
	stmt, err := parseOne(w.b.String())
	if err != nil {
		return "", pgerr.Newf(pgerr.Internal, "the definition of \"%s\" does not parse: %v", r.Name, err)
	}
	return parser.Deparse(stmt), nil
}

type createWriter struct {
	cat *catalog.Snapshot
	r   *catalog.Relation
	b   strings.Builder
}

func (w *createWriter) text(format string, args ...any) { fmt.Fprintf(&w.b, format, args...) }

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (w *createWriter) name(r *catalog.Relation) string {
	if sc := w.cat.SchemaByID(r.Schema); sc != nil {
		return quoted(sc.Name) + "." + quoted(r.Name)
	}
	return quoted(r.Name)
}

func (w *createWriter) columns(cols []int) string {
	var names []string
	for _, c := range cols {
		names = append(names, quoted(w.r.Columns[c].Name))
	}
	return "(" + strings.Join(names, ", ") + ")"
}

// view names the columns, which may have names of their own.
func (w *createWriter) view() {
	var cols []int
	for i, c := range w.r.Columns {
		if !c.Hidden {
			cols = append(cols, i)
		}
	}
	w.text(" %s", w.columns(cols))
	w.with(" WITH ", w.r.Options, nil)
	w.text(" AS %s", strings.TrimSuffix(w.r.Definition, ";"))
	if w.r.EmitOnClose {
		w.text(" EMIT ON WINDOW CLOSE")
	}
}

func (w *createWriter) sink() {
	if from := w.cat.Relation(w.r.Sink.From); from != nil {
		w.text(" FROM %s", w.name(from))
	} else {
		w.text(" AS %s", strings.TrimSuffix(w.r.Definition, ";"))
	}
	w.with(" WITH ", w.r.Options, w.r.Secrets)
	w.format()
}

// relation writes a table or stream.
func (w *createWriter) relation() {
	w.text(" (")
	sep := ""
	item := func(format string, args ...any) {
		w.text(sep+format, args...)
		sep = ", "
	}
	for i := range w.r.Columns {
		if w.r.Columns[i].Include == "" {
			item("%s", w.column(i))
		}
	}
	if w.r.PrimaryKey != nil {
		item("%sPRIMARY KEY %s", w.constraintName(w.r.PKName, w.r.Name+"_pkey"), w.columns(w.r.PrimaryKey))
	}
	for _, u := range w.r.Uniques {
		item("%sUNIQUE %s", w.constraintName(u.Name, ""), w.columns(u.Cols))
	}
	for _, c := range w.r.Checks {
		item("%sCHECK (%s)", w.constraintName(c.Name, ""), c.Expr)
	}
	if m := w.r.Watermark; m != nil {
		name := quoted(w.r.Columns[m.Col].Name)
		item("WATERMARK FOR %s AS %s", name, name)
		if m.Delay != 0 {
			delay := types.AppendInterval(nil, types.IntervalValue{Micros: m.Delay})
			w.text(" - INTERVAL '%s'", types.AppendBytesText(nil, types.T(types.Interval), delay, nil))
		}
	}
	w.text(")")
	for _, c := range w.r.Columns {
		if c.Include == "" {
			continue
		}
		w.text(" INCLUDE %s", strings.ToUpper(c.Include))
		if c.Include == "key" && c.Type.OID == types.Text { // else it is bytea
			w.text(" text")
		}
		w.text(" AS %s", quoted(c.Name))
	}
	w.with(" WITH ", w.r.Options, w.r.Secrets)
	w.format()
}

func (w *createWriter) constraintName(name, usual string) string {
	if name == "" || name == usual {
		return ""
	}
	return "CONSTRAINT " + quoted(name) + " "
}

var serialNames = map[types.OID]string{types.Int2: "smallserial", types.Int4: "serial", types.Int8: "bigserial"}

func (w *createWriter) column(i int) string {
	c := &w.r.Columns[i]
	if c.SeqID != 0 && c.Identity == 0 {
		return quoted(c.Name) + " " + serialNames[c.Type.OID]
	}
	text := quoted(c.Name) + " " + c.Type.String()
	if c.Path != "" {
		text += " FROM " + parser.QuoteLiteral(c.Path)
	}
	if c.Identity != 0 {
		return text + w.identity(c)
	}
	if c.Default != "" {
		text += " DEFAULT " + c.Default
	}
	if c.NotNull && !slices.Contains(w.r.PrimaryKey, i) {
		text += " NOT NULL"
	}
	return text
}

func (w *createWriter) identity(c *catalog.Column) string {
	text := " GENERATED BY DEFAULT AS IDENTITY"
	if c.Identity == 'a' {
		text = " GENERATED ALWAYS AS IDENTITY"
	}
	seq := w.cat.Relation(c.SeqID)
	if seq == nil || seq.Seq == nil {
		return text
	}
	s := seq.Seq
	text += fmt.Sprintf(" (START WITH %d INCREMENT BY %d MINVALUE %d MAXVALUE %d", s.Start, s.Increment, s.Min, s.Max)
	if s.Cycle {
		text += " CYCLE"
	}
	return text + ")"
}

func (w *createWriter) format() {
	f := w.r.Format
	if f == nil {
		return
	}
	w.text(" FORMAT %s", f.Format)
	if f.Encode != "" {
		w.text(" ENCODE %s", f.Encode)
		w.with(" ", f.Options, f.Secrets)
	}
	if f.Key != "" {
		w.text(" KEY ENCODE %s", f.Key)
		w.with(" ", f.KeyOptions, f.KeySecrets)
	}
}

// with writes options by name.
func (w *createWriter) with(lead string, options map[string]string, refs map[string]catalog.ID) {
	names := slices.AppendSeq(slices.Collect(maps.Keys(options)), maps.Keys(refs))
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	var items []string
	for _, name := range names {
		value := parser.QuoteLiteral(catalog.ShownValue(name, options[name]))
		if s := w.cat.SecretByID(refs[name]); s != nil {
			value = "SECRET " + quoted(s.Name)
		}
		var parts []string
		for _, part := range strings.Split(name, ".") {
			parts = append(parts, quoted(part))
		}
		items = append(items, strings.Join(parts, ".")+" = "+value)
	}
	w.text("%s(%s)", lead, strings.Join(items, ", "))
}
