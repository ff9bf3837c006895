package physical

import (
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// DDL is a bound statement that changes the catalog. It was bound against one snapshot; the engine applies it to the
// newest one and checks again what may have changed (name taken, dependency gone). New objects have ID 0: the engine
// gives them ids, and refers to owned sequences by position.
type DDL interface{ ddl() }

// CreateRelation makes a stream, table, view, materialized view or sequence.
type CreateRelation struct {
	Rel         *catalog.Relation
	Sequences   []*catalog.Relation // owned by Rel's serial/identity columns, in column order
	View        *View               // materialized view: its dataflow
	Query       *Query              // CREATE TABLE AS: rows to insert; materialized view WITH NO DATA never has one
	IfNotExists bool
	Replace     bool // OR REPLACE
}

// Drop removes relations (dependents already included where CASCADE asked for it, in dependency order, dependents
// first), schemas and the secrets in these.
type Drop struct {
	Relations []catalog.ID
	Schemas   []catalog.ID
	Secrets   []catalog.ID
	Cascaded  []string // names for the NOTICE "drop cascades to ..."
}

// CreateSchema makes a schema.
type CreateSchema struct {
	Name        string
	IfNotExists bool
}

// AlterRelation replaces the definition of a relation by Rel (same ID): rename, comment, options, column changes that
// need no rewrite.
type AlterRelation struct {
	Rel *catalog.Relation
	// Restart: its source begins anew at once, whatever became of it.
	Restart bool
}

// RewriteTable replaces table Old by Rel, which has its name (ID 0), with the rows that Query makes of the old ones.
type RewriteTable struct {
	Old    catalog.ID
	Rel    *catalog.Relation
	Query  *Query
	Checks []RowCheck
}

// AlterSchema replaces a schema's entry.
type AlterSchema struct{ Schema *catalog.Schema }

// PutRole creates (ID 0) or replaces a role.
type PutRole struct{ Role *catalog.Role }

// DropRole removes a role.
type DropRole struct{ ID catalog.ID }

// CreateSecret makes a secret (ID 0), or replaces the value of one.
type CreateSecret struct {
	Secret      *catalog.Secret
	IfNotExists bool
}

// DropSecrets removes secrets.
type DropSecrets struct{ IDs []catalog.ID }

// ReplayErrors reads the bad records of a connector's relation again. Where, over the columns of ErrorColumns, says which;
// nil: all.
type ReplayErrors struct {
	Rel   catalog.ID
	Where expr.Expr
}

// Truncate empties streams and tables.
type Truncate struct {
	Relations       []catalog.ID
	RestartIdentity bool
}

// Rebuild discards a materialized view's state and fills it again.
type Rebuild struct{ View catalog.ID }

func (*CreateRelation) ddl() {}
func (*Drop) ddl()           {}
func (*CreateSchema) ddl()   {}
func (*AlterRelation) ddl()  {}
func (*RewriteTable) ddl()   {}
func (*AlterSchema) ddl()    {}
func (*PutRole) ddl()        {}
func (*DropRole) ddl()       {}
func (*CreateSecret) ddl()   {}
func (*DropSecrets) ddl()    {}
func (*ReplayErrors) ddl()   {}
func (*Truncate) ddl()       {}
func (*Rebuild) ddl()        {}

// ErrorColumns are what an error row of a connector's relation can be chosen by, in the order of the engine's batch.
var ErrorColumns = []Field{
	{"sqlstate", types.T(types.Text)}, {"message", types.T(types.Text)}, {"data", types.T(types.Text)},
	{"topic", types.T(types.Text)}, {"partition", types.T(types.Int4)}, {"record_offset", types.T(types.Int8)},
	{"record_key", types.T(types.Text)},
}
