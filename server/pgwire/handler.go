package pgwire

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// Handler is a client's session as the protocol sees it. All methods are called by the connection's goroutine. They
// send results through the Conn they were opened with; an error they return is sent by the caller.
type Handler interface {
	// Query runs the statements of a simple query.
	Query(sql string) error
	// The extended protocol. Messages are valid for the call only.
	Parse(m *pgproto3.Parse) error
	Bind(m *pgproto3.Bind) error
	Describe(m *pgproto3.Describe) error
	Execute(m *pgproto3.Execute) error
	CloseObject(m *pgproto3.Close) error
	// Sync ends the implicit transaction.
	Sync() error
	// Fail is told of an error that the protocol itself raised; the transaction is aborted like after any other.
	Fail(err *pgerr.Error)
	// Status is the transaction status of ReadyForQuery: 'I', 'T' or 'E'.
	Status() byte
	// Idle says how long the session may now wait for its client, and with which error it ends. Zero: for ever.
	Idle() (time.Duration, *pgerr.Error)
	// Close ends the session: the client is gone.
	Close()
}

// Startup is what a client asked for when it connected.
type Startup struct {
	User     string
	Database string
	// Params are the settings given, in order: those of the startup message, then those of options=-c.
	Params []Param
	// Protocol is the minor version in use.
	Protocol int
	Remote   string
	TLS      bool
}

// Param is a run-time setting.
type Param struct{ Name, Value string }

// Service is the server behind the protocol.
type Service interface {
	// Credentials answers for a user: a SCRAM verifier, or trust. An unknown user gets neither, and fails only after
	// the exchange.
	Credentials(s *Startup) (verifier string, trust bool)
	// Open starts a session. ctx ends when the client is gone or the server stops.
	Open(ctx context.Context, s *Startup, c *Conn) (Handler, Key, error)
	// Cancel is a cancel request from another connection.
	Cancel(pid uint32, secret []byte)
}

// Key identifies a session to cancel requests.
type Key struct {
	PID    uint32
	Secret []byte
}

// Field is a column of a result.
type Field struct {
	Name  string
	Type  types.Type
	Table uint32
	Attr  uint16
}

// Format codes of values.
const (
	TextFormat   int16 = 0
	BinaryFormat int16 = 1
)
