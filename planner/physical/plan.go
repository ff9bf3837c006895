package physical

import (
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
)

// Statement is what the planner makes of one statement: a *Query, *Insert, *Update, *Delete, *CopyPlan, *ExplainPlan,
// or a DDL.
type Statement interface{ statement() }

// CopyPlan is COPY rel (columns) FROM. The session decodes lines into columns Cols of the relation, in that order; the
// other columns get their Defaults.
type CopyPlan struct {
	Rel    catalog.ID
	Cols   []int
	Fields []Field // of Cols
	// Defaults has an expression over no input for every column of the relation, nil for those in Cols. A column
	// without a default has a null constant.
	Defaults []expr.Expr
	Checks   []RowCheck
	Where    expr.Expr // over all columns of the relation; may be nil
}

// ExplainPlan is EXPLAIN: the lines to answer, or with Analyze the statement to run first.
type ExplainPlan struct {
	Lines   []string
	Analyze bool
	Stmt    Statement
}

func (*Query) statement()       {}
func (*Insert) statement()      {}
func (*Update) statement()      {}
func (*Delete) statement()      {}
func (*CopyPlan) statement()    {}
func (*ExplainPlan) statement() {}

func (*CreateRelation) statement() {}
func (*Drop) statement()           {}
func (*CreateSchema) statement()   {}
func (*AlterRelation) statement()  {}
func (*CreateSecret) statement()   {}
func (*DropSecrets) statement()    {}
func (*ReplayErrors) statement()   {}
func (*RewriteTable) statement()   {}
func (*AlterSchema) statement()    {}
func (*PutRole) statement()        {}
func (*DropRole) statement()       {}
func (*Truncate) statement()       {}
func (*Rebuild) statement()        {}
