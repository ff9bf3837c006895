package parser

import (
	"github.com/millracedb/millrace/sql/ast"
)

// definition writes CREATE, DROP and ALTER; false if s is none.
func (d *deparser) definition(s ast.Statement) bool {
	switch s := s.(type) {
	case *ast.CreateTable:
		d.createTable(s)
	case *ast.CreateStream:
		d.createStream(s)
	case *ast.CreateView:
		d.createView(s)
	case *ast.CreateMaterializedView:
		d.createMaterializedView(s)
	case *ast.CreateSchema:
		d.text("CREATE SCHEMA ")
		d.when(s.IfNotExists, "IF NOT EXISTS ")
		d.ident(s.Name)
		if s.Authorization != "" {
			d.text(" AUTHORIZATION ")
			d.ident(s.Authorization)
		}
	case *ast.CreateSink:
		d.createSink(s)
	case *ast.CreateSecret:
		d.text("CREATE SECRET ")
		d.when(s.IfNotExists, "IF NOT EXISTS ")
		d.objectName(s.Name)
		d.withOptions(s.Options)
		d.text(" AS ")
		d.optionValue(s.Value)
	case *ast.AlterSecret:
		d.text("ALTER SECRET ")
		d.when(s.IfExists, "IF EXISTS ")
		d.objectName(s.Name)
		d.text(" AS ")
		d.optionValue(s.Value)
	case *ast.CreateIndex:
		d.createIndex(s)
	case *ast.Drop:
		d.text("DROP " + string(s.Kind) + " ")
		d.when(s.Concurrently, "CONCURRENTLY ")
		d.when(s.IfExists, "IF EXISTS ")
		d.objectNames(s.Names)
		d.when(s.Cascade, " CASCADE")
	case *ast.Alter:
		d.alter(s)
	case *ast.CreateRole:
		d.text("CREATE " + s.Kind + " ")
		d.ident(s.Name)
		d.roleOptions(s.Options)
	case *ast.AlterRole:
		d.alterRole(s)
	default:
		return false
	}
	return true
}

func (d *deparser) relationHead(r *ast.RelationDef) {
	d.when(r.IfNotExists, "IF NOT EXISTS ")
	d.objectName(r.Name)
	sep := " ("
	next := func() {
		d.text(sep)
		sep = ", "
	}
	for _, c := range r.Columns {
		next()
		d.columnDef(c)
	}
	for _, l := range r.Likes {
		next()
		d.like(l)
	}
	for _, c := range r.Constraints {
		next()
		d.constraint(c)
	}
	for _, w := range r.Watermarks {
		next()
		d.text("WATERMARK FOR ")
		d.ident(w.Column)
		d.text(" AS ")
		d.expr(w.Expr, 0)
	}
	d.when(sep != " (", ")")
}

func (d *deparser) like(l *ast.LikeClause) {
	d.text("LIKE ")
	d.objectName(l.Table)
	for _, s := range l.Including {
		d.text(" INCLUDING " + s)
	}
	for _, s := range l.Excluding {
		d.text(" EXCLUDING " + s)
	}
}

func (d *deparser) relationTail(r *ast.RelationDef) {
	d.when(r.AppendOnly, " APPEND ONLY")
	for _, n := range r.Includes {
		d.text(" INCLUDE " + n.What)
		if n.Field != "" {
			d.text(" ")
			d.str(n.Field)
		}
		if n.Type != nil {
			d.text(" ")
			d.typeName(n.Type)
		}
		if n.Alias != "" {
			d.text(" AS ")
			d.ident(n.Alias)
		}
	}
	d.withOptions(r.Options)
	d.format(r.Format)
}

func (d *deparser) format(f *ast.Format) {
	if f == nil {
		return
	}
	d.text(" FORMAT " + f.Format)
	d.when(f.Encode != "", " ENCODE "+f.Encode)
	d.options(" ", f.Options)
	if f.Key != "" {
		d.text(" KEY ENCODE " + f.Key)
		d.options(" ", f.KeyOpts)
	}
}

