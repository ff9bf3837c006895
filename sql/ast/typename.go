package ast

// TypeName is a type as written, with SQL's spellings resolved to PostgreSQL's own names: int is int4,
// character varying is varchar, timestamp with time zone is timestamptz, char is bpchar(1), decimal is
// numeric, float(10) is float4, and so on. The quoted "char" keeps that name.
type TypeName struct {
	Loc
	Schema  string // "" when the search path decides
	Name    string
	TypMods []int  // numeric(10,2): {10, 2}
	Fields  string // interval day to second: "DAY TO SECOND"
	// Dims has one entry for each [] or [n]; -1 without a number. PostgreSQL treats int[], int[3]
	// and int[][] alike.
	Dims  []int
	SetOf bool
}

// IsArray reports whether the type is an array of Name.
func (t *TypeName) IsArray() bool { return len(t.Dims) > 0 }
