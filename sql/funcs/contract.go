package funcs

import (
	"context"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Ctx is what evaluating an expression needs beside its rows. One goroutine uses it at a time.
type Ctx struct {
	Context context.Context // cancels long evaluation; never nil
	Env     *types.Env      // time zone and formats of text conversion
	Now     int64           // statement/epoch clock, microseconds since 2000-01-01 UTC
	TxnNow  int64           // transaction start, what now() answers ad hoc

	Params []vec.Scalar // $1.. of the running statement
	Outer  []vec.Scalar // outer columns of a correlated subquery (expr.Outer)

	// Subquery runs subplan id of the running query with the given outer values; nil in dataflows.
	Subquery func(id int, outer []vec.Scalar) (*vec.Batch, error)
	// Full takes the rows that a set-returning function has made so far, and empties out; nil: it makes them all at once.
	Full func(out *vec.Batch) error
	// Sys answers what depends on the session, the catalog or sequences; nil in dataflows.
	Sys Sys

	// Errors are the rows that could not be computed, at most one a row: the first.
	// The evaluator's caller decides: an ad hoc query raises the first, a dataflow makes error rows (D9).
	Errors []RowError
	bad    vec.Bitmap
}

// RowError says that a row of the evaluated batch failed.
type RowError struct {
	Row int32
	Err *pgerr.Error
}

// Fail records that row could not be computed. The kernel goes on with the next row; the row's result is null.
func (c *Ctx) Fail(row int32, err *pgerr.Error) {
	for len(c.bad) <= int(row>>6) {
		c.bad = append(c.bad, 0)
	}
	if c.bad.Get(int(row)) {
		return
	}
	c.bad.Set(int(row))
	c.Errors = append(c.Errors, RowError{row, err})
}

// Failed reports whether row has failed since the last Clear.
func (c *Ctx) Failed(row int32) bool { return len(c.Errors) > 0 && c.bad.Get(int(row)) }

// Clear forgets recorded errors, before the next batch.
func (c *Ctx) Clear() {
	if len(c.Errors) > 0 {
		c.Errors = c.Errors[:0]
		clear(c.bad)
	}
}

// Fork returns a context for evaluating other rows on behalf of this one's: the same but without errors.
func (c *Ctx) Fork() *Ctx {
	s := *c
	s.Errors, s.bad = nil, nil
	return &s
}

// Sys is the world outside the rows, as functions see it: session state, catalog, sequences, other sessions.
// server/session implements it.
type Sys interface {
	User() string
	Database() string
	BackendPID() int32
	SearchPath(implicit bool) []string
	Setting(name string) (value string, ok bool)
	SetSetting(name, value string, local bool) error

	NextVal(seq types.OID) (int64, error)
	CurrVal(seq types.OID) (int64, error)
	SetVal(seq types.OID, v int64, called bool) error

	// RegIn resolves a name to the oid of a reg* type (regclass, regtype, regproc, regnamespace, regrole ...);
	// RegOut is its inverse, the name as PostgreSQL prints it in this search path.
	RegIn(kind types.OID, name string) (int64, error)
	RegOut(kind types.OID, oid int64) string

	// Catalog answers one of PostgreSQL's catalog information functions (pg_get_viewdef, pg_get_indexdef,
	// pg_table_is_visible, obj_description, pg_relation_size, has_table_privilege, ...) by name.
	Catalog(fn string, args []vec.Scalar) (vec.Scalar, error)

	CancelBackend(pid int32, terminate bool) (bool, error)
}

// Kernel computes a function over columns. args and out have the same number of rows n = rows; sel lists the
// rows to compute (ascending), nil means all. out.Type is set; for I64 and F64 classes it is already of length
// n and zero; for the Bytes class it is empty and the kernel appends exactly n values (an empty one for each
// row not selected). For a strict function the rows with a null argument are already taken out of sel and
// marked null in out by the caller. A row that fails is given to ctx.Fail.
type Kernel func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec)

