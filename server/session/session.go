package session

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millracedb/millrace/exec/engine"
	"github.com/millracedb/millrace/server/pgwire"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgcatalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Session is one client. It implements pgwire.Handler and funcs.Sys.
type Session struct {
	hub    *Hub
	door   engine.Door
	conn   *pgwire.Conn
	base   context.Context // ends when the client is gone
	pid    uint32
	secret []byte
	remote string
	login  string // who connected
	user   string // whom it acts as

	settings *settings
	env      types.Env
	writing  funcs.Ctx       // of writeCtx
	names    pgcatalog.Names // reg* types
	info     *pgcatalog.Info // catalog information functions

	txn      transaction
	prepared map[string]*prepared
	unnamed  *prepared
	portals  map[string]*portal
	spare    *portal // an unnamed one that is gone, for the next Bind
	currvals map[catalog.ID]int64
	lastSeq  catalog.ID

	started time.Time

	mu sync.Mutex
	// guarded by mu
	ctx    context.Context // of the running statement, kept for the next while it was not cancelled
	stop   context.CancelCauseFunc
	busy   bool
	ending *pgerr.Error
	act    Activity
}

func newSession(ctx context.Context, h *Hub, c *pgwire.Conn, role *catalog.Role) *Session {
	s := &Session{
		hub: h, door: h.Door, conn: c, base: ctx,
		login: role.Name, user: role.Name,
		settings: newSettings(h.Defaults),
		prepared: map[string]*prepared{},
		portals:  map[string]*portal{},
		currvals: map[catalog.ID]int64{},
		started:  time.Now(),
	}
	super := "off"
	if role.Super {
		super = "on"
	}
	s.settings.values[gucIsSuperuser] = super
	s.settings.values[gucSessionAuth] = role.Name
	s.names.Source = s
	s.env.Reg = &s.names
	s.writing.Env, s.writing.Sys = &s.env, s
	s.info = &pgcatalog.Info{Names: s.names, Size: h.Size, User: s.User, Started: h.Started, Epoch: h.Epoch}
	s.act = Activity{State: "idle", Changed: s.started}
	return s
}

// startup applies the settings the client came with and reports those that clients want to know.
func (s *Session) startup(st *pgwire.Startup) error {
	for _, p := range st.Params {
		if err := s.settings.change(p.Name, p.Value, false); err != nil {
			return err
		}
	}
	s.settings.undo = nil
	s.settings.reset = append(s.settings.reset[:0], s.settings.values...)
	s.applySettings()
	for _, name := range reported {
		s.report(mustGuc(name))
	}
	s.settings.onChange = s.settingChanged
	return nil
}

func (s *Session) report(i int) { s.conn.ParameterStatus(gucs[i].Name, s.settings.values[i]) }

func (s *Session) settingChanged(i int) {
	for _, name := range reported {
		if gucs[i].Name == name {
			s.report(i)
		}
	}
	s.applySettings()
}

// applySettings copies settings to where statements look for them.
func (s *Session) applySettings() {
	s.env.TimeZone, s.env.Order = s.settings.zone, s.settings.order
	s.mu.Lock()
	s.act.Application = s.settings.get(gucApplicationName)
	s.mu.Unlock()
}

// Close ends the session.
func (s *Session) Close() {
	s.txn.abandon(s)
	s.closePortals(func(*portal) bool { return true })
	s.hub.listeners.forget(s)
	s.hub.remove(s)
	s.mu.Lock()
	if s.stop != nil {
		s.stop(nil)
	}
	s.mu.Unlock()
}

// Query runs the statements of a simple query: one implicit transaction, unless they say otherwise.
func (s *Session) Query(sql string) error {
	s.unnamed = nil // as in PostgreSQL
	s.begin(sql)
	defer s.leave()
	return s.failing(sql, s.contained(func() error { return s.query(sql) }))
}

func (s *Session) query(sql string) error {
	if err := pgwire.CheckText(sql); err != nil {
		return err
	}
	stmts, err := parser.Parse(sql)
	if err != nil {
		return err
	}
	if len(stmts) == 0 {
		s.conn.EmptyQuery()
		return nil
	}
	s.txn.alone = len(stmts) == 1
	for i := range stmts {
		p := newPrepared("", sql, &stmts[i])
		if err := s.runSimple(p, i == len(stmts)-1); err != nil {
			return err
		}
	}
	return nil
}

// runSimple runs one statement of a simple query. The last one commits before its command tag is sent.
func (s *Session) runSimple(p *prepared, last bool) error {
	if err := s.allowed(p); err != nil {
		return err
	}
	if p.params > 0 {
		return pgerr.Newf(pgerr.UndefinedParameter, "there is no parameter $%d", p.params)
	}
	if err := s.plan(p); err != nil {
		return err
	}
	po := newPortal("", p, nil, nil)
	defer po.close()
	if err := s.execute(po); err != nil {
		return err
	}
	if po.rows != nil {
		s.conn.RowDescription(po.fields, nil)
		if _, err := s.send(po, 0); err != nil {
			return err
		}
	}
	po.close()
	if last {
		if err := s.txn.endImplicit(s); err != nil {
			return err
		}
	}
	s.complete(po)
	return nil
}

