package ast

// AlterKind is the form of an AlterAction.
type AlterKind uint8

// The forms of ALTER.
const (
	AlterRename           AlterKind = iota // RENAME TO NewName
	AlterSetSchema                         // SET SCHEMA NewName
	AlterOwner                             // OWNER TO NewName
	AlterRenameColumn                      // RENAME COLUMN Name TO NewName
	AlterRenameConstraint                  // RENAME CONSTRAINT Name TO NewName
	AlterAddColumn                         // ADD COLUMN Column
	AlterDropColumn                        // DROP COLUMN Name
	AlterColumnType                        // ALTER COLUMN Name TYPE Type [USING Expr]
	AlterColumnDefault                     // ALTER COLUMN Name SET DEFAULT Expr; DROP DEFAULT has no Expr
	AlterColumnSetNotNull                  // ALTER COLUMN Name SET NOT NULL
	AlterColumnDropNotNull
	AlterAddConstraint  // ADD Constraint
	AlterDropConstraint // DROP CONSTRAINT Name
	AlterSetOptions     // SET (Options)
	AlterResetOptions   // RESET (Options)
	AlterSetParameter   // SET name = value of a view or system: Set
	AlterPause          // PAUSE a stream or table that a connector feeds
	AlterResume         // RESUME it
	AlterReplayErrors   // REPLAY ERRORS [WHERE Expr]
	AlterOther          // anything else: Text has the words
)

// AlterAction is one change; which fields count depends on Kind.
type AlterAction struct {
	Loc
	Kind        AlterKind
	Name        string
	NewName     string
	Column      *ColumnDef
	Type        *TypeName
	Expr        Expr
	Constraint  *Constraint
	Options     []*Option
	Set         *Set
	IfExists    bool
	IfNotExists bool
	Cascade     bool
	Text        string
}

// Alter is ALTER kind name actions, for relations, schemas, indexes and the system.
type Alter struct {
	Loc
	Kind     ObjectKind
	IfExists bool
	Only     bool
	Name     ObjectName
	Actions  []*AlterAction
}

// RoleOption is an option of CREATE or ALTER ROLE: Name in upper case ("PASSWORD", "LOGIN",
// "NOSUPERUSER", "CONNECTION LIMIT", "VALID UNTIL"), Value when it has one. PASSWORD NULL has a
// LitNull.
type RoleOption struct {
	Loc
	Name  string
	Value *Literal
}

// CreateRole is CREATE ROLE, USER or GROUP.
type CreateRole struct {
	Loc
	Kind    string // "ROLE", "USER" or "GROUP"
	Name    string
	Options []*RoleOption
}

// AlterRole is ALTER ROLE or USER: options, a setting (Set or Reset), or a rename.
type AlterRole struct {
	Loc
	Kind    string
	Name    string // "ALL" roles when All
	All     bool
	Options []*RoleOption
	Set     *Set
	Reset   *Reset
	NewName string
}

func (*Alter) statement()      {}
func (*CreateRole) statement() {}
func (*AlterRole) statement()  {}