// Volatility is PostgreSQL's provolatile, except that what depends on nothing but the session's time zone (casts of
// timestamptz to text, date_trunc, extract) counts as immutable: a dataflow computes it in UTC.
type Volatility byte

const (
	Immutable Volatility = 'i' // may be folded, may be kept in a view
	Stable    Volatility = 's' // one result a statement; not in views (except what the planner rewrites)
	Volatile  Volatility = 'v' // settled before the log (DML), evaluated per row ad hoc; not in views
)

// Func is one row of the function table: a function, operator or cast with one signature.
type Func struct {
	Name     string      // function name, or the operator's symbol, or "cast" names as Casts has them
	Kind     FuncKind    // what namespace Name lives in
	Args     []types.OID // argument types; may be pseudo-types (AnyElement, AnyArray, Any)
	Variadic bool        // the last argument repeats
	Ret      types.OID   // result type; a pseudo-type is resolved from the arguments
	Vol      Volatility
	Lax      bool // called with nulls too (default: strict)
	CanFail  bool // may call ctx.Fail: never moved past a filter, CASE arm or join, never evaluated speculatively
	Kernel   Kernel
	OID      types.OID // pg_proc/pg_operator oid: PostgreSQL's where it exists, else from 16384-below private range
	Doc      string    // one sentence
	Example  string    // `upper('abc') → ABC`, run by a test
	Section  string    // heading in docs/functions.md
	// RetMod gives the typmod of the result where it depends on constants (numeric(10,2) casts); may be nil.
	RetMod func(args []types.Type) int32
}

// FuncKind tells functions, binary and prefix operators, and casts apart.
type FuncKind byte

const (
	Function FuncKind = 'f'
	Operator FuncKind = 'b'
	Prefix   FuncKind = 'l'
	CastFunc FuncKind = 'c'
)

// Aggregate is one row of the aggregate table.
type Aggregate struct {
	Name string
	Args []types.OID
	Ret  types.OID
	// New returns an accumulator for groups of rows with these argument types. retract says whether rows may be
	// taken away again; an aggregate whose accumulator cannot (min, max) is then kept in ordered state by the
	// operator, which asks MinMax. New returns nil if it is asked for a retraction it cannot do; the operator then
	// keeps the rows of each group itself and computes the aggregate anew (array_agg, string_agg).
	New func(args []types.Type, retract bool) Accumulator
	// MinMax is -1 for min, +1 for max, 0 otherwise.
	MinMax int
	// Collect marks aggregates whose result depends on the order of their input (array_agg, string_agg).
	Collect bool
	OID     types.OID
	Doc     string
	Example string
}

// TakesBack reports whether the aggregate can forget a row: by its accumulator, or MIN and MAX by their ordered state.
func (a *Aggregate) TakesBack() bool {
	args := make([]types.Type, len(a.Args))
	for i, t := range a.Args {
		args[i] = types.T(t)
	}
	return a.MinMax != 0 || a.New(args, true) != nil
}

// Accumulator holds the states of one aggregate for groups 0..n-1, in columns. It lives for one step or one query:
// the operator loads the touched groups, updates them batch by batch, appends them to state and asks results.
// Nothing in it is per-row boxed.
type Accumulator interface {
	// Reset empties it and makes room for n groups, all in the initial state.
	Reset(n int)
	// Grow makes room for n groups; new ones are in the initial state.
	Grow(n int)
	// Width is the size in bytes of an encoded state, or -1 if it varies.
	Width() int
	// Load sets group g from an encoded state at the front of b and returns the rest of b.
	Load(g int, b []byte) []byte
	// Append appends the encoded state of group g to dst.
	Append(dst []byte, g int) []byte
	// Update adds rows sel of args (nil: all n) to groups[row] with weights w (nil: all +1). Rows with a null
	// argument are skipped where SQL says so. It may call ctx.Fail(row).
	Update(ctx *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32)
	// Result appends the values of groups [0, n) to out. A group whose value cannot be computed (overflow) gets a
	// null and ctx.Fail(group).
	Result(ctx *Ctx, n int, out *vec.Vec)
}
