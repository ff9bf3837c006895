package session

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/millracedb/millrace/exec/engine"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/server/pgwire"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// How much COPY FROM collects before the engine gets it.
const (
	copyRows  = 8192
	copyBytes = 2 << 20
)

// rewriteCopy makes COPY ... TO the query whose rows it prints.
func rewriteCopy(_ *Session, n ast.Statement) (ast.Statement, error) {
	c := n.(*ast.Copy)
	if c.Target != ast.CopyStd {
		return nil, pgerr.Unsupported("COPY with a file or program on the server").
			WithHint(`Use COPY with STDIN or STDOUT; psql's \copy command reads and writes local files.`)
	}
	switch {
	case c.From:
		return c, nil
	case c.Query != nil:
		if _, ok := c.Query.(*ast.Subscribe); ok {
			return nil, pgerr.Unsupported("COPY (SUBSCRIBE ...)")
		}
		return c.Query, nil
	}
	core := &ast.SelectCore{Loc: c.Loc, From: []ast.TableRef{&ast.TableName{Loc: c.Table.Loc, ObjectName: *c.Table}}}
	for _, col := range c.Columns {
		core.Items = append(core.Items, &ast.SelectItem{Loc: c.Loc, Expr: &ast.ColumnRef{Loc: c.Loc, Parts: []string{col}}})
	}
	if c.Columns == nil {
		core.Items = []*ast.SelectItem{{Loc: c.Loc, Expr: &ast.ColumnRef{Loc: c.Loc, Star: true}}}
	}
	return &ast.Select{Loc: c.Loc, Body: core}, nil
}

func runCopy(s *Session, po *portal) (outcome, error) {
	n := po.stmt.node.(*ast.Copy)
	var fields []physical.Field
	cp, from := po.stmt.made.Plan.(*physical.CopyPlan)
	if from {
		fields = cp.Fields
	} else {
		fields = po.stmt.made.Fields
	}
	names, ts := split(fields)
	opt, err := copyOptions(n, names)
	if err != nil {
		return outcome{}, err
	}
	var rows int64
	if from {
		rows, err = s.copyFrom(cp, opt, names, ts)
	} else {
		rows, err = s.copyTo(po, opt, names, ts)
	}
	return outcome{command: "COPY", count: rows}, err
}

func split(fields []physical.Field) (names []string, ts []types.Type) {
	for _, f := range fields {
		names = append(names, f.Name)
		ts = append(ts, f.Type)
	}
	return names, ts
}

func (s *Session) copyTo(po *portal, opt pgwire.CopyOptions, names []string, ts []types.Type) (int64, error) {
	out, err := s.runPlan(po.stmt.made.Plan, "COPY", po.params)
	if err != nil {
		return 0, err
	}
	if out.rows == nil {
		return 0, pgerr.New(pgerr.FeatureNotSupported, "COPY query must have a RETURNING clause")
	}
	defer out.rows.Close()
	w := s.conn.CopyWriter(opt, names, ts, &s.env)
	var n int64
	for {
		b, err := out.rows.Next()
		if err != nil {
			return 0, err
		}
		if b == nil {
			w.Done()
			return n, nil
		}
		b = flatten(b)
		if err := w.Rows(b); err != nil {
			return 0, err
		}
		n += int64(b.N)
	}
}

// loader brings rows of COPY FROM into the form the engine takes: all columns of the relation.
type loader struct {
	fc       *funcs.Ctx
	in       engine.CopyIn
	reader   *pgwire.CopyReader
	cols     []int           // of the relation, in the input's order
	defaults []*expr.Program // by column of the relation; nil: from the input
	where    *expr.Program
	identity bool // the input is the row
	empty    vec.Batch
	row      vec.Batch
}

func (s *Session) copyFrom(cp *physical.CopyPlan, opt pgwire.CopyOptions, names []string, ts []types.Type) (n int64, err error) {
	tx := s.txn.begin(s)
	ctx, done := s.statementContext()
	defer done()
	rel := tx.Catalog().Relation(cp.Rel)
	if rel == nil {
		return 0, pgerr.Newf(pgerr.UndefinedTable, "relation with OID %d does not exist", cp.Rel)
	}
	l, err := newLoader(cp, rel, s.evalCtx(ctx))
	if err != nil {
		return 0, err
	}
	l.reader = pgwire.NewCopyReader(opt, rel.Name, names, ts, &s.env)
	if l.in, err = tx.CopyIn(ctx, cp.Rel, cp.Checks, l.fc); err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			l.in.Abort()
		}
	}()
	stream, err := s.conn.CopyIn(&opt, len(cp.Cols))
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	if err := l.load(ctx, stream); err != nil {
		return 0, err
	}
	return l.in.Finish()
}

func newLoader(cp *physical.CopyPlan, rel *catalog.Relation, fc *funcs.Ctx) (*loader, error) {
	l := &loader{fc: fc, cols: cp.Cols, defaults: make([]*expr.Program, len(rel.Columns))}
	l.identity = len(cp.Cols) == len(rel.Columns) && slices.IsSorted(cp.Cols) && cp.Where == nil
	for i, e := range cp.Defaults {
		if e == nil {
			continue
		}
		p, err := expr.Compile(e)
		if err != nil {
			return nil, err
		}
		l.defaults[i] = p
	}
	if cp.Where != nil {
		p, err := expr.Compile(cp.Where)
		if err != nil {
			return nil, err
		}
		l.where = p
	}
	return l, nil
}

func (l *loader) load(ctx context.Context, stream *pgwire.CopyStream) error {
	fed := 0
	for {
		piece, err := stream.Next()
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return err
		}
		if err := l.reader.Feed(piece, end); err != nil {
			return err
		}
		if fed += len(piece); l.reader.Batch.N >= copyRows || fed >= copyBytes || end {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := l.flush(); err != nil {
				return err
			}
			fed = 0
		}
		if end {
			return nil
		}
	}
}

// flush hands the rows read so far to the engine.
func (l *loader) flush() error {
	b := l.reader.Batch
	if b.N == 0 {
		return nil
	}
	full := b
	if !l.identity {
		var err error
		if full, err = l.complete(b); err != nil {
			return err
		}
	}
	if full.N > 0 {
		if err := l.in.Write(full); err != nil {
			return err
		}
	}
	b.Reset()
	return nil
}

// complete adds the columns that are not in the input, and drops the rows that WHERE does not want.
func (l *loader) complete(b *vec.Batch) (*vec.Batch, error) {
	l.row = vec.Batch{Cols: make([]*vec.Vec, len(l.defaults)), N: b.N}
	for i, c := range l.cols {
		l.row.Cols[c] = b.Cols[i]
	}
	l.empty.N = b.N
	for i, p := range l.defaults {
		if p != nil {
			l.row.Cols[i] = p.Eval(l.fc, &l.empty, nil)
		}
	}
	if len(l.fc.Errors) > 0 {
		return nil, l.fc.Errors[0].Err
	}
	if l.where == nil {
		return &l.row, nil
	}
	sel := l.where.EvalFilter(l.fc, &l.row, nil)
	if len(l.fc.Errors) > 0 {
		return nil, l.fc.Errors[0].Err
	}
	return l.row.Select(sel), nil
}
