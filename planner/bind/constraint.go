package bind

import (
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// constraint adds a constraint over the named columns.
func (c *creator) constraint(con *ast.Constraint, cols []string) error {
	switch con.Kind {
	case ast.ConstraintNotNull:
		c.rel.Columns[c.rel.Column(cols[0])].NotNull = true
	case ast.ConstraintNull:
	case ast.ConstraintDefault:
		return c.defaultValue(con, c.rel.Column(cols[0]))
	case ast.ConstraintCheck:
		return c.check(con, cols)
	case ast.ConstraintPrimaryKey:
		return c.primaryKey(con, cols)
	case ast.ConstraintUnique:
		return c.unique(con, cols)
	case ast.ConstraintIdentity:
		return c.identity(con, c.rel.Column(cols[0]))
	case ast.ConstraintReferences:
		return pgerr.Unsupported("a foreign key").
			WithHint("Leave the constraint out: a reference that is not enforced would be a promise that is not kept.").At(con.Pos())
	case ast.ConstraintGenerated:
		return pgerr.Unsupported("a generated column").
			WithHint("Compute the column in a view.").At(con.Pos())
	case ast.ConstraintExclude:
		return pgerr.Unsupported("an exclusion constraint").At(con.Pos())
	}
	return nil
}

func (c *creator) identity(con *ast.Constraint, i int) error {
	col := &c.rel.Columns[i]
	if col.Identity != 0 || col.Default != "" {
		return pgerr.Newf(pgerr.SyntaxError, `both default and identity specified for column "%s" of table "%s"`, col.Name, c.rel.Name).
			At(con.Pos())
	}
	col.Identity = 'd'
	if con.Always {
		col.Identity = 'a'
	}
	return c.sequence(i, con.Sequence)
}

// defaultValue checks and stores a DEFAULT.
func (c *creator) defaultValue(con *ast.Constraint, i int) error {
	col := &c.rel.Columns[i]
	if col.Default != "" || col.Identity != 0 {
		return pgerr.Newf(pgerr.SyntaxError, `multiple default values specified for column "%s" of table "%s"`, col.Name, c.rel.Name).
			At(con.Pos())
	}
	if err := noColumns(con.Expr, "DEFAULT expression"); err != nil {
		return err
	}
	x := exprs{b: c.b, scope: &scope{}, clause: "DEFAULT expressions"}
	e, err := x.bind(con.Expr)
	if err != nil {
		return err
	}
	if e, err = c.b.assign(e, col.Type, col.Name, con.Expr.Pos()); err != nil {
		return err
	}
	c.dependOnSequences(e)
	col.Default = defaultText(con.Expr, col.Type)
	return nil
}

// defaultText is a DEFAULT as it is stored and shown: as in PostgreSQL a string says which type it was read as.
func defaultText(e ast.Expr, t types.Type) string {
	text := parser.Deparse(e)
	if l, ok := e.(*ast.Literal); !ok || l.Kind != ast.LitString {
		return text
	}
	switch t.OID {
	case types.Int2, types.Int4, types.Int8, types.Bool:
		return text
	}
	return text + "::" + types.T(t.OID).String()
}

// dependOnSequences makes the relation depend on the sequences that a default names.
func (c *creator) dependOnSequences(e expr.Expr) {
	logical.Walk(e, func(x expr.Expr) bool {
		if k, ok := x.(*expr.Const); ok && k.Val.Type.OID == types.RegClass && !k.Val.Null {
			id := catalog.ID(k.Val.I)
			if r := c.b.env.Catalog.Relation(id); r != nil && r.Kind == catalog.Sequence && !slices.Contains(c.deps, id) {
				c.deps = append(c.deps, id)
			}
		}
		return true
	})
}

// noColumns refuses column references and subqueries.
func noColumns(e ast.Expr, what string) error {
	var err error
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ColumnRef:
			err = pgerr.Newf(pgerr.FeatureNotSupported, "cannot use column reference in %s", what).At(n.Pos())
		case *ast.Select:
			err = pgerr.Newf(pgerr.FeatureNotSupported, "cannot use subquery in %s", what).At(n.Pos())
		}
		return err == nil
	})
	return err
}

