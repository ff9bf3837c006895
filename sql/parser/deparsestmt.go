package parser

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/ast"
)

// statement writes a statement.
func (d *deparser) statement(s ast.Statement) {
	switch s := s.(type) {
	case *ast.Select:
		d.query(s)
	case *ast.Insert:
		d.insert(s)
	case *ast.Update:
		d.update(s)
	case *ast.Delete:
		d.deleteFrom(s)
	case *ast.Truncate:
		d.text("TRUNCATE TABLE ")
		d.objectNames(s.Names)
		d.when(s.RestartIdentity, " RESTART IDENTITY")
		d.when(s.Cascade, " CASCADE")
	case *ast.Copy:
		d.copyStmt(s)
	case *ast.Explain:
		d.text("EXPLAIN ")
		d.options("", s.Options)
		d.when(len(s.Options) > 0, " ")
		d.statement(s.Stmt)
	case *ast.Subscribe:
		d.subscribe(s)
	default:
		if !d.definition(s) && !d.session(s) {
			d.utility(s)
		}
	}
}

func (d *deparser) insert(s *ast.Insert) {
	d.with(s.With)
	d.text("INSERT INTO ")
	d.objectName(s.Table)
	if s.Alias != "" {
		d.text(" AS ")
		d.ident(s.Alias)
	}
	if len(s.Columns) > 0 {
		d.text(" (")
		list(d, s.Columns, func(c *ast.InsertColumn) { d.ident(c.Name) })
		d.text(")")
	}
	d.text([...]string{"", " OVERRIDING SYSTEM VALUE", " OVERRIDING USER VALUE"}[s.Overriding])
	if s.Source == nil {
		d.text(" DEFAULT VALUES")
	} else {
		d.text(" ")
		d.query(s.Source)
	}
	if s.OnConflict != nil {
		d.onConflict(s.OnConflict)
	}
	d.returning(s.Returning)
}

func (d *deparser) onConflict(c *ast.OnConflict) {
	d.text(" ON CONFLICT")
	switch {
	case c.Constraint != "":
		d.text(" ON CONSTRAINT ")
		d.ident(c.Constraint)
	case c.Elems != nil:
		d.text(" (")
		list(d, c.Elems, d.indexElem)
		d.text(")")
		d.where(c.Where)
	}
	if c.DoNothing {
		d.text(" DO NOTHING")
		return
	}
	d.text(" DO UPDATE SET ")
	list(d, c.Set, d.assignment)
	d.where(c.SetWhere)
}

func (d *deparser) assignment(a *ast.Assignment) {
	if a.Multi {
		d.columns(a.Columns)
	} else {
		d.ident(a.Columns[0])
	}
	d.text(" = ")
	d.expr(a.Value, 0)
}

func (d *deparser) returning(items []*ast.SelectItem) {
	if len(items) > 0 {
		d.text(" RETURNING ")
		list(d, items, d.item)
	}
}

func (d *deparser) update(s *ast.Update) {
	d.with(s.With)
	d.text("UPDATE ")
	d.tableName(s.Table)
	d.text(" SET ")
	list(d, s.Set, d.assignment)
	if len(s.From) > 0 {
		d.text(" FROM ")
		list(d, s.From, d.table)
	}
	d.where(s.Where)
	d.returning(s.Returning)
}

func (d *deparser) deleteFrom(s *ast.Delete) {
	d.with(s.With)
	d.text("DELETE FROM ")
	d.tableName(s.Table)
	if len(s.Using) > 0 {
		d.text(" USING ")
		list(d, s.Using, d.table)
	}
	d.where(s.Where)
	d.returning(s.Returning)
}

func (d *deparser) copyStmt(s *ast.Copy) {
	d.text("COPY ")
	if s.Table != nil {
		d.objectName(*s.Table)
		d.when(s.Columns != nil, " ")
		d.columns(s.Columns)
	} else {
		d.text("(")
		d.statement(s.Query)
		d.text(")")
	}
	direction, std := " TO ", "STDOUT"
	if s.From {
		direction, std = " FROM ", "STDIN"
	}
	d.text(direction)
	switch s.Target {
	case ast.CopyStd:
		d.text(std)
	case ast.CopyFile:
		d.str(s.File)
	case ast.CopyProgram:
		d.text("PROGRAM ")
		d.str(s.File)
	}
	if len(s.Options) > 0 {
		d.options(" ", s.Options)
	}
	d.where(s.Where)
}

