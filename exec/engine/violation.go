package engine

import (
	"strings"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// uniqueViolation is PostgreSQL's 23505 for the primary key of row i of b.
func uniqueViolation(meta *catalog.Relation, b *vec.Batch, i int) error {
	var names, values []string
	for _, c := range meta.PrimaryKey {
		names = append(names, meta.Columns[c].Name)
		values = append(values, cellText(b.Cols[c], i, nil))
	}
	e := pgerr.Newf(pgerr.UniqueViolation, `duplicate key value violates unique constraint "%s"`, meta.PKName).
		WithDetail("Key (%s)=(%s) already exists.", strings.Join(names, ", "), strings.Join(values, ", "))
	e.Table, e.Constraint = meta.Name, meta.PKName
	return e
}

// conflict is what a transaction gets whose rows were changed by another one.
func conflict() error {
	return pgerr.New(pgerr.SerializationFailure, "could not serialize access due to concurrent update").
		WithHint("The transaction might succeed if retried.")
}

// rowText is the first n columns of row i as PostgreSQL shows a failing row.
func rowText(b *vec.Batch, n, i int, fc *funcs.Ctx) string {
	var env *types.Env
	if fc != nil {
		env = fc.Env
	}
	cells := make([]string, n)
	for k := range cells {
		cells[k] = cellText(b.Cols[k], i, env)
	}
	return "(" + strings.Join(cells, ", ") + ")"
}

func cellText(v *vec.Vec, i int, env *types.Env) string {
	if v.IsNull(i) {
		return "null"
	}
	var f float64
	var n int64
	var raw []byte
	switch v.Type.Class() {
	case types.I64:
		n = v.I64[i]
	case types.F64:
		f = v.F64[i]
	default:
		raw = v.Bytes(i)
	}
	out := types.AppendText(nil, v.Type, n, f, raw, env)
	const longest = 64
	if len(out) > longest {
		return string(out[:longest]) + "..."
	}
	return string(out)
}