func (d *deparser) createTable(s *ast.CreateTable) {
	d.text("CREATE ")
	d.when(s.Temp, "TEMPORARY ")
	d.when(s.Unlogged, "UNLOGGED ")
	d.text("TABLE ")
	d.relationHead(&s.RelationDef)
	if s.As == nil && len(s.Columns)+len(s.Constraints)+len(s.Likes)+len(s.Watermarks) == 0 {
		d.text(" ()")
	}
	if len(s.Inherits) > 0 {
		d.text(" INHERITS (")
		d.objectNames(s.Inherits)
		d.text(")")
	}
	d.relationTail(&s.RelationDef)
	d.when(s.OnCommit != "", " ON COMMIT "+s.OnCommit)
	if s.As != nil {
		d.text(" AS ")
		d.statement(s.As)
	}
	d.when(s.NoData, " WITH NO DATA")
}

func (d *deparser) createStream(s *ast.CreateStream) {
	d.text("CREATE ")
	d.when(s.OrReplace, "OR REPLACE ")
	if s.Source {
		d.text("SOURCE ")
	} else {
		d.text("STREAM ")
	}
	d.relationHead(&s.RelationDef)
	d.relationTail(&s.RelationDef)
}

func (d *deparser) createView(s *ast.CreateView) {
	d.text("CREATE ")
	d.when(s.OrReplace, "OR REPLACE ")
	d.when(s.Temp, "TEMPORARY ")
	d.when(s.Recursive, "RECURSIVE ")
	d.text("VIEW ")
	d.objectName(s.Name)
	d.columns(s.Columns)
	d.withOptions(s.Options)
	d.text(" AS ")
	d.query(s.Query)
	d.when(s.CheckOption != "", " WITH "+s.CheckOption+" CHECK OPTION")
}

func (d *deparser) createMaterializedView(s *ast.CreateMaterializedView) {
	d.text("CREATE ")
	d.when(s.OrReplace, "OR REPLACE ")
	d.text("MATERIALIZED VIEW ")
	d.when(s.IfNotExists, "IF NOT EXISTS ")
	d.objectName(s.Name)
	d.columns(s.Columns)
	d.withOptions(s.Options)
	d.text(" AS ")
	d.query(s.Query)
	d.text([...]string{"", " EMIT CHANGES", " EMIT ON WINDOW CLOSE"}[s.Emit])
	d.when(s.NoData, " WITH NO DATA")
}

func (d *deparser) createSink(s *ast.CreateSink) {
	d.text("CREATE SINK ")
	d.when(s.IfNotExists, "IF NOT EXISTS ")
	d.objectName(s.Name)
	if s.From != nil {
		d.text(" FROM ")
		d.objectName(*s.From)
	} else {
		d.text(" AS ")
		d.query(s.Query)
	}
	d.withOptions(s.Options)
	d.format(s.Format)
}

func (d *deparser) createIndex(s *ast.CreateIndex) {
	d.text("CREATE ")
	d.when(s.Unique, "UNIQUE ")
	d.text("INDEX ")
	d.when(s.Concurrently, "CONCURRENTLY ")
	d.when(s.IfNotExists, "IF NOT EXISTS ")
	if s.Name != "" {
		d.ident(s.Name)
		d.text(" ")
	}
	d.text("ON ")
	d.when(s.Only, "ONLY ")
	d.objectName(s.Table)
	if s.Method != "" {
		d.text(" USING ")
		d.ident(s.Method)
	}
	d.text(" (")
	list(d, s.Elems, d.indexElem)
	d.text(")")
	if len(s.Include) > 0 {
		d.text(" INCLUDE ")
		d.columns(s.Include)
	}
	d.withOptions(s.Options)
	d.where(s.Where)
}

func (d *deparser) indexElem(e *ast.IndexElem) {
	_, call := e.Expr.(*ast.FuncCall)
	switch {
	case e.Expr == nil:
		d.ident(e.Column)
	case call:
		d.expr(e.Expr, 0)
	default:
		d.text("(")
		d.expr(e.Expr, 0)
		d.text(")")
	}
	if e.Collate != nil {
		d.text(" COLLATE ")
		d.objectName(*e.Collate)
	}
	if e.OpClass != nil {
		d.text(" ")
		d.objectName(*e.OpClass)
	}
	d.when(e.Desc, " DESC")
	d.text([...]string{"", " NULLS FIRST", " NULLS LAST"}[e.Nulls])
}

