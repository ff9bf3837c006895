package bind

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

// CreateSchema binds CREATE SCHEMA.
func (b *Binder) CreateSchema(stmt *ast.CreateSchema) (physical.DDL, error) {
	name := stmt.Name
	if name == "" {
		name = stmt.Authorization
	}
	if strings.HasPrefix(name, "pg_") {
		return nil, pgerr.Newf(pgerr.ReservedName, `unacceptable schema name "%s"`, name).
			WithDetail(`The prefix "pg_" is reserved for system schemas.`).At(stmt.Pos())
	}
	return &physical.CreateSchema{Name: name, IfNotExists: stmt.IfNotExists}, nil
}

// Alter binds ALTER of a relation or schema. It returns a Reshape instead where rows must be made anew.
func (b *Binder) Alter(stmt *ast.Alter) (physical.DDL, *Reshape, error) {
	if stmt.Kind == ast.ObjSchema {
		d, err := b.alterSchema(stmt)
		return d, nil, err
	}
	old, err := b.altered(stmt)
	if err != nil || old == nil {
		return nil, nil, err
	}
	if slices.ContainsFunc(stmt.Actions, func(a *ast.AlterAction) bool { return reshapes(a.Kind) }) {
		r, err := b.reshape(old, stmt)
		return nil, r, err
	}
	rel := old.Clone()
	out := &physical.AlterRelation{Rel: rel}
	for _, act := range stmt.Actions {
		if isControl(act.Kind) && (rel.Writable() || rel.Kind == catalog.Sink) {
			err = b.control(rel, act)
			out.Restart = true
		} else {
			err = b.alterRelation(rel, act)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return out, nil, nil
}

// altered finds the relation that an ALTER names; nil if there is none and need not be.
func (b *Binder) altered(stmt *ast.Alter) (*catalog.Relation, error) {
	want, ok := relationKinds[stmt.Kind]
	if !ok {
		return nil, pgerr.Unsupported("ALTER " + string(stmt.Kind)).At(stmt.Pos())
	}
	rel, err := b.namedRelation("relation", stmt.Name, stmt.IfExists)
	if err != nil || rel == nil {
		return nil, err
	}
	// ALTER TABLE is accepted for every relation, as in PostgreSQL; ALTER SOURCE for whatever a connector feeds.
	if rel.Kind != want && stmt.Kind != ast.ObjTable && !(stmt.Kind == ast.ObjSource && rel.Connector != "") {
		return nil, wrongKind(rel, want, "")
	}
	return rel, nil
}

// alterRelation applies one action to rel, a copy.
func (b *Binder) alterRelation(rel *catalog.Relation, act *ast.AlterAction) error {
	switch act.Kind {
	case ast.AlterRename:
		if err := b.noDependents(rel, "rename", act.Pos()); err != nil {
			return err
		}
		return b.rename(rel, rel.Schema, act.NewName)
	case ast.AlterSetSchema:
		sc, err := b.targetSchema(ast.ObjectName{Loc: act.Loc, Schema: act.NewName, Name: rel.Name})
		if err != nil {
			return err
		}
		if err := b.noDependents(rel, "move", act.Pos()); err != nil {
			return err
		}
		return b.rename(rel, sc.ID, rel.Name)
	case ast.AlterOwner:
		role := b.env.Catalog.Role(b.ownerName(act.NewName))
		if role == nil {
			return errNoRole(act.NewName)
		}
		rel.Owner = role.ID
		return nil
	case ast.AlterRenameColumn:
		return b.renameColumn(rel, act)
	case ast.AlterColumnDefault:
		return b.alterDefault(rel, act)
	case ast.AlterColumnDropNotNull:
		return dropNotNull(rel, act)
	}
	return pgerr.Unsupported("this form of ALTER").
		WithHint("A relation can be renamed, moved to another schema and given another owner; its columns can be renamed and given defaults, those of a table also be added, dropped and changed.").
		At(act.Pos())
}

// ownerName resolves CURRENT_USER and its kin.
func (b *Binder) ownerName(name string) string {
	switch strings.ToLower(name) {
	case "current_user", "session_user", "current_role":
		return b.env.User
	}
	return name
}

func (b *Binder) rename(rel *catalog.Relation, schema catalog.ID, name string) error {
	if other := b.env.Catalog.Lookup(schema, name); other != nil {
		return pgerr.Newf(pgerr.DuplicateTable, `relation "%s" already exists`, name)
	}
	if rel.Sink != nil && rel.Sink.Origin == "" {
		def := *rel.Sink
		def.Origin, rel.Sink = rel.Name, &def
	}
	rel.Schema, rel.Name = schema, name
	return nil
}

// noDependents refuses to change a name that stored definitions use: they are kept as text.
func (b *Binder) noDependents(rel *catalog.Relation, verb string, pos int) error {
	deps := b.env.Catalog.Dependents(rel.ID)
	if len(deps) == 0 {
		return nil
	}
	var lines []string
	for _, d := range deps {
		lines = append(lines, b.describe(d)+" depends on "+b.describe(rel))
	}
	return pgerr.Newf(pgerr.DependentObjectsStillExist, "cannot %s %s because other objects depend on it", verb, b.describe(rel)).
		WithDetail("%s", strings.Join(lines, "\n")).
		WithHint("Definitions of views name the relations they read. Drop the views, %s it, and create them again.", verb).At(pos)
}

func (b *Binder) renameColumn(rel *catalog.Relation, act *ast.AlterAction) error {
	i := rel.Column(act.Name)
	switch {
	case i < 0:
		return pgerr.Newf(pgerr.UndefinedColumn, `column "%s" does not exist`, act.Name).At(act.Pos())
	case rel.Column(act.NewName) >= 0:
		return pgerr.Newf(pgerr.DuplicateColumn, `column "%s" of relation "%s" already exists`, act.NewName, rel.Name).At(act.Pos())
	case len(rel.Checks) > 0:
		return pgerr.Unsupported("renaming a column of a table with CHECK constraints").At(act.Pos())
	}
	if err := b.noDependents(rel, "rename a column of", act.Pos()); err != nil {
		return err
	}
	rel.Columns[i].Name = act.NewName
	return nil
}

func (b *Binder) alterDefault(rel *catalog.Relation, act *ast.AlterAction) error {
	i := rel.Column(act.Name)
	if i < 0 {
		return pgerr.Newf(pgerr.UndefinedColumn, `column "%s" of relation "%s" does not exist`, act.Name, rel.Name).At(act.Pos())
	}
	col := &rel.Columns[i]
	if col.Identity != 0 {
		return pgerr.Newf(pgerr.SyntaxError, `column "%s" of relation "%s" is an identity column`, col.Name, rel.Name).At(act.Pos())
	}
	if !rel.Writable() {
		return pgerr.Newf(pgerr.WrongObjectType, `"%s" is not a table`, rel.Name).At(act.Pos())
	}
	if col.SeqID != 0 {
		return pgerr.Unsupported("changing the default of a serial column").At(act.Pos())
	}
	col.Default = ""
	if act.Expr == nil {
		return nil
	}
	if err := noColumns(act.Expr, "DEFAULT expression"); err != nil {
		return err
	}
	x := exprs{b: b, scope: &scope{}, clause: "DEFAULT expressions"}
	e, err := x.bind(act.Expr)
	if err != nil {
		return err
	}
	if _, err := b.assign(e, col.Type, col.Name, act.Expr.Pos()); err != nil {
		return err
	}
	col.Default = defaultText(act.Expr, col.Type)
	return nil
}

func dropNotNull(rel *catalog.Relation, act *ast.AlterAction) error {
	i := rel.Column(act.Name)
	switch {
	case i < 0:
		return pgerr.Newf(pgerr.UndefinedColumn, `column "%s" of relation "%s" does not exist`, act.Name, rel.Name).At(act.Pos())
	case slices.Contains(rel.PrimaryKey, i):
		return pgerr.Newf(pgerr.InvalidTableDefinition, `column "%s" is in a primary key`, act.Name).At(act.Pos())
	case rel.Columns[i].Identity != 0:
		return pgerr.Newf(pgerr.SyntaxError, `column "%s" of relation "%s" is an identity column`, act.Name, rel.Name).At(act.Pos())
	}
	rel.Columns[i].NotNull = false
	return nil
}

func (b *Binder) alterSchema(stmt *ast.Alter) (physical.DDL, error) {
	sc := b.env.Catalog.Schema(stmt.Name.Name)
	switch {
	case sc == nil:
		return nil, pgerr.Newf(pgerr.InvalidSchemaName, `schema "%s" does not exist`, stmt.Name.Name)
	case b.env.Catalog.IsSystemSchema(sc.ID):
		return nil, pgerr.Newf(pgerr.InsufficientPrivilege, "permission denied for schema %s", sc.Name)
	}
	n := *sc
	for _, act := range stmt.Actions {
		switch act.Kind {
		case ast.AlterRename:
			for _, r := range b.env.Catalog.InSchema(sc.ID) {
				if err := b.noDependents(r, "rename the schema of", act.Pos()); err != nil {
					return nil, err
				}
			}
			if b.env.Catalog.Schema(act.NewName) != nil {
				return nil, pgerr.Newf(pgerr.DuplicateSchema, `schema "%s" already exists`, act.NewName)
			}
			n.Name = act.NewName
		case ast.AlterOwner:
			role := b.env.Catalog.Role(b.ownerName(act.NewName))
			if role == nil {
				return nil, errNoRole(act.NewName)
			}
			n.Owner = role.ID
		default:
			return nil, pgerr.Unsupported("this form of ALTER SCHEMA").At(act.Pos())
		}
	}
	return &physical.AlterSchema{Schema: &n}, nil
}

// Comment binds COMMENT ON.
func (b *Binder) Comment(stmt *ast.Comment) (physical.DDL, error) {
	switch stmt.Kind {
	case ast.ObjSchema:
		sc := b.env.Catalog.Schema(stmt.Name.Name)
		if sc == nil {
			return nil, pgerr.Newf(pgerr.InvalidSchemaName, `schema "%s" does not exist`, stmt.Name.Name)
		}
		n := *sc
		n.Comment = stmt.Text
		return &physical.AlterSchema{Schema: &n}, nil
	case ast.ObjColumn:
		rel, err := b.namedRelation("relation", stmt.Name, false)
		if err != nil {
			return nil, err
		}
		i := rel.Column(stmt.Column)
		if i < 0 {
			return nil, pgerr.Newf(pgerr.UndefinedColumn, `column "%s" of relation "%s" does not exist`, stmt.Column, rel.Name)
		}
		rel = rel.Clone()
		rel.Columns[i].Comment = stmt.Text
		return &physical.AlterRelation{Rel: rel}, nil
	}
	want, ok := relationKinds[stmt.Kind]
	if !ok {
		return nil, pgerr.Unsupported("COMMENT ON " + string(stmt.Kind)).At(stmt.Pos())
	}
	rel, err := b.namedRelation("relation", stmt.Name, false)
	if err != nil {
		return nil, err
	}
	if rel.Kind != want {
		return nil, wrongKind(rel, want, "")
	}
	rel = rel.Clone()
	rel.Comment = stmt.Text
	return &physical.AlterRelation{Rel: rel}, nil
}
