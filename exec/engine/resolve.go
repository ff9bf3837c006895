package engine

import (
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// resolve settles one request against the state and the epoch so far. An error leaves the epoch as it was.
func (ct *cut) resolve(r *request) error {
	if r.part != nil {
		return ct.checkPart(r.part)
	}
	t := r.txn
	err := ct.validate(t)
	if err != nil && t.again.stmt != nil && (pgerr.Is(err, pgerr.SerializationFailure) || pgerr.Is(err, pgerr.UniqueViolation)) {
		t, err = ct.rerun(t)
		r.txn = t
	}
	if err != nil {
		t.dropStreams(0)
		t.dropDDL(0)
		return err
	}
	if len(t.ddl) > 0 {
		if ct.made, err = ct.c.prepare(t.ddl); err != nil {
			return err
		}
		ct.ddl = t.ddl
	}
	for _, c := range t.tables {
		if len(c.order) > 0 && !t.dropped(c.meta.ID) {
			ct.changes = append(ct.changes, c)
		}
	}
	return nil
}

// relation is a relation as the epoch sees it.
func (ct *cut) relation(id catalog.ID) *relation {
	if r := ct.made[id]; r != nil {
		return r
	}
	return ct.c.rels[id]
}

// validate checks that the relations are still there and that no row the transaction changed was changed meanwhile.
func (ct *cut) validate(t *txn) error {
	if len(t.ddl) > 0 {
		if err := ct.c.checkDDL(t.ddl); err != nil {
			return err
		}
		if err := ct.c.checkUnchanged(t.ddl); err != nil {
			return err
		}
	}
	cat := t.Catalog()
	if len(t.ddl) == 0 {
		cat = ct.c.cat
	}
	for _, w := range t.streams {
		if cat.Relation(w.id) == nil && !t.dropped(w.id) {
			return pgerr.New(pgerr.UndefinedTable, "the stream was dropped")
		}
	}
	for _, c := range t.tables {
		if len(c.order) == 0 || t.dropped(c.meta.ID) {
			continue
		}
		if m := cat.Relation(c.meta.ID); m == nil {
			return pgerr.Newf(pgerr.UndefinedTable, `table "%s" was dropped`, c.meta.Name)
		}
		if err := ct.validateTable(c); err != nil {
			return err
		}
	}
	return nil
}

// validateTable compares the rows that a transaction found with those that are there now.
func (ct *cut) validateTable(c *tableChange) error {
	b := vec.NewBatch(c.rows.Types(), len(c.order))
	for _, r := range c.order {
		at := r.old
		if at == none {
			at = r.new
		}
		if at == none {
			at = 0 // inserted and deleted again: any row of it stands for the key
		}
		b.AppendRow(c.rows, int(at), 1)
	}
	if c.bag {
		return ct.validateBag(c, b)
	}
	found, at := ct.c.liveRows(c.meta, b)
	for i, r := range c.order {
		if r.old == none && r.new == none {
			continue
		}
		rows, row := found, at[i]
		for k := len(ct.changes) - 1; k >= 0; k-- {
			if e := ct.changes[k]; e.meta.ID == c.meta.ID {
				if m := e.byKey[r.key]; m != nil {
					rows, row = e.rows, m.new
					break
				}
			}
		}
		switch {
		case r.old == none && row != none:
			return uniqueViolation(c.meta, b, i)
		case r.old != none && (row == none || !c.same(r.old, rows, int(row))):
			return conflict()
		}
	}
	return nil
}

// validateBag checks for a table without a key that the copies a transaction takes away are there.
func (ct *cut) validateBag(c *tableChange, b *vec.Batch) error {
	r := ct.c.rels[c.meta.ID]
	if r == nil || r.table == nil {
		return nil // made by this transaction
	}
	have := r.table.Copies(b)
	for i, rc := range c.order {
		n := have[i] + rc.net
		for _, e := range ct.changes {
			if e.meta.ID == c.meta.ID {
				if m := e.byKey[rc.key]; m != nil {
					n += m.net
				}
			}
		}
		if rc.net < 0 && n < 0 {
			return conflict()
		}
	}
	return nil
}

// rerun runs a single statement again, now that nothing can come in between.
func (ct *cut) rerun(t *txn) (*txn, error) {
	ct.e.stats.Conflicts.Add(1)
	t.dropStreams(0)
	t2 := &txn{e: t.e, opts: TxnOptions{}, atCut: true, overlay: ct.changes}
	err := t.again.run(t2)
	t2.releasePins()
	if err == nil {
		err = ct.validate(t2)
	}
	return t2, err
}