func (d *deparser) subscribe(s *ast.Subscribe) {
	d.text("SUBSCRIBE TO ")
	if s.Query != nil {
		d.text("(")
		d.query(s.Query)
		d.text(")")
	} else {
		d.objectName(*s.Name)
	}
	d.withOptions(s.Options)
}

// options writes lead(name value, ...) if there are any, as COPY, EXPLAIN and ENCODE spell them.
func (d *deparser) options(lead string, opts []*ast.Option) { d.optionList(lead, " ", opts) }

// withOptions writes WITH (name = value, ...) if there are any.
func (d *deparser) withOptions(opts []*ast.Option) { d.optionList(" WITH ", " = ", opts) }

func (d *deparser) optionList(lead, equals string, opts []*ast.Option) {
	if opts == nil {
		return
	}
	d.text(lead + "(")
	list(d, opts, func(o *ast.Option) {
		d.optionName(o.Name)
		if o.Value != nil {
			d.text(equals)
			d.optionValue(o.Value)
		}
	})
	d.text(")")
}

// optionName writes a path, part by part; any word may stand there.
func (d *deparser) optionName(name string) {
	for i, part := range strings.Split(name, ".") {
		d.when(i > 0, ".")
		if _, ok := keywords[part]; ok || contextual[part] {
			d.text(part)
		} else {
			d.ident(part)
		}
	}
}

func (d *deparser) optionValue(v ast.Expr) {
	switch v := v.(type) {
	case *ast.ColumnRef:
		switch {
		case v.Star:
			d.text("*")
		case len(v.Parts) == 2: // SECRET name
			d.text(v.Parts[0] + " ")
			d.ident(v.Parts[1])
		default:
			d.ident(v.Parts[0])
		}
	case *ast.Row:
		d.text("(")
		list(d, v.Args, d.optionValue)
		d.text(")")
	default:
		d.bare(v)
	}
}

// utility writes the statements that are left.
func (d *deparser) utility(s ast.Statement) {
	switch s := s.(type) {
	case *ast.Describe:
		d.text("DESCRIBE ")
		d.objectName(s.Name)
	case *ast.Refresh:
		d.text("REFRESH MATERIALIZED VIEW ")
		d.when(s.Concurrently, "CONCURRENTLY ")
		d.objectName(s.Name)
		d.when(s.NoData, " WITH NO DATA")
	case *ast.Rebuild:
		d.text("REBUILD MATERIALIZED VIEW ")
		d.objectName(s.Name)
	case *ast.CancelJobs:
		d.text("CANCEL JOB ")
		list(d, s.IDs, func(id int64) { d.text(strconv.FormatInt(id, 10)) })
	case *ast.Flush:
		d.text("FLUSH")
	case *ast.Checkpoint:
		d.text("CHECKPOINT")
	case *ast.Comment:
		d.comment(s)
	case *ast.Lock:
		d.text("LOCK TABLE ")
		d.objectNames(s.Names)
		d.text(" IN " + s.Mode + " MODE")
		d.when(s.NoWait, " NOWAIT")
	case *ast.Listen:
		d.text("LISTEN ")
		d.ident(s.Channel)
	case *ast.Unlisten:
		d.text("UNLISTEN ")
		d.identOr(s.Channel, s.All, "*")
	case *ast.Notify:
		d.text("NOTIFY ")
		d.ident(s.Channel)
		if s.Payload != "" {
			d.text(", ")
			d.str(s.Payload)
		}
	case *ast.Analyze:
		d.maintenance("ANALYZE", s.Options, s.Names)
	case *ast.Vacuum:
		d.maintenance("VACUUM", s.Options, s.Names)
	case *ast.Grant:
		d.text(s.Text)
	case *ast.Other:
		d.text(s.Text)
	}
}

func (d *deparser) maintenance(word string, opts []*ast.Option, names []ast.ObjectName) {
	d.text(word)
	d.options(" ", opts)
	d.when(len(names) > 0, " ")
	d.objectNames(names)
}

// identOr writes a name, or the word for all of them.
func (d *deparser) identOr(name string, all bool, word string) {
	if all {
		d.text(word)
		return
	}
	d.ident(name)
}

func (d *deparser) comment(s *ast.Comment) {
	d.text("COMMENT ON " + string(s.Kind) + " ")
	switch s.Kind {
	case ast.ObjColumn:
		d.objectName(s.Name)
		d.text(".")
		d.ident(s.Column)
	case ast.ObjConstraint:
		d.ident(s.Column)
		d.text(" ON ")
		d.objectName(s.Name)
	default:
		d.objectName(s.Name)
	}
	d.text(" IS ")
	if s.Null {
		d.text("NULL")
	} else {
		d.str(s.Text)
	}
}