// Sync ends the implicit transaction of the messages since the last one.
func (s *Session) Sync() error {
	if s.txn.state != implicit {
		return nil
	}
	s.resume()
	defer s.leave()
	return s.failing("", s.txn.endImplicit(s))
}

// Status is the transaction status of ReadyForQuery.
func (s *Session) Status() byte {
	s.rest()
	switch s.txn.state {
	case block:
		return 'T'
	case failed:
		return 'E'
	}
	return 'I'
}

// Idle says how long the client may now keep quiet.
func (s *Session) Idle() (time.Duration, *pgerr.Error) {
	if s.txn.state != none {
		if v := s.settings.values[gucIdleInTransaction]; v != "0" {
			return millis(v), pgerr.New("25P03", "terminating connection due to idle-in-transaction timeout")
		}
		return 0, nil
	}
	if v := s.settings.values[gucIdleSession]; v != "0" {
		return millis(v), pgerr.New("57P05", "terminating connection due to idle-session timeout")
	}
	return 0, nil
}

// Fail aborts the transaction after an error of the protocol.
func (s *Session) Fail(*pgerr.Error) { s.txn.fail(s) }

// Parse prepares a statement.
func (s *Session) Parse(m *pgproto3.Parse) error {
	s.begin(m.Query)
	defer s.leave()
	return s.failing(m.Query, s.contained(func() error { return s.parse(m.Name, m.Query, m.ParameterOIDs) }))
}

// Bind makes a portal.
func (s *Session) Bind(m *pgproto3.Bind) error {
	s.resume()
	defer s.leave()
	return s.failing("", s.contained(func() error { return s.bind(m) }))
}

// Describe tells about a statement or portal.
func (s *Session) Describe(m *pgproto3.Describe) error {
	s.resume()
	defer s.leave()
	return s.failing("", s.contained(func() error { return s.describe(m.ObjectType, m.Name) }))
}

// Execute runs a portal, or goes on with it.
func (s *Session) Execute(m *pgproto3.Execute) error {
	po, ok := s.portals[m.Portal]
	if !ok {
		return s.failing("", pgerr.Newf(pgerr.InvalidCursorName, `portal "%s" does not exist`, m.Portal))
	}
	s.begin(po.stmt.sql)
	defer s.leave()
	s.txn.alone = s.conn.SyncFollows()
	return s.failing(po.stmt.sql, s.contained(func() error { return s.executeMessage(po, int64(m.MaxRows)) }))
}

// CloseObject forgets a statement or portal; it is no error if there is none.
func (s *Session) CloseObject(m *pgproto3.Close) error {
	switch m.ObjectType {
	case 'S':
		s.forget(m.Name)
	case 'P':
		if po, ok := s.portals[m.Name]; ok {
			s.dropPortal(po)
		}
	default:
		return s.failing("", pgwire.ProtocolError("invalid CLOSE message subtype %d", m.ObjectType))
	}
	return nil
}

// catalog is what the next statement sees.
func (s *Session) catalog() *catalog.Snapshot {
	if s.txn.tx != nil {
		return s.txn.tx.Catalog()
	}
	return s.door.Catalog()
}

// searchPath is the schemas to search, in order, as the settings name them. "$user" is the user's schema, if there is
// one; a schema of the system that happens to have the name is not.
func (s *Session) searchPath() []string {
	path := s.settings.searchPath
	i := slices.Index(path, "$user")
	if i < 0 {
		return path
	}
	cat := s.catalog()
	sc := cat.Schema(s.user)
	if sc == nil || cat.IsSystemSchema(sc.ID) {
		return slices.Concat(path[:i], path[i+1:])
	}
	return slices.Concat(path[:i], []string{s.user}, path[i+1:])
}

// writeCtx is evalCtx for a write, which is over when it returns: there is one for all.
func (s *Session) writeCtx(ctx context.Context, params []vec.Scalar) *funcs.Ctx {
	s.writing.Clear()
	s.writing.Context, s.writing.Params, s.writing.Subquery = ctx, params, nil
	s.writing.Now, s.writing.TxnNow = s.txn.stmtNow, s.txn.now(s)
	return &s.writing
}

// evalCtx is what expressions of the next statement are evaluated with.
func (s *Session) evalCtx(ctx context.Context) *funcs.Ctx {
	return &funcs.Ctx{Context: ctx, Env: &s.env, Now: s.txn.stmtNow, TxnNow: s.txn.now(s), Sys: s}
}

var _ pgwire.Handler = (*Session)(nil)
