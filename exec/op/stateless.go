package op

import (
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// stateless is the rest of the life of an operator that keeps nothing.
type stateless struct{}

func (stateless) End(*Step, Emit) {}
func (stateless) Commit()         {}
func (stateless) Abort()          {}

// takeErrors reports the errors of evaluating rows of b, with the rows' weights, and clears them. If sel is not nil, what
// was evaluated as row i is row sel[i] of b.
func takeErrors(s *Step, b *vec.Batch, sel []int32) {
	for _, e := range s.Ctx.Errors {
		row := int(e.Row)
		if sel != nil {
			row = int(sel[row])
		}
		s.RowError(e.Err, RowText(b, row), b.Weight(row))
	}
	s.Ctx.Clear()
}

// RowText shows row i of b the way PostgreSQL shows a record, for error rows.
func RowText(b *vec.Batch, i int) string {
	t := []byte{'('}
	for k, c := range b.Cols {
		if k > 0 {
			t = append(t, ',')
		}
		if c == nil || i >= c.Len() || c.IsNull(i) {
			continue
		}
		switch c.Type.Class() {
		case types.I64:
			t = types.AppendI64Text(t, c.Type, c.I64[i], nil)
		case types.F64:
			t = types.AppendF64Text(t, c.Type, c.F64[i])
		default:
			t = types.AppendBytesText(t, c.Type, c.Bytes(i), nil)
		}
		if len(t) > maxRowText {
			return string(t[:maxRowText]) + "..."
		}
	}
	return string(append(t, ')'))
}

const maxRowText = 1000
