package ast

// LiteralKind says how a constant was written, which decides its type before any context does.
type LiteralKind uint8

// The kinds of constants.
const (
	LitNull    LiteralKind = iota
	LitBool                // Bool holds it
	LitInt                 // fits an int64: Int holds it, Text has the digits
	LitNumeric             // has a point or exponent, or does not fit an int64: Text holds it
	LitString              // of unknown type until context gives one: Text holds the decoded value
	LitBits                // B'0101' or X'1F': Text holds the digits as bits (0 and 1)
)

// Literal is a constant. A sign directly before a number belongs to it, as in PostgreSQL, so that
// -2147483648 is an int4.
type Literal struct {
	Loc
	Kind LiteralKind
	Bool bool
	Int  int64
	Text string
}

// TypedLiteral is type 'text': DATE '2026-01-01', INTERVAL '1' DAY, numeric(3,1) '1.25'.
type TypedLiteral struct {
	Loc
	Type *TypeName
	Text string
}

// ColumnRef is a column, or a whole row when Parts ends in a table's name (the binder decides).
// With Star, Parts qualifies the star: t.* has Parts {"t"}, a bare * has none.
type ColumnRef struct {
	Loc
	Parts []string
	Star  bool
}

// Param is $n.
type Param struct {
	Loc
	N int
}

// Default is the word DEFAULT where a value may stand: VALUES rows of INSERT and SET.
type Default struct{ Loc }

// FuncForm is the SQL spelling a function call was written in. It never changes which function is
// called with which arguments; the deparser uses it to write the call back as PostgreSQL does.
type FuncForm uint8

// The spellings of function calls.
const (
	FormCall      FuncForm = iota // name(args)
	FormExtract                   // extract(year from x)             -> extract('year', x)
	FormOverlay                   // overlay(x placing y from a for b) -> overlay(x, y, a, b)
	FormPosition                  // position(a in b)                 -> position(b, a)
	FormSubstring                 // substring(x from a for b)        -> substring(x, a, b)
	FormSimilar                   // substring(x similar p escape e)  -> substring(x, p, e)
	FormTrim                      // trim(both from x)                -> btrim / ltrim / rtrim(x[, chars])
	FormNormalize                 // normalize(x, nfc)                -> normalize(x, 'NFC')
	FormOverlaps                  // (a, b) OVERLAPS (c, d)           -> overlaps(a, b, c, d)
)

// FuncCall is a call of a function, aggregate or window function.
type FuncCall struct {
	Loc
	Name        []string // one to three parts; the last is the function
	Args        []Expr
	ArgNames    []string // nil, or one per argument with "" for positional ones: f(1, b => 2)
	Form        FuncForm
	Star        bool // count(*)
	Distinct    bool
	Variadic    bool // the last argument is VARIADIC
	OrderBy     []*SortItem
	WithinGroup bool // OrderBy came from WITHIN GROUP
	Filter      Expr
	Over        *WindowSpec
}

// Unary is a prefix operator applied to Arg.
type Unary struct {
	Loc
	Schema string // OPERATOR(schema.op); usually ""
	Op     string
	Arg    Expr
}

// Binary is an infix operator. != is written <>.
type Binary struct {
	Loc
	Schema string
	Op     string
	Left   Expr
	Right  Expr
}

// And is a conjunction of two or more terms; a chain of ANDs is one node.
type And struct {
	Loc
	Args []Expr
}

// Or is a disjunction of two or more terms; a chain of ORs is one node.
type Or struct {
	Loc
	Args []Expr
}

// Not is NOT Arg.
type Not struct {
	Loc
	Arg Expr
}

// IsNull is Arg IS [NOT] NULL.
type IsNull struct {
	Loc
	Arg Expr
	Not bool
}

// BoolTest is what IsBool asks for.
type BoolTest uint8

// The Boolean tests.
const (
	TestTrue BoolTest = iota
	TestFalse
	TestUnknown
)

// IsBool is Arg IS [NOT] TRUE, FALSE or UNKNOWN.
type IsBool struct {
	Loc
	Arg  Expr
	Test BoolTest
	Not  bool
}

// IsDistinct is Left IS [NOT] DISTINCT FROM Right.
type IsDistinct struct {
	Loc
	Left, Right Expr
	Not         bool
}

// Between is Arg [NOT] BETWEEN [SYMMETRIC] Low AND High.
type Between struct {
	Loc
	Arg, Low, High Expr
	Not            bool
	Symmetric      bool
}

// In is Left [NOT] IN (List) or [NOT] IN (Query).
type In struct {
	Loc
	Left  Expr
	List  []Expr
	Query *Select // instead of List
	Not   bool
}

// LikeKind is one of the pattern operators with an ESCAPE clause.
type LikeKind uint8

// The pattern operators.
const (
	KindLike LikeKind = iota
	KindILike
	KindSimilarTo
)

