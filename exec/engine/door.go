package engine

import (
	"context"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/vec"
)

// Door is what a session asks of the engine: begin, read, write, commit, ddl. *Engine implements it.
type Door interface {
	// Catalog is the newest published catalog.
	Catalog() *catalog.Snapshot
	// Begin starts a transaction. It costs nothing until its first statement pins an epoch.
	Begin(o TxnOptions) Txn
	// NextVal and the others work outside transactions, as in PostgreSQL.
	NextVal(seq catalog.ID) (int64, error)
	SetVal(seq catalog.ID, v int64, called bool) error
	// ExplainView is EXPLAIN of a materialized view: with the state that it would share.
	ExplainView(plan *physical.View) ([]string, error)
}

// TxnOptions are the properties of a transaction.
type TxnOptions struct {
	ReadOnly bool
	// Single: one statement outside a transaction block. Such a write never gets 40001: it is resolved in order at the
	// cut of its epoch; and CREATE MATERIALIZED VIEW fills its view without stopping ingest.
	Single bool
}

// Txn is one transaction, used by one goroutine at a time. After an error of a statement the session rolls back to the
// state before it with the savepoint it took (Savepoint is cheap).
type Txn interface {
	// Catalog is the catalog the transaction sees: the newest one, with its own DDL.
	Catalog() *catalog.Snapshot
	// Query runs a SELECT at the transaction's epoch. fc carries parameters, session and cancellation.
	Query(ctx context.Context, q *physical.Query, fc *funcs.Ctx) (Cursor, error)
	Insert(ctx context.Context, s *physical.Insert, fc *funcs.Ctx) (Result, error)
	Update(ctx context.Context, s *physical.Update, fc *funcs.Ctx) (Result, error)
	Delete(ctx context.Context, s *physical.Delete, fc *funcs.Ctx) (Result, error)
	// CopyIn starts a bulk load of full rows (all columns, in order) into a stream or table.
	CopyIn(ctx context.Context, rel catalog.ID, checks []physical.RowCheck, fc *funcs.Ctx) (CopyIn, error)
	DDL(ctx context.Context, d physical.DDL, fc *funcs.Ctx, n Notices) error

	// Savepoint marks the present state; RollbackTo undoes what came after the mark, and every later mark with it.
	Savepoint() Mark
	RollbackTo(m Mark)
	// Commit returns when the transaction's epoch is durable and published (async durability: published).
	Commit(ctx context.Context) error
	Rollback()
}

// Mark is a savepoint of one transaction.
type Mark struct{ savepoint }

// Result is the outcome of a write.
type Result struct {
	Rows      int64
	Returning *vec.Batch // nil without RETURNING
}

// Cursor yields the result of a query.
type Cursor interface {
	// Next returns the next batch, nil at the end. It is valid until the following call.
	Next() (*vec.Batch, error)
	Close()
}

// CopyIn takes rows in batches. The batch is valid for the call only.
type CopyIn interface {
	Write(b *vec.Batch) error
	// Finish ends the load and returns the number of rows; they are part of the transaction.
	Finish() (int64, error)
	Abort()
}

// Notices takes progress and cascade notices of DDL.
type Notices func(severity, code, message string)

// SystemRelation produces the rows of a system relation (pg_catalog, information_schema, millrace.*) for one statement: all columns, in order.
type SystemRelation func(cat *catalog.Snapshot, fc *funcs.Ctx) (*vec.Batch, error)
