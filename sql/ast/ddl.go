package ast

// Option is name = value in WITH (...), COPY, EXPLAIN and the like. Name is the dotted path as one
// string, in lower case unless quoted: properties.bootstrap.server.
type Option struct {
	Loc
	Name string
	// Value is nil (a bare name), a *Literal, a *ColumnRef for a bare word (FORMAT csv) or star, or a
	// *Row for a list (FORCE_NULL (a, b)).
	Value Expr
}

// Text is the option's value as a string: of a word, a string, a number or a Boolean. ok is false for
// a missing value or a list.
func (o *Option) Text() (s string, ok bool) {
	switch v := o.Value.(type) {
	case *Literal:
		if v.Kind == LitBool {
			if v.Bool {
				return "true", true
			}
			return "false", true
		}
		return v.Text, v.Kind != LitNull
	case *ColumnRef:
		if !v.Star && len(v.Parts) == 1 {
			return v.Parts[0], true
		}
	}
	return "", false
}

// ConstraintKind is the kind of a Constraint.
type ConstraintKind uint8

// The kinds of constraints.
const (
	ConstraintNotNull ConstraintKind = iota
	ConstraintNull
	ConstraintDefault
	ConstraintCheck
	ConstraintPrimaryKey
	ConstraintUnique
	ConstraintReferences // REFERENCES on a column, FOREIGN KEY on a table
	ConstraintIdentity   // GENERATED ... AS IDENTITY
	ConstraintGenerated  // GENERATED ALWAYS AS (expr) STORED
	ConstraintExclude    // EXCLUDE: recognised only
)

// Constraint belongs to a column or to a table.
type Constraint struct {
	Loc
	Name             string
	Kind             ConstraintKind
	Expr             Expr     // DEFAULT, CHECK, GENERATED AS (expr)
	Columns          []string // key columns of a table constraint
	NullsNotDistinct bool
	Always           bool // GENERATED ALWAYS AS IDENTITY, not BY DEFAULT
	Sequence         []*Option
	RefTable         ObjectName
	RefColumns       []string
	OnDelete         string // "", "NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"
	OnUpdate         string
	Match            string // "", "FULL", "PARTIAL", "SIMPLE"
	Deferrable       bool
	Deferred         bool
	NotValid         bool
	NoInherit        bool
	UsingIndex       string // ADD CONSTRAINT ... PRIMARY KEY USING INDEX name
}

// ColumnDef is a column of CREATE TABLE or CREATE STREAM, or of a function's record type.
type ColumnDef struct {
	Loc
	Name        string
	Type        *TypeName // nil where a column may be named only (CREATE TABLE t (a) AS ...)
	Constraints []*Constraint
	Collate     *ObjectName
	Path        string // FROM 'a.b.c': where the field lies in the decoded record
	HasPath     bool
}

// Watermark is WATERMARK FOR Column AS Expr.
type Watermark struct {
	Loc
	Column string
	Expr   Expr
}

// LikeClause is LIKE table INCLUDING ... inside CREATE TABLE.
type LikeClause struct {
	Loc
	Table     ObjectName
	Including []string // "DEFAULTS", "ALL", ...
	Excluding []string
}

// Include is INCLUDE KEY | PARTITION | OFFSET | TIMESTAMP | HEADERS ... AS Alias: a column filled from
// what travels beside the record.
type Include struct {
	Loc
	What  string // lower case: "key", "partition", "offset", "timestamp", "headers", "payload"
	Field string // INCLUDE HEADERS 'name'
	Alias string
	Type  *TypeName
}

// Format is FORMAT f ENCODE e (options), both words in upper case.
type Format struct {
	Loc
	Format  string // PLAIN, UPSERT, DEBEZIUM
	Encode  string // JSON, AVRO, PROTOBUF, CSV, BYTES
	Options []*Option
	Key     string // KEY ENCODE k
	KeyOpts []*Option
}

// RelationDef is what CREATE TABLE and CREATE STREAM share.
type RelationDef struct {
	Name        ObjectName
	IfNotExists bool
	Columns     []*ColumnDef
	Constraints []*Constraint
	Watermarks  []*Watermark
	Likes       []*LikeClause
	Includes    []*Include
	Options     []*Option
	Format      *Format
	AppendOnly  bool
}