// Like is Left [NOT] LIKE, ILIKE or SIMILAR TO Pattern [ESCAPE Escape].
type Like struct {
	Loc
	Kind    LikeKind
	Left    Expr
	Pattern Expr
	Escape  Expr // nil: backslash
	Not     bool
}

// Quantified is Left op ANY/ALL (Array) or (Query). Op is an operator, or "LIKE", "ILIKE", "NOT LIKE"
// and "NOT ILIKE". SOME is ANY.
type Quantified struct {
	Loc
	Schema string
	Op     string
	All    bool
	Left   Expr
	Array  Expr
	Query  *Select // instead of Array
}

// Exists is EXISTS (Query).
type Exists struct {
	Loc
	Query *Select
}

// ScalarSubquery is (Query) where a value is expected.
type ScalarSubquery struct {
	Loc
	Query *Select
}

// ArraySubquery is ARRAY(Query).
type ArraySubquery struct {
	Loc
	Query *Select
}

// Array is ARRAY[Elems].
type Array struct {
	Loc
	Elems []Expr
}

// Row is ROW(Args) or (a, b).
type Row struct {
	Loc
	Args     []Expr
	Explicit bool // written with the word ROW
}

// Index is one bracket of a Subscript: [Upper], or [Lower:Upper] with Slice, where either may be nil.
type Index struct {
	Slice        bool
	Lower, Upper Expr
}

// Subscript is Arg[i][j]...; consecutive brackets are one node.
type Subscript struct {
	Loc
	Arg     Expr
	Indexes []Index
}

// Field is (Arg).Name, or (Arg).* with Star.
type Field struct {
	Loc
	Arg  Expr
	Name string
	Star bool
}

// Cast is Arg::Type or CAST(Arg AS Type).
type Cast struct {
	Loc
	Arg  Expr
	Type *TypeName
}

// Collate is Arg COLLATE Name.
type Collate struct {
	Loc
	Arg  Expr
	Name ObjectName
}

// AtTimeZone is Arg AT TIME ZONE Zone: PostgreSQL's timezone(Zone, Arg).
type AtTimeZone struct {
	Loc
	Arg, Zone Expr
}

// When is one arm of a Case.
type When struct {
	Loc
	Cond   Expr
	Result Expr
}

// Case is CASE [Arg] WHEN ... [ELSE Else] END.
type Case struct {
	Loc
	Arg   Expr // nil in a searched CASE
	Whens []*When
	Else  Expr // nil: NULL
}

// Coalesce is COALESCE(Args).
type Coalesce struct {
	Loc
	Args []Expr
}

// NullIf is NULLIF(Left, Right).
type NullIf struct {
	Loc
	Left, Right Expr
}

// MinMax is GREATEST(Args), or LEAST(Args) with Least.
type MinMax struct {
	Loc
	Least bool
	Args  []Expr
}

// Niladic is a function that SQL writes without parentheses: Name is current_date, current_time,
// current_timestamp, localtime, localtimestamp, current_user, session_user, user, current_role,
// current_catalog or current_schema.
type Niladic struct {
	Loc
	Name      string
	Precision int // of current_timestamp(3); -1 if not given
}

// GroupingKind is how a GroupingSet was written.
type GroupingKind uint8

// The grouping sets.
const (
	GroupEmpty  GroupingKind = iota // ()
	GroupRollup                     // ROLLUP (a, b)
	GroupCube                       // CUBE (a, b)
	GroupSets                       // GROUPING SETS (a, (a, b), ())
)

// GroupingSet stands in GROUP BY only.
type GroupingSet struct {
	Loc
	Kind GroupingKind
	Args []Expr // a *Row is a list of columns taken together
}

// Grouping is GROUPING(Args).
type Grouping struct {
	Loc
	Args []Expr
}

func (*Literal) expr()        {}
func (*TypedLiteral) expr()   {}
func (*ColumnRef) expr()      {}
func (*Param) expr()          {}
func (*Default) expr()        {}
func (*FuncCall) expr()       {}
func (*Unary) expr()          {}
func (*Binary) expr()         {}
func (*And) expr()            {}
func (*Or) expr()             {}
func (*Not) expr()            {}
func (*IsNull) expr()         {}
func (*IsBool) expr()         {}
func (*IsDistinct) expr()     {}
func (*Between) expr()        {}
func (*In) expr()             {}
func (*Like) expr()           {}
func (*Quantified) expr()     {}
func (*Exists) expr()         {}
func (*ScalarSubquery) expr() {}
func (*ArraySubquery) expr()  {}
func (*Array) expr()          {}
func (*Row) expr()            {}
func (*Subscript) expr()      {}
func (*Field) expr()          {}
func (*Cast) expr()           {}
func (*Collate) expr()        {}
func (*AtTimeZone) expr()     {}
func (*Case) expr()           {}
func (*Coalesce) expr()       {}
func (*NullIf) expr()         {}
func (*MinMax) expr()         {}
func (*Niladic) expr()        {}
func (*GroupingSet) expr()    {}
func (*Grouping) expr()       {}
