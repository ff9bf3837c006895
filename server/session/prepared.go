package session

import (
	"slices"

	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/server/pgwire"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// prepared is a statement that is ready to run: named by Parse or PREPARE, unnamed, or one of a simple query.
type prepared struct {
	name     string
	sql      string        // the text it came with, for positions and pg_stat_activity
	node     ast.Statement // nil: an empty query
	cmd      *command
	params   int         // highest $n that belongs to it
	inner    int         // highest $n of the statement in a PREPARE
	declared []types.OID // as the client gave them
	fromSQL  bool        // made by PREPARE

	// The plan and what it depends on. Utility statements have none, only fields.
	made       *planner.Statement
	cat        *catalog.Snapshot
	settings   uint64
	fields     []pgwire.Field
	paramTypes []types.Type
	described  bool // the client may rely on fields
	// encoders of the result in the formats last asked for.
	encoder *pgwire.Encoder
	formats []int16
}

func newPrepared(name, sql string, st *parser.Stmt) *prepared {
	p := &prepared{name: name, sql: sql}
	if st != nil {
		p.node, p.params = st.Node, st.Params
		p.cmd = commandOf(st.Node)
		if _, ok := st.Node.(*ast.Prepare); ok {
			p.params, p.inner = 0, st.Params
		}
	}
	return p
}

// parse is Parse: it replaces the unnamed statement or makes a named one.
func (s *Session) parse(name, sql string, oids []uint32) error {
	if name != "" && s.prepared[name] != nil {
		return pgerr.Newf(pgerr.DuplicatePreparedStatement, `prepared statement "%s" already exists`, name)
	}
	if name == "" {
		s.unnamed = nil
	}
	if err := pgwire.CheckText(sql); err != nil {
		return err
	}
	stmts, err := parser.Parse(sql)
	if err != nil {
		return err
	}
	if len(stmts) > 1 {
		return pgerr.New(pgerr.SyntaxError, "cannot insert multiple commands into a prepared statement")
	}
	var st *parser.Stmt
	if len(stmts) == 1 {
		st = &stmts[0]
	}
	p := newPrepared(name, sql, st)
	for _, o := range oids {
		p.declared = append(p.declared, types.OID(o))
	}
	if err := s.allowed(p); err != nil {
		return err
	}
	if err := s.plan(p); err != nil {
		return err
	}
	s.keep(p)
	return nil
}

func (s *Session) keep(p *prepared) {
	if p.name == "" {
		s.unnamed = p
		return
	}
	s.prepared[p.name] = p
}

// statement finds a prepared statement by name.
func (s *Session) statement(name string) (*prepared, error) {
	p := s.prepared[name]
	if name == "" {
		p = s.unnamed
	}
	if p != nil {
		return p, nil
	}
	if name == "" {
		return nil, pgerr.New(pgerr.InvalidSQLStatementName, "unnamed prepared statement does not exist")
	}
	return nil, pgerr.Newf(pgerr.InvalidSQLStatementName, `prepared statement "%s" does not exist`, name)
}

func (s *Session) forget(name string) {
	if name == "" {
		s.unnamed = nil
		return
	}
	delete(s.prepared, name)
}

// allowed refuses what an aborted transaction cannot run.
func (s *Session) allowed(p *prepared) error {
	if s.txn.state == failed && p.node != nil && !p.cmd.inFailed {
		return errAborted()
	}
	return nil
}

func errAborted() error {
	return pgerr.New(pgerr.InFailedSQLTransaction,
		"current transaction is aborted, commands ignored until end of transaction block")
}

// plan makes the statement's plan, or makes it again if what it depends on has changed.
func (s *Session) plan(p *prepared) error {
	if p.node == nil {
		return nil
	}
	cat := s.catalog()
	if p.cat == cat && p.settings == s.settings.version {
		return nil
	}
	before := p.fields
	if err := s.planNow(p, cat); err != nil {
		return err
	}
	if p.described && !sameFields(before, p.fields) {
		p.cat = nil
		return pgerr.New(pgerr.FeatureNotSupported, "cached plan must not change result type")
	}
	p.cat, p.settings = cat, s.settings.version
	p.encoder = nil
	return nil
}

func (s *Session) planNow(p *prepared, cat *catalog.Snapshot) error {
	if !p.cmd.planned {
		return s.planUtility(p)
	}
	node, err := p.cmd.rewritten(s, p.node)
	if err != nil {
		return err
	}
	made, err := s.planNode(node, cat, p.declared)
	if err != nil {
		return err
	}
	for _, n := range made.Notices {
		s.notice(n.Severity, n.Code, n.Message)
	}
	p.made, p.paramTypes = made, made.Params
	p.fields = nil
	if !p.cmd.silent {
		p.fields = wireFields(made.Fields)
		if made.Origins != nil {
			for i := range p.fields {
				p.fields[i].Table, p.fields[i].Attr = uint32(made.Origins[i].Rel), uint16(made.Origins[i].Attr)
			}
		}
	}
	return nil
}

func (s *Session) planNode(node ast.Statement, cat *catalog.Snapshot, declared []types.OID) (*planner.Statement, error) {
	ctx, done := s.statementContext()
	defer done()
	st, err := planner.Plan(node, &planner.Env{
		Catalog:    cat,
		SearchPath: s.searchPath(),
		User:       s.user,
		Funcs:      s.evalCtx(ctx),
		ParamTypes: declared,
		Connectors: s.hub.Connectors,
	})
	if err != nil {
		return nil, err
	}
	return &st, nil
}

// planUtility finds what a statement without a plan returns.
func (s *Session) planUtility(p *prepared) error {
	p.paramTypes = make([]types.Type, p.params)
	for i := range p.paramTypes {
		p.paramTypes[i] = types.T(types.Text)
		if i < len(p.declared) && p.declared[i] != 0 {
			p.paramTypes[i] = types.T(p.declared[i])
		}
	}
	p.fields = nil
	if p.cmd.fields == nil {
		return nil
	}
	fields, err := p.cmd.fields(s, p.node)
	p.fields = wireFields(fields)
	return err
}

func wireFields(fields []physical.Field) []pgwire.Field {
	if fields == nil {
		return nil
	}
	out := make([]pgwire.Field, len(fields))
	for i, f := range fields {
		out[i] = pgwire.Field{Name: f.Name, Type: f.Type}
	}
	return out
}

func sameFields(a, b []pgwire.Field) bool {
	return slices.EqualFunc(a, b, func(x, y pgwire.Field) bool { return x.Type == y.Type })
}

// describe is Describe.
func (s *Session) describe(kind byte, name string) error {
	switch kind {
	case 'S':
		p, err := s.statement(name)
		if err != nil {
			return err
		}
		if s.txn.state == failed && p.fields != nil {
			return errAborted()
		}
		if err := s.plan(p); err != nil {
			return err
		}
		p.described = true
		oids := make([]uint32, len(p.paramTypes))
		for i, t := range p.paramTypes {
			oids[i] = uint32(t.OID)
		}
		s.conn.Parameters(oids)
		s.describeFields(p.fields, nil)
	case 'P':
		po, ok := s.portals[name]
		if !ok {
			return pgerr.Newf(pgerr.InvalidCursorName, `portal "%s" does not exist`, name)
		}
		s.describeFields(po.fields, po.formats)
	default:
		return pgwire.ProtocolError("invalid DESCRIBE message subtype %d", kind)
	}
	return nil
}

func (s *Session) describeFields(fields []pgwire.Field, formats []int16) {
	if fields == nil {
		s.conn.NoData()
		return
	}
	s.conn.RowDescription(fields, formats)
}

// notice sends a notice unless the client wants none of its level.
func (s *Session) notice(severity, code, message string) {
	s.tell(severity, &pgerr.Error{Code: code, Message: message})
}

func (s *Session) tell(severity string, e *pgerr.Error) {
	if noticeLevel[severity] >= noticeLevel[s.settings.get(gucClientMinMessages)] {
		s.conn.Notice(severity, e)
	}
}

// noticeLevel orders severities and the values of client_min_messages.
var noticeLevel = map[string]int{
	"debug5": 0, "debug4": 1, "debug3": 2, "debug2": 3, "debug1": 4, "log": 5, "notice": 6, "warning": 7, "error": 8,
	"DEBUG": 4, "LOG": 5, "NOTICE": 6, "WARNING": 7, "INFO": 9,
}
