package bench

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/millracedb/millrace/exec/engine"
	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// local is an engine in this process, without a wire.
type local struct {
	*engine.Engine
	ctx context.Context
}

func openLocal(ctx context.Context, dir string, o engine.Options) (*local, error) {
	o.Dir, o.Logger = dir, slog.New(slog.NewTextHandler(io.Discard, nil))
	e, err := engine.Open(o)
	return &local{e, ctx}, err
}

func (l *local) close() { _ = l.Close(context.Background()) }

func (l *local) fc() *funcs.Ctx {
	now := types.TimestampFromTime(time.Now())
	return &funcs.Ctx{Context: l.ctx, Env: &types.Env{Now: now}, Now: now, TxnNow: now}
}

// ddl runs statements that change the catalog.
func (l *local) ddl(statements ...string) error {
	for _, sql := range statements {
		stmts, err := parser.Parse(sql)
		if err != nil {
			return err
		}
		made, err := planner.Plan(stmts[0].Node, &planner.Env{
			Catalog: l.Catalog(), SearchPath: []string{"public"}, User: "millrace", Funcs: l.fc(),
		})
		if err != nil {
			return err
		}
		if err := l.Begin(engine.TxnOptions{Single: true}).DDL(l.ctx, made.Plan.(physical.DDL), l.fc(), nil); err != nil {
			return err
		}
	}
	return nil
}

// relation finds a relation of schema public.
func (l *local) relation(name string) catalog.ID {
	return l.Catalog().Lookup(catalog.PublicID, name).ID
}

// write adds whole rows to a relation as one transaction.
func (l *local) write(rel catalog.ID, rows *vec.Batch) error {
	in, err := l.Begin(engine.TxnOptions{Single: true}).CopyIn(l.ctx, rel, nil, l.fc())
	if err != nil {
		return err
	}
	if err := in.Write(rows); err != nil {
		in.Abort()
		return err
	}
	_, err = in.Finish()
	return err
}

// keys is a batch of bigint keys below n, picked by a small generator of its own.
type keys struct {
	rows *vec.Batch
	x    uint64
}

func newKeys(size int) *keys {
	return &keys{rows: vec.NewBatch([]types.Type{types.T(types.Int8)}, size), x: 1}
}

// random fills the batch with size random keys below n.
func (k *keys) random(size, n int) *vec.Batch {
	k.rows.Reset()
	v := k.rows.Cols[0]
	for range size {
		k.x = k.x*6364136223846793005 + 1442695040888963407
		v.AppendI64(int64(k.x>>33) % int64(n))
	}
	k.rows.N = size
	return k.rows
}

// from fills the batch with size spread keys: numbers from at, each once.
func (k *keys) from(at, size int) *vec.Batch {
	k.rows.Reset()
	for i := range size {
		k.rows.Cols[0].AppendI64(int64(at + i))
	}
	k.rows.N = size
	return k.rows
}