// CreateTable is CREATE TABLE, also CREATE TABLE ... AS.
type CreateTable struct {
	Loc
	RelationDef
	Temp     bool
	Unlogged bool
	Inherits []ObjectName
	OnCommit string    // "", "DROP", "DELETE ROWS", "PRESERVE ROWS"
	As       Statement // *Select or *Execute of CREATE TABLE AS; nil otherwise
	NoData   bool
}

// CreateStream is CREATE STREAM, or CREATE SOURCE with Source.
type CreateStream struct {
	Loc
	RelationDef
	OrReplace bool
	Source    bool
}

// CreateView is CREATE VIEW.
type CreateView struct {
	Loc
	OrReplace   bool
	Temp        bool
	Recursive   bool
	Name        ObjectName
	Columns     []string
	Options     []*Option
	Query       *Select
	CheckOption string // "", "LOCAL" or "CASCADED"
}

// EmitMode is the EMIT clause.
type EmitMode uint8

// The EMIT clauses. EMIT CHANGES says what happens anyway.
const (
	EmitDefault EmitMode = iota
	EmitChanges
	EmitOnWindowClose
)

// CreateMaterializedView is CREATE MATERIALIZED VIEW.
type CreateMaterializedView struct {
	Loc
	OrReplace   bool
	IfNotExists bool
	Name        ObjectName
	Columns     []string
	Options     []*Option
	Query       *Select
	Emit        EmitMode
	NoData      bool
}

// CreateSchema is CREATE SCHEMA.
type CreateSchema struct {
	Loc
	IfNotExists   bool
	Name          string
	Authorization string
}

// CreateSink is CREATE SINK ... FROM relation, or ... AS query.
type CreateSink struct {
	Loc
	IfNotExists bool
	Name        ObjectName
	From        *ObjectName
	Query       *Select
	Options     []*Option
	Format      *Format
}

// CreateSecret is CREATE SECRET name [WITH (...)] AS value.
type CreateSecret struct {
	Loc
	IfNotExists bool
	Name        ObjectName
	Options     []*Option
	Value       Expr
}

// AlterSecret is ALTER SECRET name AS value.
type AlterSecret struct {
	Loc
	IfExists bool
	Name     ObjectName
	Value    Expr
}

// IndexElem is a key of an index or of ON CONFLICT: a column, or an expression.
type IndexElem struct {
	Loc
	Column  string // "" for an expression
	Expr    Expr
	Collate *ObjectName
	OpClass *ObjectName
	Desc    bool
	Nulls   NullsOrder
}

// CreateIndex is CREATE INDEX.
type CreateIndex struct {
	Loc
	Unique       bool
	Concurrently bool
	IfNotExists  bool
	Name         string // "" when the system has to find one
	Table        ObjectName
	Only         bool
	Method       string // "" is btree
	Elems        []*IndexElem
	Include      []string
	Options      []*Option
	Where        Expr
}

// ObjectKind is what DROP, ALTER, COMMENT and SHOW name, in upper case: "TABLE", "MATERIALIZED VIEW".
type ObjectKind string

// The kinds of objects the engine has. DROP and COMMENT also carry PostgreSQL's others ("FUNCTION",
// "TYPE", "SEQUENCE", ...) so that they can be answered.
const (
	ObjTable            ObjectKind = "TABLE"
	ObjStream           ObjectKind = "STREAM"
	ObjSource           ObjectKind = "SOURCE"
	ObjView             ObjectKind = "VIEW"
	ObjMaterializedView ObjectKind = "MATERIALIZED VIEW"
	ObjSink             ObjectKind = "SINK"
	ObjSecret           ObjectKind = "SECRET"
	ObjIndex            ObjectKind = "INDEX"
	ObjSchema           ObjectKind = "SCHEMA"
	ObjColumn           ObjectKind = "COLUMN"
	ObjConstraint       ObjectKind = "CONSTRAINT"
	ObjDatabase         ObjectKind = "DATABASE"
	ObjRole             ObjectKind = "ROLE"
	ObjSystem           ObjectKind = "SYSTEM"
)

// Drop is DROP kind names.
type Drop struct {
	Loc
	Kind         ObjectKind
	IfExists     bool
	Concurrently bool
	Names        []ObjectName
	Cascade      bool
}

func (*CreateTable) statement()            {}
func (*CreateStream) statement()           {}
func (*CreateView) statement()             {}
func (*CreateMaterializedView) statement() {}
func (*CreateSchema) statement()           {}
func (*CreateSink) statement()             {}
func (*CreateSecret) statement()           {}
func (*AlterSecret) statement()            {}
func (*CreateIndex) statement()            {}
func (*Drop) statement()                   {}
