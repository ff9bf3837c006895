package ast

// Overriding is the OVERRIDING clause of INSERT.
type Overriding uint8

// The OVERRIDING clauses.
const (
	OverridingNone Overriding = iota
	OverridingSystem
	OverridingUser
)

// Insert is INSERT INTO. Source is nil for DEFAULT VALUES. For INSERT ... VALUES, Source.Body is a
// *Values whose cells may be *Default.
type Insert struct {
	Loc
	With       *With
	Table      ObjectName
	Alias      string
	Columns    []*InsertColumn // nil: all columns in order
	Overriding Overriding
	Source     *Select
	OnConflict *OnConflict
	Returning  []*SelectItem
}

// InsertColumn is a target column.
type InsertColumn struct {
	Loc
	Name string
}

// OnConflict is ON CONFLICT.
type OnConflict struct {
	Loc
	Elems      []*IndexElem // the inferred key; nil without one
	Where      Expr         // predicate of a partial index
	Constraint string       // ON CONSTRAINT name
	DoNothing  bool
	Set        []*Assignment // DO UPDATE SET
	SetWhere   Expr
}

// Assignment is column = value, or (columns) = row with Multi: Value is then a *Row or a
// *ScalarSubquery of as many columns.
type Assignment struct {
	Loc
	Columns []string
	Multi   bool
	Value   Expr // may be *Default
}

// Update is UPDATE ... SET ... FROM ... WHERE.
type Update struct {
	Loc
	With      *With
	Table     *TableName
	Set       []*Assignment
	From      []TableRef
	Where     Expr
	Returning []*SelectItem
}

// Delete is DELETE FROM ... USING ... WHERE.
type Delete struct {
	Loc
	With      *With
	Table     *TableName
	Using     []TableRef
	Where     Expr
	Returning []*SelectItem
}

// Truncate is TRUNCATE.
type Truncate struct {
	Loc
	Names           []ObjectName
	RestartIdentity bool
	Cascade         bool
}

func (*Insert) statement()   {}
func (*Update) statement()   {}
func (*Delete) statement()   {}
func (*Truncate) statement() {}
