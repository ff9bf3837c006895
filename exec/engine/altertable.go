package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
)

// rewriteTable is ALTER TABLE where rows change their shape: in one epoch the old table goes, and one of its name comes
// with the rows made of the old ones. If the old table was changed meanwhile the statement runs again at the cut, or the
// block gets 40001.
func (t *txn) rewriteTable(ctx context.Context, d *physical.RewriteTable, fc *funcs.Ctx) error {
	_, err := t.statement(ctx, d, fc)
	return err
}

func (t *txn) rewrite(ctx context.Context, d *physical.RewriteTable, fc *funcs.Ctx) error {
	rows, err := t.collect(ctx, d.Query, fc, nil)
	if err != nil {
		return err
	}
	ch, err := t.replaced(d)
	if err != nil {
		return err
	}
	if err := t.addChange(ch); err != nil {
		return err
	}
	meta := t.Catalog().Relation(ch.Create[0])
	var w rowWriter
	if err := w.init(meta, d.Checks, nil, fc); err != nil {
		return err
	}
	for _, b := range rows {
		if err = w.check(b); err == nil {
			err = t.insertRows(&w, b)
		}
		if err != nil {
			return existingRow(err)
		}
	}
	return nil
}

// replaced is the catalog change: the new table under the old name, with the sequences of the columns that stay.
func (t *txn) replaced(d *physical.RewriteTable) (*catalogChange, error) {
	b := &changeBuilder{e: t.e, cat: t.Catalog(), ch: &catalogChange{}}
	r := d.Rel.Clone()
	if err := enforceable(r); err != nil {
		return nil, err
	}
	r.ID, r.PKID = b.alloc(1), 0
	if len(r.PrimaryKey) > 0 {
		r.PKID = b.alloc(1)
	}
	for i := range r.Uniques {
		r.Uniques[i].ID = b.alloc(1)
	}
	ch := b.ch
	ch.Drop, ch.Put, ch.Create = []catalog.ID{d.Old}, []*catalog.Relation{r}, []catalog.ID{r.ID}
	for _, s := range b.cat.Relations() {
		if s.Seq == nil || s.Seq.OwnedBy != d.Old {
			continue
		}
		col := slices.IndexFunc(r.Columns, func(c catalog.Column) bool { return c.SeqID == s.ID })
		if col < 0 {
			ch.Drop = append(ch.Drop, s.ID)
			continue
		}
		s, def := s.Clone(), *s.Seq
		def.OwnedBy, def.OwnedCol = r.ID, col
		s.Seq = &def
		ch.Put = append(ch.Put, s)
	}
	if t.pins != nil {
		ch.unchanged = map[catalog.ID]uint64{d.Old: t.pins.epoch}
	}
	return ch, nil
}

// existingRow gives what is wrong with a row that is there already PostgreSQL's words of ALTER TABLE.
func existingRow(err error) error {
	e := pgerr.Of(err)
	var n *pgerr.Error
	switch e.Code {
	case pgerr.NotNullViolation:
		n = pgerr.Newf(e.Code, `column "%s" of relation "%s" contains null values`, e.Column, e.Table)
	case pgerr.CheckViolation:
		n = pgerr.Newf(e.Code, `check constraint "%s" of relation "%s" is violated by some row`, e.Constraint, e.Table)
	case pgerr.UniqueViolation:
		n = pgerr.Newf(e.Code, `could not create unique index "%s"`, e.Constraint).
			WithDetail("%s", strings.Replace(e.Detail, "already exists", "is duplicated", 1))
	default:
		return err
	}
	n.Table, n.Column, n.Constraint = e.Table, e.Column, e.Constraint
	return n
}

// checkUnchanged refuses a catalog change whose rows were made of tables that have changed since.
func (c *core) checkUnchanged(changes []*catalogChange) error {
	for _, ch := range changes {
		for id, epoch := range ch.unchanged {
			if r := c.rels[id]; r != nil && r.changed > epoch {
				return conflict()
			}
		}
	}
	return nil
}
