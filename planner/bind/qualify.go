package bind

import (
	"reflect"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
)

// qualifier remembers, while the query of a view is bound, what its names meant, so that the stored text means the
// same under any search path and after columns are added: relations get their schemas, stars become columns. A nil
// qualifier remembers nothing.
type qualifier struct {
	tables map[*ast.TableName]ast.ObjectName
	stars  map[*ast.SelectItem][]*ast.SelectItem
}

func newQualifier() *qualifier {
	return &qualifier{tables: map[*ast.TableName]ast.ObjectName{}, stars: map[*ast.SelectItem][]*ast.SelectItem{}}
}

// relation notes that t means rel.
func (q *qualifier) relation(t *ast.TableName, cat *catalog.Snapshot, rel *catalog.Relation) {
	if q == nil {
		return
	}
	if sc := cat.SchemaByID(rel.Schema); sc != nil {
		q.tables[t] = ast.ObjectName{Loc: t.ObjectName.Loc, Schema: sc.Name, Name: rel.Name}
	}
}

// star notes what a star stands for.
func (q *qualifier) star(it *ast.SelectItem, cols []scopeCol) {
	if q == nil {
		return
	}
	var items []*ast.SelectItem
	switch e := it.Expr.(type) {
	case *ast.ColumnRef:
		for _, c := range cols {
			parts := append(append([]string{}, e.Parts...), c.name)
			if len(e.Parts) == 0 && c.table != "" {
				parts = []string{c.table, c.name}
			}
			items = append(items, &ast.SelectItem{Loc: it.Loc, Expr: &ast.ColumnRef{Loc: e.Loc, Parts: parts}})
		}
	case *ast.Field:
		for _, c := range cols {
			items = append(items, &ast.SelectItem{Loc: it.Loc, Expr: &ast.Field{Loc: e.Loc, Arg: e.Arg, Name: c.name}})
		}
	}
	q.stars[it] = items
}

// apply returns a copy of the query with the names that were noted.
func (q *qualifier) apply(sel *ast.Select) *ast.Select {
	return q.copy(reflect.ValueOf(sel)).Interface().(*ast.Select)
}

// copy copies a tree. Trees are made of pointers to structs, interfaces, slices and plain values; parts without
// names in them are shared.
func (q *qualifier) copy(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || v.Elem().Kind() != reflect.Struct {
			return v
		}
		c := reflect.New(v.Type().Elem())
		c.Elem().Set(q.copy(v.Elem()))
		if t, ok := v.Interface().(*ast.TableName); ok {
			if name, ok := q.tables[t]; ok {
				c.Interface().(*ast.TableName).ObjectName = name
			}
		}
		return c
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		c := reflect.New(v.Type()).Elem()
		c.Set(q.copy(v.Elem()))
		return c
	case reflect.Struct:
		c := reflect.New(v.Type()).Elem()
		c.Set(v)
		for i := range v.NumField() {
			c.Field(i).Set(q.copy(v.Field(i)))
		}
		return c
	case reflect.Slice:
		return q.copySlice(v)
	}
	return v
}

func (q *qualifier) copySlice(v reflect.Value) reflect.Value {
	if v.IsNil() {
		return v
	}
	if items, ok := v.Interface().([]*ast.SelectItem); ok {
		var out []*ast.SelectItem
		for _, it := range items {
			if cols, ok := q.stars[it]; ok {
				out = append(out, cols...)
				continue
			}
			out = append(out, q.copy(reflect.ValueOf(it)).Interface().(*ast.SelectItem))
		}
		return reflect.ValueOf(out)
	}
	c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		c.Index(i).Set(q.copy(v.Index(i)))
	}
	return c
}
