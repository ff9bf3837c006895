package ast

// Describe is DESCRIBE name.
type Describe struct {
	Loc
	Name ObjectName
}

// Refresh is REFRESH MATERIALIZED VIEW, which has nothing to do here.
type Refresh struct {
	Loc
	Concurrently bool
	Name         ObjectName
	NoData       bool
}

// Rebuild is REBUILD MATERIALIZED VIEW: compute a suspended view again from its inputs.
type Rebuild struct {
	Loc
	Name ObjectName
}

// CancelJobs is CANCEL JOB id, id.
type CancelJobs struct {
	Loc
	IDs []int64
}

// Flush is FLUSH: accepted, nothing to do.
type Flush struct{ Loc }

// Checkpoint is CHECKPOINT.
type Checkpoint struct{ Loc }

// Comment is COMMENT ON kind name IS text. A column's Name is table.column with Column set.
type Comment struct {
	Loc
	Kind   ObjectKind
	Name   ObjectName
	Column string // of ObjColumn; of ObjConstraint the constraint
	Text   string
	Null   bool // IS NULL
}

// Lock is LOCK TABLE names IN mode MODE.
type Lock struct {
	Loc
	Names  []ObjectName
	Mode   string // "ACCESS EXCLUSIVE", ...
	NoWait bool
}

// Listen is LISTEN channel.
type Listen struct {
	Loc
	Channel string
}

// Unlisten is UNLISTEN channel or *.
type Unlisten struct {
	Loc
	Channel string
	All     bool
}

// Notify is NOTIFY channel, payload.
type Notify struct {
	Loc
	Channel string
	Payload string
}

// Analyze is ANALYZE, and Vacuum is VACUUM: maintenance that this engine does by itself.
type Analyze struct {
	Loc
	Options []*Option
	Names   []ObjectName
}

// Vacuum is VACUUM; see Analyze.
type Vacuum struct {
	Loc
	Options []*Option
	Names   []ObjectName
}

// Grant is GRANT, or REVOKE with Revoke: recognised, its words kept in Text.
type Grant struct {
	Loc
	Revoke bool
	Text   string
}

// Other is a statement of PostgreSQL that is recognised by its first words only, so that it can be
// answered with 0A000 (or be ignored) when it is executed and not before: CREATE FUNCTION, DO,
// CLUSTER, ... Tag is its name in upper case, Text its source.
type Other struct {
	Loc
	Tag  string
	Text string
}

func (*Describe) statement()   {}
func (*Refresh) statement()    {}
func (*Rebuild) statement()    {}
func (*CancelJobs) statement() {}
func (*Flush) statement()      {}
func (*Checkpoint) statement() {}
func (*Comment) statement()    {}
func (*Lock) statement()       {}
func (*Listen) statement()     {}
func (*Unlisten) statement()   {}
func (*Notify) statement()     {}
func (*Analyze) statement()    {}
func (*Vacuum) statement()     {}
func (*Grant) statement()      {}
func (*Other) statement()      {}
