package op

import (
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Union is UNION ALL: d(A + B) = dA + dB. Columns take the types of the output, which may differ in name only (varchar and
// text).
type Union struct {
	stateless
	types []types.Type
	out   vec.Batch
	cols  []vec.Vec
}

// NewUnion makes the operator.
func NewUnion(n *physical.Union) *Union {
	u := &Union{}
	for _, f := range n.Fields() {
		u.types = append(u.types, f.Type)
	}
	u.cols = make([]vec.Vec, len(u.types))
	for i := range u.cols {
		u.out.Cols = append(u.out.Cols, &u.cols[i])
	}
	return u
}

// Push passes b on.
func (u *Union) Push(_ *Step, _ int, b *vec.Batch, out Emit) {
	for i, c := range b.Cols {
		u.cols[i] = *c
		u.cols[i].Type = u.types[i]
	}
	u.out.N, u.out.W = b.N, b.W
	out(&u.out)
}