func (d *deparser) columnDef(c *ast.ColumnDef) {
	d.ident(c.Name)
	if c.Type != nil {
		d.text(" ")
		d.typeName(c.Type)
	}
	if c.HasPath {
		d.text(" FROM ")
		d.str(c.Path)
	}
	if c.Collate != nil {
		d.text(" COLLATE ")
		d.objectName(*c.Collate)
	}
	for _, k := range c.Constraints {
		d.text(" ")
		d.columnConstraint(k)
	}
}

func (d *deparser) constraintName(k *ast.Constraint) {
	if k.Name != "" {
		d.text("CONSTRAINT ")
		d.ident(k.Name)
		d.text(" ")
	}
}

func (d *deparser) columnConstraint(k *ast.Constraint) {
	switch k.Kind {
	case ast.ConstraintNotNull:
		d.constraintName(k)
		d.text("NOT NULL")
	case ast.ConstraintNull:
		d.constraintName(k)
		d.text("NULL")
	case ast.ConstraintDefault:
		d.constraintName(k)
		d.text("DEFAULT ")
		d.expr(k.Expr, precCast)
	case ast.ConstraintIdentity:
		d.constraintName(k)
		d.text(generated(k.Always) + " AS IDENTITY")
		d.sequence(k.Sequence)
	case ast.ConstraintGenerated:
		d.constraintName(k)
		d.text("GENERATED ALWAYS AS (")
		d.expr(k.Expr, 0)
		d.text(") STORED")
	default:
		d.constraint(k)
		return
	}
	d.attributes(k)
}

func generated(always bool) string {
	if always {
		return "GENERATED ALWAYS"
	}
	return "GENERATED BY DEFAULT"
}

func (d *deparser) sequence(opts []*ast.Option) {
	if len(opts) == 0 {
		return
	}
	d.text(" (")
	for i, o := range opts {
		d.when(i > 0, " ")
		d.text(o.Name)
		if o.Value != nil {
			d.text(" ")
			d.bare(o.Value)
		}
	}
	d.text(")")
}

// constraint writes a constraint of a table, or one a column shares with it.
func (d *deparser) constraint(k *ast.Constraint) {
	d.constraintName(k)
	switch k.Kind {
	case ast.ConstraintCheck:
		d.text("CHECK (")
		d.expr(k.Expr, 0)
		d.text(")")
	case ast.ConstraintPrimaryKey:
		d.text("PRIMARY KEY")
		d.key(k)
	case ast.ConstraintUnique:
		d.text("UNIQUE")
		d.when(k.NullsNotDistinct, " NULLS NOT DISTINCT")
		d.key(k)
	case ast.ConstraintReferences:
		d.references(k)
	}
	d.attributes(k)
}

func (d *deparser) key(k *ast.Constraint) {
	if k.UsingIndex != "" {
		d.text(" USING INDEX ")
		d.ident(k.UsingIndex)
		return
	}
	d.when(len(k.Columns) > 0, " ")
	d.columns(k.Columns)
}

func (d *deparser) references(k *ast.Constraint) {
	if len(k.Columns) > 0 {
		d.text("FOREIGN KEY ")
		d.columns(k.Columns)
		d.text(" ")
	}
	d.text("REFERENCES ")
	d.objectName(k.RefTable)
	d.columns(k.RefColumns)
	d.when(k.Match != "", " MATCH "+k.Match)
	d.when(k.OnDelete != "", " ON DELETE "+k.OnDelete)
	d.when(k.OnUpdate != "", " ON UPDATE "+k.OnUpdate)
}

func (d *deparser) attributes(k *ast.Constraint) {
	d.when(k.Deferrable, " DEFERRABLE")
	d.when(k.Deferred, " INITIALLY DEFERRED")
	d.when(k.NotValid, " NOT VALID")
	d.when(k.NoInherit, " NO INHERIT")
}

