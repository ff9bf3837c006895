package physical

import (
	"github.com/millracedb/millrace/sql/catalog"
)

// EncodeChecks encodes the CHECK constraints of a relation that a connector feeds, where no session binds them. It is a
// projection in the form of a view's plan.
func EncodeChecks(rel *catalog.Relation, checks []RowCheck) ([]byte, error) {
	scan := &Scan{Name: rel.Name}
	for i, c := range rel.Columns {
		scan.Cols = append(scan.Cols, i)
		scan.Out = append(scan.Out, Field{Name: c.Name, Type: c.Type})
	}
	m := &Map{Input: scan}
	for _, c := range checks {
		m.Project = append(m.Project, c.Expr)
		m.Out = append(m.Out, Field{Name: c.Name, Type: c.Expr.Type()})
	}
	return Encode(&View{Root: m})
}

// DecodeChecks is the inverse of EncodeChecks.
func DecodeChecks(data []byte) ([]RowCheck, error) {
	v, err := Decode(data)
	if err != nil {
		return nil, err
	}
	m, ok := v.Root.(*Map)
	if !ok || len(m.Out) != len(m.Project) {
		return nil, damaged("no row checks")
	}
	out := make([]RowCheck, len(m.Project))
	for i, e := range m.Project {
		out[i] = RowCheck{Name: m.Out[i].Name, Expr: e}
	}
	return out, nil
}
