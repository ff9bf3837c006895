package engine

import "github.com/millracedb/millrace/sql/vec"

// recentChanges are the last changes of a table, kept while a transaction block is open: with them a lookup at the
// block's epoch needs the live index only, not a scan of the snapshot.
type recentChanges struct {
	since uint64 // every change of a later epoch is in list
	list  []recentChange
	rows  int
}

type recentChange struct {
	epoch uint64
	c     *tableChange
}

// maxRecent bounds the changed rows that are kept for a table.
const maxRecent = 1 << 16

// add keeps a change of epoch. The oldest ones go when there are too many: older blocks scan.
func (r *recentChanges) add(epoch uint64, c *tableChange) {
	r.list = append(r.list, recentChange{epoch, c})
	r.rows += len(c.order)
	for r.rows > maxRecent {
		r.since = r.list[0].epoch
		r.rows -= len(r.list[0].c.order)
		r.list = r.list[1:]
	}
}

// forget drops all changes through epoch.
func (r *recentChanges) forget(epoch uint64) { *r = recentChanges{since: epoch} }

// at finds what the row of a key was after epoch: the row that the first change behind it replaced. changed is false if
// that is the present row; ok is false if the changes do not reach back that far.
func (r *recentChanges) at(epoch uint64, key []byte) (rows *vec.Batch, row int32, changed, ok bool) {
	if epoch < r.since {
		return nil, none, false, false
	}
	for _, x := range r.list {
		if x.epoch <= epoch {
			continue
		}
		if ch := x.c.byKey[string(key)]; ch != nil {
			return x.c.rows, ch.old, true, true
		}
	}
	return nil, none, false, true
}