func (d *deparser) alter(s *ast.Alter) {
	d.text("ALTER " + string(s.Kind))
	if s.Kind != ast.ObjSystem {
		d.text(" ")
		d.when(s.IfExists, "IF EXISTS ")
		d.when(s.Only, "ONLY ")
		d.objectName(s.Name)
	}
	d.text(" ")
	list(d, s.Actions, d.alterAction)
}

func (d *deparser) alterAction(a *ast.AlterAction) {
	switch a.Kind {
	case ast.AlterRename:
		d.named("RENAME TO ", a.NewName)
	case ast.AlterSetSchema:
		d.named("SET SCHEMA ", a.NewName)
	case ast.AlterOwner:
		d.text("OWNER TO ")
		d.role(a.NewName)
	case ast.AlterRenameColumn:
		d.named("RENAME COLUMN ", a.Name)
		d.named(" TO ", a.NewName)
	case ast.AlterRenameConstraint:
		d.named("RENAME CONSTRAINT ", a.Name)
		d.named(" TO ", a.NewName)
	case ast.AlterAddColumn:
		d.text("ADD COLUMN ")
		d.when(a.IfNotExists, "IF NOT EXISTS ")
		d.columnDef(a.Column)
	case ast.AlterAddConstraint:
		d.text("ADD ")
		d.constraint(a.Constraint)
	case ast.AlterDropColumn, ast.AlterDropConstraint:
		d.text(map[ast.AlterKind]string{ast.AlterDropColumn: "DROP COLUMN ", ast.AlterDropConstraint: "DROP CONSTRAINT "}[a.Kind])
		d.when(a.IfExists, "IF EXISTS ")
		d.ident(a.Name)
		d.when(a.Cascade, " CASCADE")
	case ast.AlterSetOptions:
		d.optionList("SET ", " = ", a.Options)
	case ast.AlterResetOptions:
		d.options("RESET ", a.Options)
	case ast.AlterSetParameter:
		d.set(a.Set)
	case ast.AlterPause:
		d.text("PAUSE")
	case ast.AlterResume:
		d.text("RESUME")
	case ast.AlterReplayErrors:
		d.text("REPLAY ERRORS")
		d.where(a.Expr)
	case ast.AlterOther:
		d.text(a.Text)
	default:
		d.alterColumn(a)
	}
}

func (d *deparser) named(words, name string) {
	d.text(words)
	d.ident(name)
}

// role writes a role; the words for roles of the session are no identifiers.
func (d *deparser) role(name string) {
	switch name {
	case "current_user", "session_user", "current_role":
		d.text(name)
	default:
		d.ident(name)
	}
}

func (d *deparser) alterColumn(a *ast.AlterAction) {
	d.named("ALTER COLUMN ", a.Name)
	switch {
	case a.Kind == ast.AlterColumnSetNotNull:
		d.text(" SET NOT NULL")
	case a.Kind == ast.AlterColumnDropNotNull:
		d.text(" DROP NOT NULL")
	case a.Kind == ast.AlterColumnDefault && a.Expr == nil:
		d.text(" DROP DEFAULT")
	case a.Kind == ast.AlterColumnDefault:
		d.text(" SET DEFAULT ")
		d.expr(a.Expr, 0)
	default:
		d.text(" TYPE ")
		d.typeName(a.Type)
		if a.Expr != nil {
			d.text(" USING ")
			d.expr(a.Expr, 0)
		}
	}
}

func (d *deparser) roleOptions(opts []*ast.RoleOption) {
	for _, o := range opts {
		d.text(" " + o.Name)
		if o.Value != nil {
			d.text(" ")
			d.literal(o.Value)
		}
	}
}

func (d *deparser) alterRole(s *ast.AlterRole) {
	d.text("ALTER " + s.Kind + " ")
	if s.All {
		d.text("ALL")
	} else {
		d.role(s.Name)
	}
	switch {
	case s.Set != nil:
		d.text(" ")
		d.set(s.Set)
	case s.Reset != nil:
		d.text(" RESET ")
		d.setting(s.Reset.Name)
	case s.NewName != "":
		d.named(" RENAME TO ", s.NewName)
	default:
		d.roleOptions(s.Options)
	}
}
