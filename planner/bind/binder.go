package bind

import (
	"slices"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// Env is what a statement is planned against.
type Env struct {
	Catalog    *catalog.Snapshot
	SearchPath []string
	User       string
	// Funcs folds constants and knows the session's time zone; nil folds nothing that depends on a session.
	Funcs *funcs.Ctx
	// ParamTypes are the types the client gave for parameters; 0 (and what is missing) is inferred.
	ParamTypes []types.OID
	Connectors Connectors // nil: options are not checked
}

// Connectors checks a stream, table or sink, with its secrets revealed, against the connector that its options name.
type Connectors interface {
	Validate(rel *catalog.Relation) error
	ValidateSink(rel *catalog.Relation) error
}

// Notice is a NOTICE or WARNING for the client.
type Notice struct{ Severity, Code, Message string }

// maxDepth bounds the nesting of queries, so that bad input cannot exhaust the stack.
const maxDepth = 200

// Binder is the state of binding one statement.
type Binder struct {
	env     *Env
	meta    *logical.Meta
	params  params
	notices []Notice
	reads   []catalog.ID // relations scanned, each once
	depth   int
	nextRec int          // ids of recursive CTEs
	views   []catalog.ID // plain views being expanded, outermost first
	// names collects how to qualify the text of a view's definition; nil when no view is being made.
	names *qualifier
	// depends are the relations that the text of a view names; a plain view stands for what it reads.
	depends []catalog.ID
}

// New returns the binder for one statement.
func New(env *Env) *Binder {
	b := &Binder{env: env, meta: &logical.Meta{}}
	b.params.given(env.ParamTypes)
	return b
}

// Meta is the columns of the statement.
func (b *Binder) Meta() *logical.Meta { return b.meta }

// Reads lists the relations that the statement scans.
func (b *Binder) Reads() []catalog.ID { return b.reads }

// Notices lists what the client should be told.
func (b *Binder) Notices() []Notice { return b.notices }

func (b *Binder) notice(code, format string, args ...any) {
	b.notices = append(b.notices, Notice{"NOTICE", code, pgerr.Newf(code, format, args...).Message})
}

func (b *Binder) addRead(id catalog.ID) {
	if !slices.Contains(b.reads, id) {
		b.reads = append(b.reads, id)
	}
}

func (b *Binder) addDepend(id catalog.ID) {
	if !slices.Contains(b.depends, id) {
		b.depends = append(b.depends, id)
	}
}

// typesEnv is the session's settings for reading literals.
func (b *Binder) typesEnv() *types.Env {
	if b.env.Funcs == nil {
		return nil
	}
	return b.env.Funcs.Env
}

// enter counts the nesting of queries; leave with b.depth--.
func (b *Binder) enter() error {
	if b.depth++; b.depth > maxDepth {
		return pgerr.New(pgerr.StatementTooComplex, "stack depth limit exceeded").
			WithHint("The statement nests too many queries.")
	}
	return nil
}

// Relation finds the relation an ast name means, with PostgreSQL's errors.
func (b *Binder) Relation(n ast.ObjectName) (*catalog.Relation, error) {
	r, err := b.findRelation(n)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, pgerr.Newf(pgerr.UndefinedTable, `relation "%s" does not exist`, n).At(n.Pos())
	}
	return r, nil
}

// findRelation is Relation that answers nil for a name that is not taken. A missing schema is an error.
func (b *Binder) findRelation(n ast.ObjectName) (*catalog.Relation, error) {
	if err := checkDatabase(n); err != nil {
		return nil, err
	}
	if n.Schema == "" {
		return b.env.Catalog.Resolve(b.env.SearchPath, n.Name), nil
	}
	sc := b.env.Catalog.Schema(n.Schema)
	if sc == nil {
		return nil, nil
	}
	return b.env.Catalog.Lookup(sc.ID, n.Name), nil
}

// databaseName is the one database there is.
const databaseName = "millrace"

func checkDatabase(n ast.ObjectName) error {
	if n.Catalog != "" && n.Catalog != databaseName {
		return pgerr.Newf(pgerr.FeatureNotSupported, "cross-database references are not implemented: \"%s\"", n).At(n.Pos())
	}
	return nil
}

// targetSchema is the schema that a new object of that name goes to.
func (b *Binder) targetSchema(n ast.ObjectName) (*catalog.Schema, error) {
	if err := checkDatabase(n); err != nil {
		return nil, err
	}
	cat := b.env.Catalog
	if n.Schema != "" {
		sc := cat.Schema(n.Schema)
		if sc == nil {
			return nil, pgerr.Newf(pgerr.InvalidSchemaName, `schema "%s" does not exist`, n.Schema).At(n.Pos())
		}
		if cat.IsSystemSchema(sc.ID) {
			return nil, pgerr.Newf(pgerr.InsufficientPrivilege, `permission denied to create "%s.%s"`, n.Schema, n.Name).
				WithDetail("System catalog modifications are currently disallowed.")
		}
		return sc, nil
	}
	for _, name := range b.env.SearchPath {
		if sc := cat.Schema(name); sc != nil && !cat.IsSystemSchema(sc.ID) {
			return sc, nil
		}
	}
	return nil, pgerr.New(pgerr.InvalidSchemaName, "no schema has been selected to create in").At(n.Pos())
}

// at gives err a position if it has none.
func at(err error, pos int) error {
	if err == nil {
		return nil
	}
	e := *pgerr.Of(err)
	return e.At(pos)
}
