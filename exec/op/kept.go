package op

import (
	"sync/atomic"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/types"
)

// Kept is an input whose rows an operator keeps by key. By itself at first; who runs the operator may between steps let it
// use rows that are kept already, if they are the same:
//
//	Share  an arrangement of an operator with an equal input, in this or another view
//	Own    the rows of the table or view that the input scans, if the key is its key (own.go)
type Kept struct {
	Input physical.Node
	Key   []int
	Nulls bool // rows with a null in the key are kept too

	id     uint32 // of the table that is the operator's own
	rows   *Arranged
	make   func(id uint32) *state.Arrangement
	shared bool // others may keep their rows in rows too: it is not among Tables
	point  bool // rows are only looked up by key: Own will do
	own    *ownRows
	other  *side  // of a join: whose keys are looked up
	name   string // of a join's side
}

// Keeper is an operator that keeps inputs by key.
type Keeper interface{ Keeps() []*Kept }

// Arranged is rows by key. Equal inputs change alike in every step, so the first of its users that commits the step
// writes the change for all: none of them depends on another one's success.
type Arranged struct {
	*state.Arrangement
	due atomic.Bool // the change of the running step is still to be written
}

func newArranged(a *state.Arrangement) *Arranged { return &Arranged{Arrangement: a} }

// offer says that the running step changes the rows. If the step is given up it stays said, which does no harm: only who
// has a change claims it.
func (a *Arranged) offer() { a.due.Store(true) }

// claim reports whether the caller is to write the change.
func (a *Arranged) claim() bool { return a.due.Swap(false) }

func (k *Kept) arrange(id uint32, ts []types.Type, retract, extra bool) {
	k.make = func(id uint32) *state.Arrangement { return state.NewArrangement(id, ts, k.Key, retract, extra) }
	k.id, k.rows = id, newArranged(k.make(id))
}

// ID is the id that the plan gives the table of the rows. They are under another one if they are shared.
func (k *Kept) ID() uint32 { return k.id }

// Side is Left or Right for the input of a join, else "".
func (k *Kept) Side() string { return k.name }

// Rows is where the rows are kept; nil in the relation's own.
func (k *Kept) Rows() *Arranged { return k.rows }

// Retracts reports whether rows may be taken back.
func (k *Kept) Retracts() bool { return !k.Input.AppendOnly() }

// Place puts the rows, of which there are none yet, under another table id.
func (k *Kept) Place(id uint32) { k.rows = newArranged(k.make(id)) }

// Share keeps the rows in a, which has the same ones. From now on the caller counts a among the state tables.
func (k *Kept) Share(a *Arranged) { k.rows, k.shared = a, true }

// tables are the state tables that are the operator's own.
func (k *Kept) tables() []state.Pages {
	if k.rows == nil || k.shared {
		return nil
	}
	return []state.Pages{k.rows.Arrangement}
}
