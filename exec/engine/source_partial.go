package engine

import (
	"slices"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// A change stream leaves out values that a change did not touch (connect.Partial). What they are is known where all
// changes of the epoch and the rows in front of it are: here. A row follows others of its epoch,
//
//	live row <-- change of k --(old values)-- change of k --(old values)-- last change of k
//
// back to one that has the value. If there is none, or the row it makes breaks a constraint, it becomes an error row and
// counts for nothing: its key keeps what it had.

// replaced is what a change of the epoch replaces or takes away.
type replaced struct {
	at      feedRow // the change that put it there, or, of a live row, one that has its key
	live    bool    // it was there before the epoch, if there was one
	nothing bool
}

// partialRow is a row with old values.
type partialRow struct {
	*connect.Partial
	own replaced // under its own key
	of  replaced // the row that has the old values
}

var noRow = feedRow{none, none}

// notePartial notes a row that has old values; above is what the row in front of it replaces.
func (f *tableFeed) notePartial(at feedRow, p *connect.Partial, own, above replaced) {
	of := replaced{nothing: true}
	switch {
	case p.Of < 0:
	case p.Of == p.Row:
		of = own
	case p.Of == p.Row-1:
		of = above
	}
	if f.partial == nil {
		f.partial = map[feedRow]partialRow{}
	}
	f.partial[at] = partialRow{p, own, of}
}

// oldValues finds the values that rows of an epoch do not tell.
type oldValues struct {
	found *vec.Batch // live rows
	live  map[feedRow]int32
	check func(b *vec.Batch, from int) error // nil: nothing
	one   *vec.Batch                         // a row being made
}

func (f *tableFeed) oldValues(ct *cut) (*oldValues, error) {
	old := &oldValues{live: map[feedRow]int32{}, one: vec.NewBatch(columnTypes(f.meta), 1)}
	keys := vec.NewBatch(columnTypes(f.meta), len(f.partial))
	var order []feedRow
	for _, p := range f.partial {
		if at := p.of.at; p.of.live {
			keys.AppendRow(f.parts[at.part].Rows, int(at.row), 1)
			order = append(order, at)
		}
	}
	var at []int32
	old.found, at = ct.c.liveRows(f.meta, keys)
	for i, row := range order {
		old.live[row] = at[i]
	}
	if len(f.meta.RowChecks) == 0 {
		return old, nil
	}
	var err error
	old.check, err = ct.e.rowCheck(f.meta)
	return old, err
}

// settlePartial puts the row into rows and returns noRow, as it does where a key keeps what it had before the epoch. If
// the row cannot be, what it would have replaced takes its place, and is returned if it is left to the caller: a row
// without old values, or, for a key that has nothing, the row itself.
func (f *tableFeed) settlePartial(at feedRow, old *oldValues, rows *vec.Batch) (feedRow, error) {
	for {
		p, partial := f.partial[at]
		if !partial {
			return at, nil
		}
		err := f.complete(at, old)
		if err == nil {
			rows.AppendRow(old.one, 0, 1)
			return noRow, nil
		}
		e := pgerr.Of(err)
		f.errs = append(f.errs, connect.RowError{Err: e, Data: p.Data, At: &p.At})
		switch {
		case p.own.live:
			return noRow, nil
		case p.own.nothing:
			return at, nil
		}
		at = p.own.at
	}
}

// complete makes a row of its own values and old ones, and checks it.
func (f *tableFeed) complete(at feedRow, old *oldValues) error {
	old.one.Reset()
	for c := range f.meta.Columns {
		v, i := f.value(at, c, old)
		if v == nil {
			e := pgerr.Newf(pgerr.NullValueNotAllowed, "the old value of column \"%s\" is not known", f.meta.Columns[c].Name).
				WithHint("Its row did not come, or was refused. With REPLICA IDENTITY FULL a change has all values.")
			e.Column = f.meta.Columns[c].Name
			return e
		}
		old.one.Cols[c].AppendFrom(v, i)
	}
	old.one.N = 1
	for c, col := range f.meta.Columns {
		if col.NotNull && old.one.Cols[c].IsNull(0) {
			return pgerr.Newf(pgerr.NotNullViolation, "null value in column \"%s\" of relation \"%s\" violates not-null constraint", col.Name, f.meta.Name)
		}
	}
	if old.check == nil {
		return nil
	}
	return old.check(old.one, 0)
}

// value returns where the value of a column of a row is; nil: it is not known.
func (f *tableFeed) value(at feedRow, column int, old *oldValues) (*vec.Vec, int) {
	for {
		b := f.parts[at.part].Rows
		p, partial := f.partial[at]
		switch {
		case b.Weight(int(at.row)) < 0:
			return nil, 0
		case !partial || !slices.Contains(p.Columns, column):
			return b.Cols[column], int(at.row)
		case p.of.nothing:
			return nil, 0
		case p.of.live:
			i := old.live[p.of.at]
			if i == none {
				return nil, 0
			}
			return old.found.Cols[column], int(i)
		}
		at = p.of.at
	}
}
