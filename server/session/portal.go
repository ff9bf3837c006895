package session

import (
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millracedb/millrace/exec/engine"
	"github.com/millracedb/millrace/server/pgwire"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// portal is a statement with its parameters, on its way through its result: made by Bind, DECLARE, or for one
// statement of a simple query.
type portal struct {
	name    string
	stmt    *prepared
	params  []vec.Scalar
	formats []int16
	fields  []pgwire.Field
	depth   int // savepoints there were when it was made

	ran   bool
	rows  engine.Cursor // nil: the statement returns none
	batch *vec.Batch    // being sent, from at
	at    int
	sent  int64
	ended bool

	command string // of the tag
	count   int64  // in the tag; -1: none, -2: the rows sent

	// cursor is set for DECLARE CURSOR.
	cursor *cursor
	held   bool // survived its transaction
}

// What a command tag counts.
const (
	noCount    = -1
	countsRows = -2
)

// outcome is what running a statement gave.
type outcome struct {
	rows    engine.Cursor
	command string
	count   int64
}

func newPortal(name string, p *prepared, params []vec.Scalar, formats []int16) *portal {
	return &portal{name: name, stmt: p, params: params, formats: formats, fields: p.fields}
}

// bind is Bind.
func (s *Session) bind(m *pgproto3.Bind) error {
	p, err := s.statement(m.PreparedStatement)
	if err != nil {
		return err
	}
	if err := s.allowed(p); err != nil {
		return err
	}
	if m.DestinationPortal != "" && s.portals[m.DestinationPortal] != nil {
		return pgerr.Newf(pgerr.DuplicateCursor, `portal "%s" already exists`, m.DestinationPortal)
	}
	if err := s.plan(p); err != nil {
		return err
	}
	po, err := s.bound(p, m)
	if err != nil {
		return err
	}
	if n := len(m.ResultFormatCodes); n > 1 && n != len(p.fields) {
		return pgwire.ProtocolError("bind message has %d result formats but query has %d columns", n, len(p.fields))
	}
	for _, f := range m.ResultFormatCodes {
		if f != pgwire.TextFormat && f != pgwire.BinaryFormat {
			return pgerr.Newf(pgerr.InvalidParameterValue, "unsupported format code: %d", f)
		}
	}
	if old := s.portals[m.DestinationPortal]; old != nil {
		s.dropPortal(old)
	}
	po.depth = len(s.txn.savepoints)
	s.portals[po.name] = po
	if s.txn.state == none {
		s.txn.open(s, implicit)
	}
	return nil
}

// bound makes the portal of Bind. An unnamed one that is gone serves again.
func (s *Session) bound(p *prepared, m *pgproto3.Bind) (*portal, error) {
	var params []vec.Scalar
	po := s.spare
	if po == nil {
		po = &portal{}
	} else {
		params = po.params[:0]
	}
	params, err := s.bindParams(params, p, m)
	if err != nil {
		return nil, err
	}
	s.spare = nil
	*po = portal{name: m.DestinationPortal, stmt: p, params: params, formats: m.ResultFormatCodes, fields: p.fields}
	return po, nil
}

// bindParams reads the parameters of Bind into out.
func (s *Session) bindParams(out []vec.Scalar, p *prepared, m *pgproto3.Bind) ([]vec.Scalar, error) {
	if len(m.Parameters) != len(p.paramTypes) {
		return nil, pgwire.ProtocolError(`bind message supplies %d parameters, but prepared statement "%s" requires %d`,
			len(m.Parameters), p.name, len(p.paramTypes))
	}
	if n := len(m.ParameterFormatCodes); n > 1 && n != len(m.Parameters) {
		return nil, pgwire.ProtocolError("bind message has %d parameter formats but %d parameters", n, len(m.Parameters))
	}
	out = slices.Grow(out, len(m.Parameters))
	for i, data := range m.Parameters {
		v, err := pgwire.DecodeParam(p.paramTypes[i], pgwire.FormatAt(m.ParameterFormatCodes, i), data, &s.env)
		if err != nil {
			e := *pgerr.Of(err)
			if e.Code == pgerr.ProtocolViolation || e.Code == pgerr.InvalidBinaryRepr {
				e.Where = "unnamed portal parameter $" + strconv.Itoa(i+1)
			}
			return nil, &e
		}
		out = append(out, v)
	}
	return out, nil
}

// executeMessage is Execute: it starts the portal, or goes on with it.
func (s *Session) executeMessage(po *portal, limit int64) error {
	if po.stmt.node == nil {
		s.conn.EmptyQuery()
		return nil
	}
	if err := s.allowed(po.stmt); err != nil {
		return err
	}
	if !po.ran {
		if err := s.plan(po.stmt); err != nil {
			return err
		}
		if err := s.execute(po); err != nil {
			return err
		}
	} else if po.rows == nil {
		return pgerr.Newf(pgerr.ObjectNotInState, `portal "%s" cannot be run anymore`, po.name)
	}
	if po.rows == nil {
		s.complete(po)
		return nil
	}
	before := po.sent
	done, err := s.send(po, limit)
	if err != nil {
		return err
	}
	if !done {
		s.conn.Suspended()
		return nil
	}
	if po.count == countsRows {
		// A portal run in pieces reports the rows of the last piece.
		s.conn.CompleteCount(po.command, po.sent-before)
		return nil
	}
	s.complete(po)
	return nil
}

// execute runs the portal's statement up to its first row.
func (s *Session) execute(po *portal) error {
	po.ran = true
	if s.txn.state == none {
		s.txn.open(s, implicit)
	}
	if err := s.permitted(po.stmt); err != nil {
		return err
	}
	out, err := po.stmt.cmd.run(s, po)
	if err != nil {
		return err
	}
	po.rows, po.command, po.count = out.rows, out.command, out.count
	return nil
}

// permitted refuses writes in a read-only transaction.
func (s *Session) permitted(p *prepared) error {
	if !p.cmd.writes(p.node) {
		return nil
	}
	if !s.txn.readOnly {
		return nil
	}
	return pgerr.Newf(pgerr.ReadOnlySQLTransaction, "cannot execute %s in a read-only transaction", p.cmd.tag(p.node))
}

// send sends rows: at most limit, all if it is 0. done says that the result has ended.
func (s *Session) send(po *portal, limit int64) (done bool, err error) {
	enc := s.encoder(po)
	var n int64
	for {
		b, err := po.fill()
		if err != nil || b == nil {
			return true, err
		}
		take := b.N - po.at
		if limit > 0 && int64(take) > limit-n {
			take = int(limit - n)
		}
		if err := enc.Rows(b, po.at, po.at+take); err != nil {
			return false, err
		}
		po.at += take
		po.sent += int64(take)
		if n += int64(take); limit > 0 && n >= limit {
			// PostgreSQL, too, only finds the end when it looks for one row more.
			return false, nil
		}
	}
}

// encoder returns the encoder for the portal's result; prepared statements keep theirs.
func (s *Session) encoder(po *portal) *pgwire.Encoder {
	p := po.stmt
	if p.encoder != nil && slices.Equal(p.formats, po.formats) && po.cursor == nil {
		return p.encoder
	}
	e := s.conn.Encoder(fieldTypes(po.fields), po.formats, &s.env)
	p.encoder, p.formats = e, po.formats
	return e
}

func fieldTypes(fields []pgwire.Field) []types.Type {
	ts := make([]types.Type, len(fields))
	for i, f := range fields {
		ts[i] = f.Type
	}
	return ts
}

// fill returns the batch with the next row, nil at the end. Rows of weight w are w rows.
func (po *portal) fill() (*vec.Batch, error) {
	for po.batch == nil || po.at >= po.batch.N {
		if po.ended {
			return nil, nil
		}
		b, err := po.rows.Next()
		if err != nil {
			return nil, err
		}
		if b == nil {
			po.ended, po.batch = true, nil
			return nil, nil
		}
		po.batch, po.at = flatten(b), 0
	}
	return po.batch, nil
}

// flatten repeats rows by their weight.
func flatten(b *vec.Batch) *vec.Batch {
	plain := true
	for _, w := range b.W {
		plain = plain && w == 1
	}
	if plain {
		return b
	}
	out := vec.NewBatch(b.Types(), b.N)
	for i := range b.N {
		for range b.W[i] {
			out.AppendRow(b, i, 1)
		}
	}
	return out
}

// complete sends the command tag.
func (s *Session) complete(po *portal) {
	switch po.count {
	case noCount:
		s.conn.Complete(po.command)
	case countsRows:
		s.conn.CompleteCount(po.command, po.sent)
	default:
		s.conn.CompleteCount(po.command, po.count)
	}
}

func (po *portal) close() {
	if po.rows != nil && !po.ended {
		po.rows.Close()
		po.ended, po.batch = true, nil
	}
}

func (s *Session) dropPortal(po *portal) {
	po.close()
	if s.portals[po.name] == po {
		delete(s.portals, po.name)
		if po.name == "" && po.cursor == nil {
			s.spare = po
		}
	}
}

func (s *Session) closePortals(which func(*portal) bool) {
	for _, po := range s.portals {
		if which(po) {
			s.dropPortal(po)
		}
	}
}

// batchRows is a result that is there already.
type batchRows struct{ b *vec.Batch }

func (r *batchRows) Next() (*vec.Batch, error) {
	b := r.b
	r.b = nil
	return b, nil
}

func (r *batchRows) Close() {}
