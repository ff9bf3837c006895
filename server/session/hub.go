package session

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"log/slog"
	"sort"
	"sync"
	"time"

	"github.com/millracedb/millrace/exec/engine"
	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/server/pgwire"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

// Hub knows all sessions of the server.
type Hub struct {
	Door       engine.Door
	Connectors planner.Connectors
	Log        *slog.Logger
	// Defaults are settings whose server-wide value differs from the built-in one.
	Defaults map[string]string
	// MaxSessions bounds the connections; 0 is 100.
	MaxSessions int
	// Trust lets users without a password in, as long as the superuser has none; the server decides it from where it
	// listens.
	Trust bool
	// Size is the bytes a relation takes, of 0 the database; nil: unknown.
	Size func(catalog.ID) int64
	// Started is when the server was; Epoch is the newest published epoch.
	Started time.Time
	Epoch   func() int64
	// CancelJob ends a backfill; false if there is none of that number.
	CancelJob func(id int64) bool

	listeners listeners

	mu sync.Mutex
	// guarded by mu
	sessions map[uint32]*Session
	lastPID  uint32
	closing  bool
}

// Database is the name of the one database.
const Database = "millrace"

const (
	defaultMaxSessions = 100
	firstPID           = 1000
	shortKey           = 4  // bytes of a cancel key in protocol 3.0
	longKey            = 32 // in 3.2
)

// Credentials answers for a user who connects. Once the superuser has a password nobody is trusted without one.
func (h *Hub) Credentials(st *pgwire.Startup) (string, bool) {
	cat := h.Door.Catalog()
	r, super := cat.Role(st.User), cat.Role(catalog.SuperuserName)
	if r == nil || r.Verifier == "" {
		return "", h.Trust && super != nil && super.Verifier == ""
	}
	return r.Verifier, false
}

// Open starts a session for an authenticated client.
func (h *Hub) Open(ctx context.Context, st *pgwire.Startup, c *pgwire.Conn) (pgwire.Handler, pgwire.Key, error) {
	role := h.Door.Catalog().Role(st.User)
	switch {
	case role == nil:
		return nil, pgwire.Key{}, pgerr.Newf(pgerr.InvalidAuthorizationSpec, `role "%s" does not exist`, st.User)
	case !role.Login:
		return nil, pgwire.Key{}, pgerr.Newf(pgerr.InvalidAuthorizationSpec, `role "%s" is not permitted to log in`, st.User)
	case st.Database != Database:
		return nil, pgwire.Key{}, pgerr.Newf(pgerr.InvalidCatalogName, `database "%s" does not exist`, st.Database)
	}
	s := newSession(ctx, h, c, role)
	s.remote = st.Remote
	if err := s.startup(st); err != nil {
		return nil, pgwire.Key{}, err
	}
	n := shortKey
	if st.Protocol >= 2 {
		n = longKey
	}
	s.secret = make([]byte, n)
	if _, err := rand.Read(s.secret); err != nil {
		return nil, pgwire.Key{}, err
	}
	if err := h.add(s); err != nil {
		return nil, pgwire.Key{}, err
	}
	return s, pgwire.Key{PID: s.pid, Secret: s.secret}, nil
}

func (h *Hub) add(s *Session) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return pgerr.New(pgerr.CannotConnectNow, "the database system is shutting down")
	}
	most := h.MaxSessions
	if most == 0 {
		most = defaultMaxSessions
	}
	if len(h.sessions) >= most {
		return pgerr.New(pgerr.TooManyConnections, "sorry, too many clients already")
	}
	if h.sessions == nil {
		h.sessions, h.lastPID = map[uint32]*Session{}, firstPID
	}
	h.lastPID++
	s.pid = h.lastPID
	h.sessions[s.pid] = s
	return nil
}

func (h *Hub) remove(s *Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, s.pid)
}

func (h *Hub) find(pid uint32) *Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[pid]
}

// Cancel is a cancel request: it ends the running statement of the session that knows the secret.
func (h *Hub) Cancel(pid uint32, secret []byte) {
	if s := h.find(pid); s != nil && subtle.ConstantTimeCompare(s.secret, secret) == 1 {
		s.cancel(errCanceled())
	}
}

// CancelBackend is pg_cancel_backend, and pg_terminate_backend with terminate.
func (h *Hub) CancelBackend(pid uint32, terminate bool) bool {
	s := h.find(pid)
	if s == nil {
		return false
	}
	if terminate {
		s.terminate(pgerr.New(pgerr.AdminShutdown, "terminating connection due to administrator command"))
	} else {
		s.cancel(errCanceled())
	}
	return true
}

// Shutdown ends all sessions and waits until they are gone or ctx ends.
func (h *Hub) Shutdown(ctx context.Context) {
	h.mu.Lock()
	h.closing = true
	for _, s := range h.sessions {
		s.terminate(pgerr.New(pgerr.AdminShutdown, "terminating connection due to administrator command"))
	}
	h.mu.Unlock()
	for h.Count() > 0 && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
}

// Count is the number of sessions.
func (h *Hub) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sessions)
}

// Activity is a row of pg_stat_activity.
type Activity struct {
	PID         uint32
	User        string
	Application string
	Client      string // host:port
	Started     time.Time
	XactStart   time.Time // zero: not in a transaction
	QueryStart  time.Time
	Changed     time.Time
	State       string // active, idle, idle in transaction, idle in transaction (aborted)
	Query       string
}

// Activities lists what the sessions do, by pid.
func (h *Hub) Activities() []Activity {
	h.mu.Lock()
	all := make([]*Session, 0, len(h.sessions))
	for _, s := range h.sessions {
		all = append(all, s)
	}
	h.mu.Unlock()
	out := make([]Activity, len(all))
	for i, s := range all {
		out[i] = s.activity()
	}
	sort.Slice(out, func(i, j int) bool { return out[i].PID < out[j].PID })
	return out
}

func errCanceled() *pgerr.Error {
	return pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request")
}
