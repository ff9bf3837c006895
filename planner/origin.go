package planner

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
)

// Origin is the relation's column that a result column shows unchanged, which clients ask for (JDBC's getTableName). The
// zero Origin is a computed column.
type Origin struct {
	Rel  catalog.ID
	Attr int16 // from 1
}

// origins finds where the columns of a query come from. It looks at the tree as it was bound: a column keeps its id from
// the scan upwards, and rewriting only takes columns away.
func origins(q *logical.Query) []Origin {
	at := map[logical.ColID]Origin{}
	scanned(q.Root, at)
	out := make([]Origin, len(q.Out))
	for i, o := range q.Out {
		out[i] = at[o.ID]
	}
	return out
}

func scanned(n logical.Node, at map[logical.ColID]Origin) {
	if s, ok := n.(*logical.Scan); ok {
		for i, id := range s.Cols {
			at[id] = Origin{s.Rel.ID, int16(i + 1)}
		}
	}
	for _, c := range n.Children() {
		scanned(c, at)
	}
}

// rowOrigins is origins for RETURNING: expressions over the columns row of a relation.
func rowOrigins(rel catalog.ID, row []logical.ColID, list []expr.Expr) []Origin {
	out := make([]Origin, len(list))
	for i, e := range list {
		v, ok := e.(*logical.Var)
		for k := range row {
			if ok && row[k] == v.ID {
				out[i] = Origin{rel, int16(k + 1)}
			}
		}
	}
	return out
}
