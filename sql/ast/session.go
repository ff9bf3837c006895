package ast

// CopyTarget is the far end of a COPY.
type CopyTarget uint8

// The far ends of COPY.
const (
	CopyStd     CopyTarget = iota // STDIN or STDOUT
	CopyFile                      // a file of the server
	CopyProgram                   // a program on the server
)

// Copy is COPY. Exactly one of Table and Query is given; old spellings (COPY t FROM stdin CSV HEADER)
// are turned into Options.
type Copy struct {
	Loc
	Table   *ObjectName
	Columns []string
	Query   Statement // *Select, *Subscribe, or DML with RETURNING
	From    bool      // FROM, not TO
	Target  CopyTarget
	File    string // of CopyFile and CopyProgram
	Options []*Option
	Where   Expr
}

// SetScope is SESSION or LOCAL.
type SetScope uint8

// The scopes of SET.
const (
	SetSession SetScope = iota
	SetLocal
)

// Set is SET name = values. SET TIME ZONE, NAMES, ROLE, SCHEMA, SESSION AUTHORIZATION and XML OPTION
// are turned into the settings they change. Default is SET name TO DEFAULT.
type Set struct {
	Loc
	Scope   SetScope
	Name    string // lower case; dotted for custom settings
	Values  []Expr // *Literal (words are strings) or *TypedLiteral (SET TIME ZONE INTERVAL ...)
	Default bool
}

// SetTransaction is SET TRANSACTION, or SET SESSION CHARACTERISTICS with Session.
type SetTransaction struct {
	Loc
	Session bool
	Modes   TxModes
	// Snapshot is SET TRANSACTION SNAPSHOT 'id'.
	Snapshot string
}

// Show is SHOW name; Name is "all" for SHOW ALL.
type Show struct {
	Loc
	Name string
}

// ShowObjects is SHOW STREAMS, SOURCES, SINKS, MATERIALIZED VIEWS, JOBS, TABLES, VIEWS, SCHEMAS, ...
type ShowObjects struct {
	Loc
	What   string // upper case plural: "MATERIALIZED VIEWS"
	Schema string // SHOW TABLES FROM schema
	Like   string
}

// ShowCreate is SHOW CREATE kind name.
type ShowCreate struct {
	Loc
	Kind ObjectKind
	Name ObjectName
}

// Reset is RESET name; Name is "all" for RESET ALL.
type Reset struct {
	Loc
	Name string
}

// Discard is DISCARD ALL, PLANS, SEQUENCES or TEMP.
type Discard struct {
	Loc
	What string
}

// TxModes are transaction modes; nil and "" mean not given.
type TxModes struct {
	Isolation  string // "SERIALIZABLE", "REPEATABLE READ", "READ COMMITTED", "READ UNCOMMITTED"
	ReadOnly   *bool
	Deferrable *bool
}

// Begin is BEGIN, or START TRANSACTION with Start.
type Begin struct {
	Loc
	Start bool
	Modes TxModes
}

// Commit is COMMIT or END.
type Commit struct {
	Loc
	Chain bool
}

// Rollback is ROLLBACK or ABORT.
type Rollback struct {
	Loc
	Chain bool
}

// Savepoint is SAVEPOINT.
type Savepoint struct {
	Loc
	Name string
}

// Release is RELEASE SAVEPOINT.
type Release struct {
	Loc
	Name string
}

// RollbackTo is ROLLBACK TO SAVEPOINT.
type RollbackTo struct {
	Loc
	Name string
}

// Prepare is PREPARE name (types) AS statement.
type Prepare struct {
	Loc
	Name  string
	Types []*TypeName
	Stmt  Statement
}

// Execute is EXECUTE name (args).
type Execute struct {
	Loc
	Name string
	Args []Expr
}

// Deallocate is DEALLOCATE name or ALL.
type Deallocate struct {
	Loc
	Name string
	All  bool
}

// ScrollMode is [NO] SCROLL of a cursor.
type ScrollMode uint8

// The scroll modes.
const (
	ScrollDefault ScrollMode = iota
	ScrollYes
	ScrollNo
)

// Declare is DECLARE name CURSOR FOR query.
type Declare struct {
	Loc
	Name   string
	Binary bool
	Scroll ScrollMode
	Hold   bool
	Query  Statement // *Select or *Subscribe
}

// FetchDirection is where FETCH and MOVE go.
type FetchDirection uint8

// The directions. Forward and Backward use Count or All.
const (
	FetchForward FetchDirection = iota
	FetchBackward
	FetchAbsolute // FIRST is ABSOLUTE 1, LAST is ABSOLUTE -1
	FetchRelative
)

// Fetch is FETCH, or MOVE with Move. FETCH NEXT is FORWARD 1, PRIOR is BACKWARD 1.
type Fetch struct {
	Loc
	Move      bool
	Direction FetchDirection
	Count     int64
	All       bool
	Cursor    string
}

// Close is CLOSE name or ALL.
type Close struct {
	Loc
	Name string
	All  bool
}

// Explain is EXPLAIN; ANALYZE and VERBOSE, in either spelling, are also among Options.
type Explain struct {
	Loc
	Analyze bool
	Verbose bool
	Options []*Option
	Stmt    Statement
}

// Subscribe is SUBSCRIBE TO name or TO (query).
type Subscribe struct {
	Loc
	Name    *ObjectName
	Query   *Select
	Options []*Option
}

func (*Copy) statement()           {}
func (*Set) statement()            {}
func (*SetTransaction) statement() {}
func (*Show) statement()           {}
func (*ShowObjects) statement()    {}
func (*ShowCreate) statement()     {}
func (*Reset) statement()          {}
func (*Discard) statement()        {}
func (*Begin) statement()          {}
func (*Commit) statement()         {}
func (*Rollback) statement()       {}
func (*Savepoint) statement()      {}
func (*Release) statement()        {}
func (*RollbackTo) statement()     {}
func (*Prepare) statement()        {}
func (*Execute) statement()        {}
func (*Deallocate) statement()     {}
func (*Declare) statement()        {}
func (*Fetch) statement()          {}
func (*Close) statement()          {}
func (*Explain) statement()        {}
func (*Subscribe) statement()      {}
