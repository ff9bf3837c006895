// Package ast is the tree of a parsed statement: PostgreSQL's language, Millrace's own Go types.
//
//	SQL text -> parser.Parse -> ast.Statement -> planner/bind
//	                              |
//	                              +-> parser.Deparse -> SQL text (pg_get_viewdef, EXPLAIN, stored defaults)
//
// One file holds one noun: expr.go (scalar expressions), select.go (queries), table.go (what may stand
// in FROM), dml.go, ddl.go, alter.go, typename.go, session.go (settings, transactions, cursors, COPY)
// and utility.go (statements that are recognised so that they can be answered). walk.go visits them all.
//
// Invariants:
//
//   - The tree says what was written, not what it means: nothing is resolved, no type is inferred,
//     ordinals in ORDER BY and GROUP BY are integer literals, defaults that depend on nothing but the
//     syntax (ASC, INNER) are filled in.
//   - Identifiers are already folded: a Go string here compares with == to a catalog name.
//   - Every node knows where it came from: Pos is the 0-based byte offset in the text given to the
//     parser. Operators point at the operator, as PostgreSQL's caret does. Trees that differ only in
//     positions are the same tree.
//   - A tree is immutable once the parser has returned it, so prepared statements share one.
//
// What does not belong here: name lookup, types with OIDs (sql/types), anything of the TiDB parser.
package ast

// Node is any part of a tree.
type Node interface {
	// Pos is the 0-based byte offset of the node in the source text.
	Pos() int
}

// Loc is a source position; every node embeds one.
type Loc int

// Pos returns the 0-based byte offset.
func (l Loc) Pos() int { return int(l) }

// Statement is what a client can send and what Stmt.Node holds.
type Statement interface {
	Node
	statement()
}

// Expr is a scalar expression.
type Expr interface {
	Node
	expr()
}

// Query is what yields rows inside a Select: *SelectCore, *SetOp, *Values, or a nested *Select that
// carries its own WITH, ORDER BY or LIMIT.
type Query interface {
	Node
	query()
}

// TableRef is an item of FROM.
type TableRef interface {
	Node
	tableRef()
}

// ObjectName is a possibly qualified name of a relation, schema member or role.
type ObjectName struct {
	Loc
	Catalog string // database, rarely given
	Schema  string // "" when the search path decides
	Name    string
}

// String is the name as it appears in messages: unquoted, dotted.
func (n ObjectName) String() string {
	switch {
	case n.Catalog != "":
		return n.Catalog + "." + n.Schema + "." + n.Name
	case n.Schema != "":
		return n.Schema + "." + n.Name
	}
	return n.Name
}
