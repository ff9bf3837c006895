package catalog

import "github.com/millracedb/millrace/sql/types"

// ID names a catalog object for good: ids are never used again. A relation's ID is also its OID on the wire, the
// Rel of its log records and the base of its state table ids. User objects start at FirstUserID.
type ID = uint32

// FirstUserID is PostgreSQL's FirstNormalObjectId.
const FirstUserID ID = 16384

// Kind is the kind of a relation.
type Kind string

const (
	Stream   Kind = "stream"
	Table    Kind = "table"
	View     Kind = "view"
	MatView  Kind = "materialized view"
	Sequence Kind = "sequence"
	Sink     Kind = "sink"   // has columns and a name, but no rows that anybody reads
	System   Kind = "system" // pg_catalog, information_schema and millrace relations; rows come from providers
)

// Relation is everything that has columns and lives in the relations' namespace of a schema.
type Relation struct {
	ID      ID
	Schema  ID
	Name    string
	Kind    Kind
	Owner   ID
	Columns []Column
	Comment string            `json:",omitempty"`
	Options map[string]string `json:",omitempty"` // WITH (...), as given
	Secrets map[string]ID     `json:",omitempty"` // the options of WITH (...) whose value is a secret's: option = SECRET name

	PrimaryKey []int   `json:",omitempty"` // column numbers (0-based); tables; a materialized view's inferred unique key
	PKName     string  `json:",omitempty"`
	PKID       ID      `json:",omitempty"` // the index' oid on the wire
	Uniques    []Index `json:",omitempty"`
	Checks     []Check `json:",omitempty"`

	// Streams.
	Watermark *Watermark `json:",omitempty"`
	Connector string     `json:",omitempty"` // Options["connector"]
	Format    *Format    `json:",omitempty"`
	Retention int64      `json:",omitempty"` // microseconds; 0: for ever
	// Of a stream or table that a connector feeds, and of a sink.
	Paused    bool  `json:",omitempty"` // nothing is read, or sent
	RateLimit int64 `json:",omitempty"` // records, or changes, a second at most; 0: no limit
	// Of a stream or table that a connector feeds.
	OnErrorStop bool `json:",omitempty"` // a bad record holds its partition
	// RowChecks is physical.Encode of a projection of Checks, in order; only with a connector, which has no session.
	RowChecks []byte `json:",omitempty"`

	// Views and materialized views.
	Definition  string `json:",omitempty"` // the query as PostgreSQL text, names qualified
	DependsOn   []ID   `json:",omitempty"`
	Plan        []byte `json:",omitempty"` // materialized view: physical.Encode of its dataflow (D12)
	EmitOnClose bool   `json:",omitempty"`
	OnErrorFail bool   `json:",omitempty"`
	// StateBase is the first of the ids of its operators' state tables; a rebuilt view gets new ones.
	StateBase ID `json:",omitempty"`
	// Suspended says why a materialized view does not run ("" = it runs).
	Suspended string `json:",omitempty"`
	// Backfilling: created, not yet cut over; invisible to other sessions' name lookups.
	Backfilling bool `json:",omitempty"`
	// CreatedEpoch is the epoch whose end the relation's first state stands for.
	CreatedEpoch uint64 `json:",omitempty"`

	Seq  *SequenceDef `json:",omitempty"`
	Sink *SinkDef     `json:",omitempty"`
}

// Column is a column of a relation.
type Column struct {
	Name     string
	Type     types.Type
	NotNull  bool   `json:",omitempty"`
	Default  string `json:",omitempty"` // expression text, PostgreSQL
	Identity byte   `json:",omitempty"` // 'a' always, 'd' by default
	SeqID    ID     `json:",omitempty"` // serial or identity: the owned sequence
	Path     string `json:",omitempty"` // FROM 'a.b.c' in a connector's records
	Include  string `json:",omitempty"` // INCLUDE: key, partition, offset, timestamp, headers
	Comment  string `json:",omitempty"`
	Hidden   bool   `json:",omitempty"` // not in SELECT *
}

// Check is a CHECK constraint.
type Check struct {
	Name string
	Expr string // PostgreSQL text
}

// Index is a unique constraint.
type Index struct {
	ID   ID
	Name string
	Cols []int
}

// Watermark: a row whose Col lies before the running max(Col) - Delay is late.
type Watermark struct {
	Col   int
	Delay int64 // microseconds
}

// Format is FORMAT f ENCODE e (options) KEY ENCODE k (options).
type Format struct {
	Format, Encode string
	Options        map[string]string `json:",omitempty"`
	Secrets        map[string]ID     `json:",omitempty"` // as Relation.Secrets, of Options
	Key            string            `json:",omitempty"`
	KeyOptions     map[string]string `json:",omitempty"`
	KeySecrets     map[string]ID     `json:",omitempty"` // of KeyOptions
}

// SequenceDef is a sequence's definition; its current value is engine state.
type SequenceDef struct {
	Type                       types.OID
	Start, Increment, Min, Max int64
	Cycle                      bool
	OwnedBy                    ID  `json:",omitempty"`
	OwnedCol                   int `json:",omitempty"`
}

// SinkDef is what a sink has beside connector, options and format. Its columns are those of what it sends.
type SinkDef struct {
	From     ID     `json:",omitempty"` // the relation whose changes it sends; 0: its own rows, it has a query
	Identity string // names it in the world, for good; no other sink has it
	// Origin is the name that it was made with, once it has another one: connectors name what is theirs by it.
	Origin string `json:",omitempty"`
	Key    []int  `json:",omitempty"` // columns of the records' keys
	NoRows bool   `json:",omitempty"` // snapshot = false
	Queue  ID     // its state table
	Limit  int64  // bytes that may wait
}

// Schema is a namespace.
type Schema struct {
	ID      ID
	Name    string
	Owner   ID
	Comment string `json:",omitempty"`
}

// Secret is a value that options refer to by name, so that no definition shows it.
type Secret struct {
	ID     ID
	Schema ID
	Name   string
	Owner  ID
	Value  string
}

// Role is a user.
type Role struct {
	ID       ID
	Name     string
	Super    bool
	Login    bool
	Verifier string `json:",omitempty"` // SCRAM-SHA-256 verifier in PostgreSQL's form; "" = no password
}
