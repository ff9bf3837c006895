package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
)

// DDL runs a statement that changes the catalog. In a transaction block it takes effect with the commit, in one epoch with
// the rest. A single CREATE MATERIALIZED VIEW is filled beside running ingest (backfill.go).
func (t *txn) DDL(ctx context.Context, d physical.DDL, fc *funcs.Ctx, n Notices) error {
	if t.opts.ReadOnly {
		return pgerr.New(pgerr.ReadOnlySQLTransaction, "cannot execute DDL in a read-only transaction")
	}
	if n == nil {
		n = func(string, string, string) {}
	}
	switch d := d.(type) {
	case *physical.Truncate:
		return t.truncate(ctx, d)
	case *physical.RewriteTable:
		return t.rewriteTable(ctx, d, fc)
	}
	if r, ok := d.(*physical.ReplayErrors); ok {
		if !t.opts.Single {
			return pgerr.New(pgerr.ActiveSQLTransaction, "REPLAY ERRORS cannot run inside a transaction block")
		}
		return t.e.replayErrors(ctx, r, fc, n)
	}
	b := &changeBuilder{e: t.e, cat: t.Catalog(), ch: &catalogChange{}, notice: n}
	view, err := b.build(d)
	if err != nil || b.nothing {
		return err
	}
	if c, ok := d.(*physical.CreateRelation); ok && c.Rel.Kind == catalog.Sink {
		if !t.opts.Single || t.writes > 0 || len(t.ddl) > 0 {
			return pgerr.New(pgerr.ActiveSQLTransaction, "CREATE SINK cannot run inside a transaction block")
		}
		return t.e.createSink(ctx, b.ch, view, n)
	}
	if c, ok := d.(*physical.CreateRelation); ok && c.Rel.Connector != "" {
		if err := t.e.probe(ctx, c.Rel); err != nil {
			return err
		}
	}
	if t.opts.Single && view != nil && t.writes == 0 && len(t.ddl) == 0 {
		return t.e.createView(ctx, b.ch, view, n)
	}
	if err := t.addChange(b.ch); err != nil {
		return err
	}
	if c, ok := d.(*physical.CreateRelation); ok && c.Query != nil {
		if err := t.createAs(ctx, c, fc); err != nil {
			return err
		}
	}
	if t.opts.Single {
		return t.Commit(ctx)
	}
	return nil
}

func (t *txn) addChange(ch *catalogChange) error {
	cat, err := ch.apply(t.Catalog())
	if err != nil {
		return err
	}
	t.ddl, t.cat = append(t.ddl, ch), cat
	for _, r := range ch.Put {
		if r.Seq != nil && slices.Contains(ch.Create, r.ID) {
			t.e.seqs.create(r) // the statements that follow draw from it
		}
	}
	return nil
}

// dropDDL forgets the catalog changes from number from on.
func (t *txn) dropDDL(from int) {
	for _, ch := range t.ddl[from:] {
		for _, r := range ch.Put {
			if r.Seq != nil && slices.Contains(ch.Create, r.ID) {
				t.e.seqs.drop(r.ID)
			}
		}
	}
	t.ddl = t.ddl[:from]
}

