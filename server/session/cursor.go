package session

import (
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/server/pgwire"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// cursor is what a portal made by DECLARE has beside. Rows are numbered from 1; pos 0 is before the first, and one
// past the last is after it.
type cursor struct {
	hold   bool
	scroll bool
	pos    int64
	// seen keeps the rows read so far: all of a scrollable or held cursor, else none.
	seen *vec.Batch
	read int64 // rows taken from the query
	end  bool  // the query has no more
}

// runDeclare is DECLARE name CURSOR FOR query.
func runDeclare(s *Session, po *portal) (outcome, error) {
	n := po.stmt.node.(*ast.Declare)
	if !n.Hold && s.txn.state != block {
		return outcome{}, pgerr.New(pgerr.NoActiveSQLTransaction, "DECLARE CURSOR can only be used in transaction blocks")
	}
	p := newPrepared("", po.stmt.sql, &parser.Stmt{Node: n.Query, Params: po.stmt.params})
	if _, ok := n.Query.(*ast.Select); !ok {
		return outcome{}, pgerr.Unsupported("DECLARE CURSOR FOR " + p.cmd.tag(n.Query))
	}
	if err := s.plan(p); err != nil {
		return outcome{}, err
	}
	params, err := retype(p, po.params)
	if err != nil {
		return outcome{}, err
	}
	if old := s.portals[n.Name]; old != nil {
		if old.cursor != nil || n.Name != "" {
			return outcome{}, pgerr.Newf(pgerr.DuplicateCursor, `cursor "%s" already exists`, n.Name)
		}
	}
	var formats []int16
	if n.Binary {
		formats = []int16{pgwire.BinaryFormat}
	}
	c := newPortal(n.Name, p, params, formats)
	c.depth = len(s.txn.savepoints)
	c.cursor = &cursor{hold: n.Hold, scroll: n.Scroll == ast.ScrollYes || n.Hold && n.Scroll != ast.ScrollNo}
	if c.cursor.scroll {
		c.cursor.seen = vec.NewBatch(fieldTypes(c.fields), 0)
	}
	if err := s.execute(c); err != nil {
		return outcome{}, err
	}
	s.portals[n.Name] = c
	return outcome{command: "DECLARE CURSOR", count: noCount}, nil
}

// retype fits parameters, bound before the cursor's query was planned, to the types it wants.
func retype(p *prepared, params []vec.Scalar) ([]vec.Scalar, error) {
	out := make([]vec.Scalar, len(p.paramTypes))
	for i, t := range p.paramTypes {
		if i >= len(params) {
			return nil, pgerr.Newf(pgerr.UndefinedParameter, "there is no parameter $%d", i+1)
		}
		v := params[i]
		if v.Type.OID == t.OID {
			out[i] = v
			continue
		}
		var text []byte
		if !v.Null {
			text = v.B
		}
		var err error
		if out[i], err = pgwire.DecodeParam(t, pgwire.TextFormat, text, nil); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Session) cursorNamed(name string) (*portal, error) {
	if po := s.portals[name]; po != nil && po.stmt.node != nil {
		return po, nil
	}
	return nil, pgerr.Newf(pgerr.InvalidCursorName, `cursor "%s" does not exist`, name)
}

func fetchTag(n ast.Statement) string {
	if n.(*ast.Fetch).Move {
		return "MOVE"
	}
	return "FETCH"
}

func fetchFields(s *Session, n ast.Statement) ([]physical.Field, error) {
	f := n.(*ast.Fetch)
	if f.Move {
		return nil, nil
	}
	po, err := s.cursorNamed(f.Cursor)
	if err != nil {
		return nil, err
	}
	out := make([]physical.Field, len(po.fields))
	for i, w := range po.fields {
		out[i] = physical.Field{Name: w.Name, Type: w.Type}
	}
	return out, nil
}

// runFetch is FETCH and MOVE.
func runFetch(s *Session, po *portal) (outcome, error) {
	n := po.stmt.node.(*ast.Fetch)
	c, err := s.cursorNamed(n.Cursor)
	if err != nil {
		return outcome{}, err
	}
	if c.cursor == nil {
		c.cursor = &cursor{}
	}
	if !c.ran {
		if err := s.execute(c); err != nil {
			return outcome{}, err
		}
	}
	if c.rows == nil {
		return outcome{}, pgerr.Newf(pgerr.InvalidCursorState, `cursor "%s" returns no rows`, n.Cursor)
	}
	got, count, err := c.fetch(n)
	if err != nil {
		return outcome{}, err
	}
	if n.Move {
		return outcome{command: "MOVE", count: count}, nil
	}
	po.fields = c.fields
	if len(c.formats) > 0 && len(po.formats) == 0 {
		po.formats = c.formats
	}
	return outcome{rows: &batchRows{got}, command: "FETCH", count: int64(got.N)}, nil
}

// fetch moves the cursor and returns the rows it passed, and how many a MOVE counts.
func (po *portal) fetch(n *ast.Fetch) (*vec.Batch, int64, error) {
	c := po.cursor
	out := vec.NewBatch(fieldTypes(po.fields), 0)
	dir, count := n.Direction, n.Count
	if (dir == ast.FetchForward || dir == ast.FetchBackward) && count < 0 && !n.All {
		// FORWARD -n is BACKWARD n, and the other way round.
		if dir == ast.FetchForward {
			dir = ast.FetchBackward
		} else {
			dir = ast.FetchForward
		}
		count = -count
	}
	switch dir {
	case ast.FetchForward, ast.FetchBackward:
		if count == 0 && !n.All {
			return po.again(out)
		}
		return po.run(out, dir == ast.FetchForward, count, n.All)
	case ast.FetchAbsolute:
		if count < 0 {
			for {
				ok, err := po.to(c.read + 1)
				if err != nil {
					return nil, 0, err
				}
				if !ok {
					break
				}
			}
			count = max(c.read+count+1, 0)
		}
		return po.single(out, count)
	default:
		if count == 0 {
			return po.again(out)
		}
		return po.single(out, max(c.pos+count, 0))
	}
}

// run takes up to count rows one after the other.
func (po *portal) run(out *vec.Batch, forward bool, count int64, all bool) (*vec.Batch, int64, error) {
	step := int64(1)
	if !forward {
		step = -1
	}
	var n int64
	for all || n < count {
		ok, err := po.to(po.cursor.pos + step)
		if err != nil {
			return nil, 0, err
		}
		if !ok {
			break
		}
		po.take(out)
		n++
	}
	return out, n, nil
}

// single goes to one row.
func (po *portal) single(out *vec.Batch, pos int64) (*vec.Batch, int64, error) {
	ok, err := po.to(pos)
	if err != nil {
		return nil, 0, err
	}
	if ok {
		po.take(out)
		return out, 1, nil
	}
	return out, 0, nil
}

// again fetches the row the cursor is on.
func (po *portal) again(out *vec.Batch) (*vec.Batch, int64, error) {
	c := po.cursor
	if c.pos < 1 || c.pos > c.read {
		return out, 0, nil
	}
	po.take(out)
	return out, 1, nil
}

// to moves to row pos. It reports whether there is such a row; if not, the cursor is before the first or after the
// last.
func (po *portal) to(pos int64) (bool, error) {
	c := po.cursor
	if pos < c.pos && !c.scroll {
		return false, pgerr.New(pgerr.ObjectNotInState, "cursor can only scan forward").
			WithHint("Declare it with SCROLL option to enable backward scan.")
	}
	if pos < 1 {
		c.pos = 0
		return false, nil
	}
	for c.read < pos && !c.end {
		if po.batch != nil && c.read > 0 {
			po.at++
		}
		b, err := po.fill()
		if err != nil {
			return false, err
		}
		if b == nil {
			c.end = true
			break
		}
		c.read++
		if c.seen != nil {
			c.seen.AppendRow(b, po.at, 1)
		}
	}
	if pos > c.read {
		c.pos = c.read + 1
		return false, nil
	}
	c.pos = pos
	return true, nil
}

// take appends the row the cursor is on.
func (po *portal) take(out *vec.Batch) {
	if c := po.cursor; c.seen != nil {
		out.AppendRow(c.seen, int(c.pos-1), 1)
		return
	}
	out.AppendRow(po.batch, po.at, 1)
}

// holdCursors reads the rest of the cursors WITH HOLD into memory: their transaction is about to end.
func (s *Session) holdCursors() error {
	for _, po := range s.portals {
		c := po.cursor
		if c == nil || !c.hold || po.held {
			continue
		}
		if c.seen == nil {
			if err := po.keepRest(); err != nil {
				return err
			}
		} else {
			at := c.pos
			for !c.end {
				if _, err := po.to(c.read + 1); err != nil {
					return err
				}
			}
			c.pos = at
		}
		po.rows.Close()
		po.ended, po.held = true, true
	}
	return nil
}

// keepRest keeps the rows from the current one on of a cursor that does not scroll.
func (po *portal) keepRest() error {
	c := po.cursor
	kept := vec.NewBatch(fieldTypes(po.fields), 0)
	if c.pos >= 1 && c.pos <= c.read {
		kept.AppendRow(po.batch, po.at, 1)
	}
	base := c.pos
	for {
		ok, err := po.to(c.pos + 1)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		kept.AppendRow(po.batch, po.at, 1)
	}
	c.seen, c.read, c.pos = kept, int64(kept.N), min(base, 1)
	return nil
}

func closeTag(n ast.Statement) string {
	if n.(*ast.Close).All {
		return "CLOSE CURSOR ALL"
	}
	return "CLOSE CURSOR"
}

func runClose(s *Session, po *portal) (outcome, error) {
	n := po.stmt.node.(*ast.Close)
	if n.All {
		s.closePortals(func(p *portal) bool { return p != po })
	} else {
		c, err := s.cursorNamed(n.Name)
		if err != nil {
			return outcome{}, err
		}
		s.dropPortal(c)
	}
	return outcome{command: closeTag(n), count: noCount}, nil
}