// check checks and stores a CHECK constraint.
func (c *creator) check(con *ast.Constraint, cols []string) error {
	rv := &rangeVar{name: c.rel.Name, rel: c.rel}
	for _, col := range c.rel.Columns {
		id := c.b.meta.Add(col.Name, col.Type)
		rv.cols = append(rv.cols, scopeCol{name: col.Name, e: c.b.meta.Var(id)})
	}
	var sub error
	ast.Inspect(con.Expr, func(n ast.Node) bool {
		if s, ok := n.(*ast.Select); ok {
			sub = pgerr.New(pgerr.FeatureNotSupported, "cannot use subquery in check constraint").At(s.Pos())
		}
		return sub == nil
	})
	if sub != nil {
		return sub
	}
	x := exprs{b: c.b, scope: &scope{rels: []*rangeVar{rv}, cols: rv.cols}, clause: "check constraints"}
	if _, err := x.bool(con.Expr, "argument of CHECK"); err != nil {
		return err
	}
	used := cols
	if used == nil {
		used = columnsIn(con.Expr)
	}
	name, err := c.constraintName(con, used, "check")
	if err != nil {
		return err
	}
	c.rel.Checks = append(c.rel.Checks, catalog.Check{Name: name, Expr: parser.Deparse(con.Expr)})
	return nil
}

// columnsIn lists the distinct columns an expression names: one of them goes into a constraint's name.
func columnsIn(e ast.Expr) []string {
	var out []string
	ast.Inspect(e, func(n ast.Node) bool {
		if r, ok := n.(*ast.ColumnRef); ok && !r.Star {
			if name := r.Parts[len(r.Parts)-1]; !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
		return true
	})
	return out
}

// constraintName is the name given, or table_column_suffix as PostgreSQL makes it.
func (c *creator) constraintName(con *ast.Constraint, cols []string, suffix string) (string, error) {
	if con.Name != "" {
		if c.names[con.Name] {
			return "", pgerr.Newf(pgerr.DuplicateObject, `constraint "%s" for relation "%s" already exists`, con.Name, c.rel.Name)
		}
		c.names[con.Name] = true
		return con.Name, nil
	}
	base := c.rel.Name
	switch {
	case suffix == "pkey":
	case suffix == "check" && len(cols) != 1:
	default:
		base += "_" + strings.Join(cols, "_")
	}
	name := base + "_" + suffix
	for n := 1; c.names[name]; n++ {
		name = base + "_" + suffix + strconv.Itoa(n)
	}
	c.names[name] = true
	return name, nil
}

// keyColumns finds the columns of a key.
func (c *creator) keyColumns(con *ast.Constraint, cols []string, what string) ([]int, error) {
	var out []int
	for _, n := range cols {
		i := c.rel.Column(n)
		if i < 0 {
			return nil, pgerr.Newf(pgerr.UndefinedColumn, `column "%s" named in key does not exist`, n).At(con.Pos())
		}
		if slices.Contains(out, i) {
			return nil, pgerr.Newf(pgerr.DuplicateColumn, `column "%s" appears twice in %s constraint`, n, what).At(con.Pos())
		}
		if t := c.rel.Columns[i].Type.OID; t == types.JSON {
			return nil, pgerr.Newf(pgerr.UndefinedObject, `data type %s has no default operator class for access method "btree"`, t).
				WithHint("You must specify an operator class for the index or define a default operator class for the data type.").At(con.Pos())
		}
		out = append(out, i)
	}
	return out, nil
}

func (c *creator) primaryKey(con *ast.Constraint, cols []string) error {
	if c.rel.PrimaryKey != nil {
		return pgerr.Newf(pgerr.InvalidTableDefinition, `multiple primary keys for table "%s" are not allowed`, c.rel.Name).At(con.Pos())
	}
	key, err := c.keyColumns(con, cols, "primary key")
	if err != nil {
		return err
	}
	c.rel.PrimaryKey = key
	c.rel.PKName, err = c.constraintName(con, cols, "pkey")
	return err
}

func (c *creator) unique(con *ast.Constraint, cols []string) error {
	if con.NullsNotDistinct {
		return pgerr.Unsupported("NULLS NOT DISTINCT").At(con.Pos())
	}
	key, err := c.keyColumns(con, cols, "unique")
	if err != nil {
		return err
	}
	name, err := c.constraintName(con, cols, "key")
	c.rel.Uniques = append(c.rel.Uniques, catalog.Index{Name: name, Cols: key})
	return err
}
