package parser

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/ast"
)

// Deparse writes a tree as PostgreSQL text that parses to the same tree. It takes statements,
// expressions, queries, tables of FROM, types and column definitions.
func Deparse(n ast.Node) string {
	var d deparser
	d.node(n)
	return d.b.String()
}

// QuoteIdent quotes a name where PostgreSQL's quote_identifier would.
func QuoteIdent(name string) string {
	if plainIdent(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// plainIdent reports whether a name reads as itself without quotes, in every place a name may stand.
func plainIdent(name string) bool {
	if name == "" || !(name[0] == '_' || 'a' <= name[0] && name[0] <= 'z') {
		return false
	}
	for i := 1; i < len(name); i++ {
		if c := name[i]; !(c == '_' || 'a' <= c && c <= 'z' || isDigit(c)) {
			return false
		}
	}
	k, ok := keywords[name]
	return (!ok || k.cat == unreserved) && !contextual[name]
}

// contextual are names that read as syntax before a parenthesis or a keyword.
var contextual = map[string]bool{
	"rollup": true, "cube": true, "operator": true, "tumble": true, "hop": true, "session": true, "double": true,
	"watermark": true, "descriptor": true,
}

// QuoteLiteral writes a string constant.
func QuoteLiteral(s string) string {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// deparser accumulates text.
type deparser struct{ b strings.Builder }

func (d *deparser) text(s string) { d.b.WriteString(s) }

// when writes s if cond holds.
func (d *deparser) when(cond bool, s string) {
	if cond {
		d.b.WriteString(s)
	}
}

func (d *deparser) ident(name string) { d.text(QuoteIdent(name)) }

func (d *deparser) str(s string) { d.text(QuoteLiteral(s)) }

func (d *deparser) idents(list []string) {
	for i, s := range list {
		d.when(i > 0, ", ")
		d.ident(s)
	}
}

// columns writes (a, b) if there are any.
func (d *deparser) columns(list []string) {
	if len(list) > 0 {
		d.text("(")
		d.idents(list)
		d.text(")")
	}
}

func (d *deparser) dotted(parts []string) {
	for i, s := range parts {
		d.when(i > 0, ".")
		d.ident(s)
	}
}

func (d *deparser) objectName(n ast.ObjectName) {
	for _, s := range []string{n.Catalog, n.Schema} {
		if s != "" {
			d.ident(s)
			d.text(".")
		}
	}
	d.ident(n.Name)
}

func (d *deparser) objectNames(list []ast.ObjectName) {
	for i, n := range list {
		d.when(i > 0, ", ")
		d.objectName(n)
	}
}

// node writes anything.
func (d *deparser) node(n ast.Node) {
	switch n := n.(type) {
	case ast.Expr:
		d.expr(n, 0)
	case *ast.SelectCore, *ast.SetOp, *ast.Values:
		d.body(n.(ast.Query))
	case ast.Statement:
		d.statement(n)
	case ast.TableRef:
		d.table(n)
	case *ast.TypeName:
		d.typeName(n)
	case *ast.ColumnDef:
		d.columnDef(n)
	case *ast.Constraint:
		d.constraint(n)
	case *ast.SelectItem:
		d.item(n)
	case *ast.SortItem:
		d.sortItem(n)
	case *ast.WindowSpec:
		d.window(n)
	case ast.ObjectName:
		d.objectName(n)
	}
}

// typeSpellings are SQL's names for PostgreSQL's types, with the part that follows the modifiers.
var typeSpellings = map[string][2]string{
	"int2": {"smallint"}, "int4": {"integer"}, "int8": {"bigint"}, "float4": {"real"}, "float8": {"double precision"},
	"bool": {"boolean"}, "numeric": {"numeric"}, "varchar": {"character varying"}, "varbit": {"bit varying"},
	"interval": {"interval"}, "time": {"time", " without time zone"}, "timetz": {"time", " with time zone"},
	"timestamp": {"timestamp", " without time zone"}, "timestamptz": {"timestamp", " with time zone"},
}

// noModifiers are the types whose SQL spelling takes no modifiers.
var noModifiers = map[string]bool{"int2": true, "int4": true, "int8": true, "float4": true, "float8": true, "bool": true}

func (d *deparser) typeName(t *ast.TypeName) {
	d.when(t.SetOf, "SETOF ")
	d.baseType(t)
	if t.Fields != "" {
		d.intervalFields(t)
	}
	for _, n := range t.Dims {
		d.text("[")
		d.when(n >= 0, strconv.Itoa(n))
		d.text("]")
	}
}

// baseType writes a type without interval fields and array bounds.
func (d *deparser) baseType(t *ast.TypeName) {
	s, ok := typeSpellings[t.Name]
	fixed := (t.Name == "bpchar" || t.Name == "bit") && len(t.TypMods) > 0
	switch {
	case t.Schema != "":
		d.ident(t.Schema)
		d.text(".")
		d.ident(t.Name)
		s[1] = ""
	case ok && (len(t.TypMods) == 0 || !noModifiers[t.Name]):
		d.text(s[0])
	case fixed && t.Name == "bpchar":
		d.text("character")
	case fixed:
		d.text("bit")
	default:
		d.ident(t.Name)
		s[1] = ""
	}
	if t.Fields == "" {
		d.typeMods(t)
	}
	d.text(s[1])
}

func (d *deparser) typeMods(t *ast.TypeName) {
	if len(t.TypMods) == 0 {
		return
	}
	d.text("(")
	for i, n := range t.TypMods {
		d.when(i > 0, ",")
		d.text(strconv.Itoa(n))
	}
	d.text(")")
}

func (d *deparser) intervalFields(t *ast.TypeName) {
	d.text(" " + strings.ToLower(t.Fields))
	d.typeMods(t)
}

// list writes the elements of a list with commas between them.
func list[T any](d *deparser, elems []T, write func(T)) {
	for i, e := range elems {
		d.when(i > 0, ", ")
		write(e)
	}
}