// createAs inserts the rows of CREATE TABLE ... AS.
func (t *txn) createAs(ctx context.Context, c *physical.CreateRelation, fc *funcs.Ctx) error {
	rows, err := t.collect(ctx, c.Query, fc, nil)
	if err != nil {
		return err
	}
	w := &rowWriter{meta: c.Rel, fc: fc}
	for _, b := range rows {
		if c.Rel.Kind == catalog.Stream {
			err = t.addRows(c.Rel.ID, b)
		} else {
			err = t.insertRows(w, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// truncate empties tables as a DELETE of all rows, so that views follow and a block can roll it back. A stream is
// truncated by forgetting its rows.
func (t *txn) truncate(ctx context.Context, tr *physical.Truncate) error {
	cat := t.Catalog()
	ch := &catalogChange{}
	for _, id := range tr.Relations {
		r := cat.Relation(id)
		switch {
		case r == nil:
			return pgerr.Newf(pgerr.UndefinedTable, "relation with OID %d does not exist", id)
		case r.Kind == catalog.Stream:
			if deps := cat.Dependents(id); len(deps) > 0 {
				return pgerr.Newf(pgerr.DependentObjectsStillExist, `cannot truncate stream "%s" because other objects depend on it`, r.Name).
					WithDetail(`materialized view %s depends on stream %s`, deps[0].Name, r.Name).
					WithHint("Drop the views, or let the stream forget its rows: WITH (retention = ...).")
			}
			ch.Truncate = append(ch.Truncate, id)
		default:
			if err := t.deleteAll(ctx, r); err != nil {
				return err
			}
		}
		if tr.RestartIdentity {
			t.e.seqs.restart(cat, id)
		}
	}
	if len(ch.Truncate) > 0 {
		if err := t.addChange(ch); err != nil {
			return err
		}
	}
	if t.opts.Single {
		return t.Commit(ctx)
	}
	return nil
}

func (t *txn) deleteAll(ctx context.Context, meta *catalog.Relation) error {
	scan := &physical.Scan{Rel: meta.ID, Name: meta.Name}
	for i, c := range meta.Columns {
		scan.Cols = append(scan.Cols, i)
		scan.Out = append(scan.Out, physical.Field{Name: c.Name, Type: c.Type})
	}
	q := &physical.Query{Root: scan, Reads: []catalog.ID{meta.ID}}
	rows, err := t.collect(ctx, q, &funcs.Ctx{Context: ctx}, nil)
	if err != nil {
		return err
	}
	c := t.tableChange(meta)
	for _, b := range rows {
		for i := range b.N {
			for range b.Weight(i) {
				c.remove(&t.undo, b, i)
			}
		}
	}
	return nil
}

// changeBuilder turns a bound DDL statement into a catalogChange against the catalog that the transaction sees.
type changeBuilder struct {
	e       *Engine
	cat     *catalog.Snapshot
	ch      *catalogChange
	notice  Notices
	nothing bool // IF [NOT] EXISTS has decided
}

// build returns the view to fill, if there is one.
func (b *changeBuilder) build(d physical.DDL) (*physical.View, error) {
	switch d := d.(type) {
	case *physical.CreateRelation:
		return d.View, b.create(d)
	case *physical.Drop:
		return nil, b.drop(d)
	case *physical.CreateSchema:
		if b.cat.Schema(d.Name) != nil {
			if d.IfNotExists {
				b.skip(pgerr.DuplicateSchema, fmt.Sprintf(`schema "%s" already exists, skipping`, d.Name))
				return nil, nil
			}
			return nil, pgerr.Newf(pgerr.DuplicateSchema, `schema "%s" already exists`, d.Name)
		}
		b.ch.PutSchemas = append(b.ch.PutSchemas, &catalog.Schema{ID: b.alloc(1), Name: d.Name, Owner: catalog.SuperuserID})
	case *physical.AlterSchema:
		b.ch.PutSchemas = append(b.ch.PutSchemas, d.Schema)
	case *physical.AlterRelation:
		b.ch.Put = append(b.ch.Put, d.Rel)
		if d.Restart {
			b.ch.Restart = append(b.ch.Restart, d.Rel.ID)
		}
	case *physical.CreateSecret:
		b.createSecret(d)
	case *physical.DropSecrets:
		b.ch.DropSecrets = append(b.ch.DropSecrets, d.IDs...)
	case *physical.PutRole:
		if d.Role.ID == 0 {
			d.Role.ID = b.alloc(1)
		}
		b.ch.PutRoles = append(b.ch.PutRoles, d.Role)
	case *physical.DropRole:
		b.ch.DropRoles = append(b.ch.DropRoles, d.ID)
	case *physical.Rebuild:
		return nil, b.rebuild(d.View)
	default:
		return nil, pgerr.Unsupported(fmt.Sprintf("%T", d))
	}
	return nil, nil
}

func (b *changeBuilder) skip(code, msg string) {
	b.nothing = true
	b.notice("NOTICE", code, msg)
}

// alloc reserves ids for good: other transactions get later ones, also if this one rolls back.
func (b *changeBuilder) alloc(n int) catalog.ID {
	id := b.e.ids.alloc(b.e, n)
	b.ch.NextID = max(b.ch.NextID, id+catalog.ID(n))
	return id
}

// enforceable refuses unique constraints that the primary key does not imply: a table is kept by one key only, and a
// constraint that is accepted must hold.
func enforceable(r *catalog.Relation) error {
	for _, u := range r.Uniques {
		implied := len(r.PrimaryKey) > 0
		for _, k := range r.PrimaryKey {
			implied = implied && slices.Contains(u.Cols, k)
		}
		if !implied {
			return pgerr.Unsupported("a unique constraint besides the primary key").
				WithHint("Make its columns the primary key, or leave the constraint out.")
		}
	}
	return nil
}

func (b *changeBuilder) create(d *physical.CreateRelation) error {
	r := d.Rel
	old := b.cat.Lookup(r.Schema, r.Name)
	switch {
	case old == nil:
	case d.IfNotExists:
		b.skip(pgerr.DuplicateTable, fmt.Sprintf(`relation "%s" already exists, skipping`, r.Name))
		return nil
	case d.Replace && old.Kind == r.Kind && r.Kind == catalog.View:
		r.ID = old.ID
		b.ch.Put = append(b.ch.Put, r)
		return nil
	case d.Replace && old.Kind == r.Kind:
		if err := b.drop(&physical.Drop{Relations: []catalog.ID{old.ID}}); err != nil {
			return err
		}
	default:
		return pgerr.Newf(pgerr.DuplicateTable, `relation "%s" already exists`, r.Name)
	}
	if err := enforceable(r); err != nil {
		return err
	}
	r.ID = b.alloc(1)
	if len(r.PrimaryKey) > 0 && r.Kind == catalog.Table {
		r.PKID = b.alloc(1)
	}
	for i := range r.Uniques {
		r.Uniques[i].ID = b.alloc(1)
	}
	seqs := d.Sequences
	for i := range r.Columns {
		c := &r.Columns[i]
		if len(seqs) > 0 && seqs[0].Seq.OwnedCol == i {
			s := seqs[0]
			seqs = seqs[1:]
			s.ID, s.Seq.OwnedBy = b.alloc(1), r.ID
			c.SeqID = s.ID
			b.ch.Put = append(b.ch.Put, s)
			b.ch.Create = append(b.ch.Create, s.ID)
		}
	}
	if d.View != nil {
		plan, err := physical.Encode(d.View)
		if err != nil {
			return err
		}
		r.Plan = plan
		r.StateBase = b.alloc(dataflow.StateTables(d.View))
		b.ch.Since = b.e.retainedFrom(d.View.Reads)
	}
	if r.Sink != nil {
		r.Sink.Queue = b.alloc(1)
	}
	b.ch.Put = append(b.ch.Put, r)
	b.ch.Create = append(b.ch.Create, r.ID)
	return nil
}

func (b *changeBuilder) drop(d *physical.Drop) error {
	gone := slices.Clone(d.Relations)
	for _, s := range b.cat.Relations() {
		if s.Seq != nil && s.Seq.OwnedBy != 0 && slices.Contains(d.Relations, s.Seq.OwnedBy) && !slices.Contains(gone, s.ID) {
			gone = append(gone, s.ID)
		}
	}
	b.ch.Drop = append(b.ch.Drop, gone...)
	b.ch.DropSchemas = append(b.ch.DropSchemas, d.Schemas...)
	b.ch.DropSecrets = append(b.ch.DropSecrets, d.Secrets...)
	switch n := len(d.Cascaded); {
	case n == 1:
		b.notice("NOTICE", pgerr.SuccessfulCompletion, "drop cascades to "+d.Cascaded[0])
	case n > 1:
		b.notice("NOTICE", pgerr.SuccessfulCompletion, fmt.Sprintf("drop cascades to %d other objects", n))
	}
	return nil
}

// rebuild fills a view, and the views over it, from their inputs again, under new state tables.
func (b *changeBuilder) rebuild(id catalog.ID) error {
	r := b.cat.Relation(id)
	if r == nil || r.Kind != catalog.MatView {
		return pgerr.New(pgerr.WrongObjectType, "only a materialized view can be rebuilt")
	}
	v, err := physical.Decode(r.Plan)
	if err != nil {
		return err
	}
	r = r.Clone()
	r.Suspended = ""
	r.StateBase = b.alloc(dataflow.StateTables(v))
	if b.ch.Since == nil {
		b.ch.Since = map[catalog.ID]uint64{}
	}
	for s, e := range b.e.retainedFrom(v.Reads) {
		b.ch.Since[s] = e
	}
	b.ch.Put = append(b.ch.Put, r)
	b.ch.Create = append(b.ch.Create, id)
	for _, d := range b.cat.Dependents(id) {
		if d.Kind == catalog.MatView && !slices.Contains(b.ch.Create, d.ID) {
			if err := b.rebuild(d.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// apply gives the catalog after the change, or why it does not fit the catalog.
func (ch *catalogChange) apply(cat *catalog.Snapshot) (*catalog.Snapshot, error) {
	b := cat.Edit()
	for _, id := range ch.Drop {
		if cat.Relation(id) == nil {
			return nil, pgerr.Newf(pgerr.UndefinedTable, "relation with OID %d does not exist", id)
		}
		b.DropRelation(id)
	}
	for _, id := range ch.Drop {
		for _, d := range b.View().Dependents(id) {
			old := cat.Relation(id)
			return nil, pgerr.Newf(pgerr.DependentObjectsStillExist, "cannot drop %s %s because other objects depend on it", old.Kind, old.Name).
				WithDetail("%s %s depends on %s %s", d.Kind, d.Name, old.Kind, old.Name).
				WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
		}
	}
	if err := ch.applySecrets(b); err != nil {
		return nil, err
	}
	for _, id := range ch.DropSchemas {
		if rest := b.View().SecretsIn(id); len(rest) > 0 {
			return nil, pgerr.Newf(pgerr.DependentObjectsStillExist, "cannot drop schema because other objects depend on it").
				WithDetail("secret %s is in it", rest[0].Name).
				WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
		}
		if rest := b.View().InSchema(id); len(rest) > 0 {
			return nil, pgerr.Newf(pgerr.DependentObjectsStillExist, "cannot drop schema because other objects depend on it").
				WithDetail("%s %s is in it", rest[0].Kind, rest[0].Name).
				WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
		}
		b.DropSchema(id)
	}
	for _, id := range ch.DropRoles {
		b.DropRole(id)
	}
	for _, s := range ch.PutSchemas {
		if err := b.PutSchema(s); err != nil {
			return nil, err
		}
	}
	for _, r := range ch.PutRoles {
		if err := b.PutRole(r); err != nil {
			return nil, err
		}
	}
	for _, r := range ch.Put {
		if b.View().SchemaByID(r.Schema) == nil {
			return nil, pgerr.New(pgerr.InvalidSchemaName, "schema does not exist")
		}
		for _, d := range r.DependsOn {
			if b.View().Relation(d) == nil {
				return nil, pgerr.Newf(pgerr.UndefinedTable, `a relation that "%s" depends on was dropped`, r.Name)
			}
		}
		if err := b.PutRelation(r); err != nil {
			return nil, err
		}
	}
	if next := b.View().NextID(); next < ch.NextID {
		b.AllocIDs(int(ch.NextID - next))
	}
	return b.Done(), nil
}

// checkDDL applies changes to the newest catalog without keeping the result.
func (c *core) checkDDL(changes []*catalogChange) error {
	cat := c.cat
	for _, ch := range changes {
		var err error
		if cat, err = ch.apply(cat); err != nil {
			return err
		}
	}
	return nil
}
