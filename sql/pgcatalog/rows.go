package pgcatalog

import (
	"strconv"
	"strings"
	"sync"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Provider produces the rows of a system relation for one statement: all columns, in order. The batch is shared and
// must not be changed.
type Provider func(cat *catalog.Snapshot, fc *funcs.Ctx) (*vec.Batch, error)

// value is a cell on its way into a relation's rows.
type value struct {
	i    int64
	f    float64
	s    string
	null bool
}

type integer interface {
	~int | ~int16 | ~int32 | ~int64 | ~uint32 | ~uint8
}

func num[T integer](v T) value    { return value{i: int64(v)} }
func str(s string) value          { return value{s: s} }
func float(f float64) value       { return value{f: f} }
func array(elems ...string) value { return value{s: "{" + strings.Join(elems, ",") + "}"} }

func yes(b bool) value {
	if b {
		return value{i: 1}
	}
	return value{}
}

// orNull is null for an empty string.
func orNull(s string) value { return value{s: s, null: s == ""} }

// ints lists numbers, for vectors and arrays.
func ints[T integer](vs []T) []string {
	out := make([]string, len(vs))
	for i, v := range vs {
		out[i] = strconv.FormatInt(int64(v), 10)
	}
	return out
}

func vector(elems []string) value { return value{s: strings.Join(elems, " ")} }

// row names the cells that are not their column's default: zero where NOT NULL, else null.
type row map[string]value

// writer collects the rows of one relation.
type writer struct {
	rel *catalog.Relation
	b   *vec.Batch
	cat *catalog.Snapshot
	fc  *funcs.Ctx
}

func newWriter(rel *catalog.Relation, cat *catalog.Snapshot) *writer {
	ts := make([]types.Type, len(rel.Columns))
	for i, c := range rel.Columns {
		ts[i] = c.Type
	}
	return &writer{rel: rel, b: vec.NewBatch(ts, 0), cat: cat}
}

func (w *writer) add(r row) {
	used := 0
	for i := range w.rel.Columns {
		c := &w.rel.Columns[i]
		v, ok := r[c.Name]
		switch {
		case ok:
			used++
			w.cell(i, v)
		case c.Name == "tableoid":
			w.b.Cols[i].AppendI64(int64(w.rel.ID))
		case c.Name == "xmin":
			w.b.Cols[i].AppendI64(1)
		case c.NotNull:
			w.cell(i, value{})
		default:
			w.b.Cols[i].AppendNull()
		}
	}
	if used != len(r) {
		panic("pgcatalog: a row of " + w.rel.Name + " names a column that is not there")
	}
	w.b.N++
}

func (w *writer) cell(i int, v value) {
	col := w.b.Cols[i]
	if v.null {
		col.AppendNull()
		return
	}
	switch t := col.Type; t.Class() {
	case types.I64:
		col.AppendI64(v.i)
	case types.F64:
		col.AppendF64(v.f)
	default:
		if !t.OID.IsArray() && t.OID != types.Interval {
			col.AppendStr(v.s)
			return
		}
		b, err := types.AppendParsedBytes(col.Buf, t, v.s, nil)
		if err != nil {
			panic("pgcatalog: " + w.rel.Name + "." + w.rel.Columns[i].Name + ": " + err.Error())
		}
		col.Buf = b
		col.FinishBytes()
	}
}

// fillers compute relations from the snapshot. What is in none of the tables is empty.
func fillers() map[string]func(*writer) {
	return map[string]func(*writer){
		"pg_aggregate": fillAggregate, "pg_am": fillAm, "pg_attrdef": fillAttrdef, "pg_attribute": fillAttribute,
		"pg_authid": fillAuthid, "pg_cast": fillCast, "pg_class": fillClass, "pg_collation": fillCollation,
		"pg_constraint": fillConstraint, "pg_database": fillDatabase, "pg_depend": fillDepend,
		"pg_description": fillDescription, "pg_index": fillIndex, "pg_language": fillLanguage,
		"pg_namespace": fillNamespace, "pg_opclass": fillOpclass, "pg_operator": fillOperator,
		"pg_opfamily": fillOpfamily, "pg_proc": fillProc, "pg_rewrite": fillRewrite, "pg_sequence": fillSequence,
		"pg_shdescription": fillShdescription, "pg_tablespace": fillTablespace, "pg_type": fillType,
		"pg_timezone_names": fillTimezoneNames,
	}
}

// Providers returns the providers of all system relations but views: by id, with live ones in their place.
func Providers(live Live) map[catalog.ID]Provider {
	out := map[catalog.ID]Provider{}
	fill := fillers()
	running := live.fillers()
	for _, rel := range Relations() {
		switch {
		case rel.Kind != catalog.System:
		case running[rel.Name] != nil && rel.Schema != InformationSchemaID:
			out[rel.ID] = fresh(rel, running[rel.Name])
		case fill[rel.Name] != nil && rel.Schema == catalog.PgCatalogID:
			out[rel.ID] = cached(rel, fill[rel.Name])
		default:
			out[rel.ID] = cached(rel, func(*writer) {})
		}
	}
	return out
}

// cached computes rows once for each catalog version; the last one's are kept.
func cached(rel *catalog.Relation, fill func(*writer)) Provider {
	var mu sync.Mutex
	var last *catalog.Snapshot
	var rows *vec.Batch
	return func(cat *catalog.Snapshot, _ *funcs.Ctx) (*vec.Batch, error) {
		mu.Lock()
		defer mu.Unlock()
		if last != cat {
			w := newWriter(rel, cat)
			fill(w)
			last, rows = cat, w.b
		}
		return rows, nil
	}
}

// fresh computes rows for every statement.
func fresh(rel *catalog.Relation, fill func(*writer)) Provider {
	return func(cat *catalog.Snapshot, fc *funcs.Ctx) (*vec.Batch, error) {
		w := newWriter(rel, cat)
		w.fc = fc
		fill(w)
		return w.b, nil
	}
}
