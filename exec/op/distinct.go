package op

import "github.com/millracedb/millrace/planner/physical"

// DistinctPlan is DISTINCT as what it is: grouping by all columns without aggregates. d(distinct(A)) is then the groups
// that appear or vanish; a group counts its rows if they can be taken back.
func DistinctPlan(n *physical.Distinct) *physical.Aggregate {
	a := &physical.Aggregate{Base: n.Base, Input: n.Input, WindowEnd: -1}
	for i := range n.Fields() {
		a.Keys = append(a.Keys, i)
	}
	return a
}
