package bind

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// creator builds the catalog entry of a CREATE TABLE or CREATE STREAM.
type creator struct {
	b     *Binder
	def   *ast.RelationDef
	rel   *catalog.Relation
	seqs  []*catalog.Relation
	names map[string]bool // of constraints
	deps  []catalog.ID
}

// maxColumns is PostgreSQL's limit on the columns of a table.
const maxColumns = 1600

func (b *Binder) newRelation(kind catalog.Kind, name ast.ObjectName) (*catalog.Relation, error) {
	sc, err := b.targetSchema(name)
	if err != nil {
		return nil, err
	}
	rel := &catalog.Relation{Schema: sc.ID, Name: name.Name, Kind: kind, Owner: catalog.SuperuserID}
	if r := b.env.Catalog.Role(b.env.User); r != nil {
		rel.Owner = r.ID
	}
	return rel, nil
}

// CreateTable binds CREATE TABLE; for CREATE TABLE ... AS the result's query is returned, too.
func (b *Binder) CreateTable(stmt *ast.CreateTable) (*physical.CreateRelation, *logical.Query, error) {
	switch {
	case stmt.Temp:
		return nil, nil, pgerr.Unsupported("CREATE TEMPORARY TABLE").At(stmt.Pos())
	case stmt.Inherits != nil:
		return nil, nil, pgerr.Unsupported("INHERITS").At(stmt.Pos())
	case stmt.OnCommit != "":
		return nil, nil, pgerr.New(pgerr.InvalidTableDefinition, "ON COMMIT can only be used on temporary tables")
	}
	rel, err := b.newRelation(catalog.Table, stmt.Name)
	if err != nil {
		return nil, nil, err
	}
	out := &physical.CreateRelation{Rel: rel, IfNotExists: stmt.IfNotExists}
	if stmt.As != nil {
		q, err := b.tableAs(stmt, rel)
		if stmt.NoData {
			q = nil
		}
		return out, q, err
	}
	c := &creator{b: b, def: &stmt.RelationDef, rel: rel, names: map[string]bool{}}
	if err := c.build(); err != nil {
		return nil, nil, err
	}
	if len(stmt.Options) > 0 {
		if err := c.tableOptions(); err != nil {
			return nil, nil, err
		}
	}
	switch {
	case stmt.Format != nil:
		return nil, nil, pgerr.Unsupported("FORMAT on a table").At(stmt.Format.Pos())
	case len(stmt.Watermarks) > 0:
		return nil, nil, pgerr.New(pgerr.InvalidTableDefinition, "a table cannot have a watermark").
			WithHint("Use CREATE STREAM.").At(stmt.Watermarks[0].Pos())
	}
	out.Sequences = c.seqs
	return out, nil, nil
}

// tableOptions accepts the storage parameters of PostgreSQL that change nothing here.
func (c *creator) tableOptions() error {
	for _, o := range c.def.Options {
		switch strings.TrimPrefix(o.Name, "toast.") {
		case "fillfactor", "autovacuum_enabled", "oids":
			continue
		}
		return pgerr.Newf(pgerr.InvalidParameterValue, `unrecognized parameter "%s"`, o.Name).At(o.Pos())
	}
	return nil
}

// tableAs binds the query of CREATE TABLE ... AS and gives the table its columns.
func (b *Binder) tableAs(stmt *ast.CreateTable, rel *catalog.Relation) (*logical.Query, error) {
	sel, ok := stmt.As.(*ast.Select)
	if !ok {
		return nil, pgerr.Unsupported("CREATE TABLE AS EXECUTE").At(stmt.As.Pos())
	}
	q, err := b.Query(sel)
	if err != nil {
		return nil, err
	}
	if len(stmt.Columns) > len(q.Out) {
		return nil, pgerr.New(pgerr.SyntaxError, "too many column names were specified")
	}
	for i, o := range q.Out {
		name := o.Name
		if i < len(stmt.Columns) {
			name = stmt.Columns[i].Name
		}
		if rel.Column(name) >= 0 {
			return nil, pgerr.Newf(pgerr.DuplicateColumn, `column "%s" specified more than once`, name)
		}
		t := b.meta.Columns[o.ID].Type
		if t.OID == types.Record || t.OID == types.Void {
			return nil, pgerr.Newf(pgerr.InvalidTableDefinition, `column "%s" has pseudo-type %s`, name, t.OID)
		}
		rel.Columns = append(rel.Columns, catalog.Column{Name: name, Type: t})
	}
	return q, nil
}

// CreateStream binds CREATE STREAM.
func (b *Binder) CreateStream(stmt *ast.CreateStream) (*physical.CreateRelation, error) {
	rel, err := b.newRelation(catalog.Stream, stmt.Name)
	if err != nil {
		return nil, err
	}
	c := &creator{b: b, def: &stmt.RelationDef, rel: rel, names: map[string]bool{}}
	if err := c.build(); err != nil {
		return nil, err
	}
	if len(rel.PrimaryKey) > 0 || len(rel.Uniques) > 0 {
		return nil, pgerr.New(pgerr.InvalidTableDefinition, "a stream cannot have a primary key or a unique constraint").
			WithHint("A stream keeps every row. Use CREATE TABLE for rows that replace one another.").At(stmt.Pos())
	}
	if err := c.includes(); err != nil {
		return nil, err
	}
	if err := c.watermark(); err != nil {
		return nil, err
	}
	if err := c.streamOptions(); err != nil {
		return nil, err
	}
	return &physical.CreateRelation{Rel: rel, Sequences: c.seqs, IfNotExists: stmt.IfNotExists, Replace: stmt.OrReplace}, nil
}

// build makes columns and constraints.
func (c *creator) build() error {
	if err := c.likes(); err != nil {
		return err
	}
	for _, d := range c.def.Columns {
		if err := c.column(d); err != nil {
			return err
		}
	}
	if len(c.rel.Columns) > maxColumns {
		return pgerr.Newf(pgerr.TooManyColumns, "tables can have at most %d columns", maxColumns)
	}
	for _, d := range c.def.Columns {
		for _, con := range d.Constraints {
			if err := c.constraint(con, []string{d.Name}); err != nil {
				return err
			}
		}
	}
	for _, con := range c.def.Constraints {
		if err := c.constraint(con, con.Columns); err != nil {
			return err
		}
	}
	for _, i := range c.rel.PrimaryKey {
		c.rel.Columns[i].NotNull = true
	}
	c.rel.DependsOn = c.deps
	return nil
}

// likes copies the columns of LIKE tables, with what INCLUDING names.
func (c *creator) likes() error {
	for _, l := range c.def.Likes {
		from, err := c.b.Relation(l.Table)
		if err != nil {
			return err
		}
		all := slices.Contains(l.Including, "ALL")
		for _, col := range from.Columns {
			if col.Hidden {
				continue
			}
			n := catalog.Column{Name: col.Name, Type: col.Type, NotNull: col.NotNull}
			if all || slices.Contains(l.Including, "DEFAULTS") {
				n.Default = col.Default
			}
			if c.rel.Column(n.Name) >= 0 {
				return errDuplicateColumn(n.Name)
			}
			c.rel.Columns = append(c.rel.Columns, n)
		}
		if all || slices.Contains(l.Including, "CONSTRAINTS") {
			c.rel.Checks = append(c.rel.Checks, from.Checks...)
		}
	}
	return nil
}

func errDuplicateColumn(name string) error {
	return pgerr.Newf(pgerr.DuplicateColumn, `column "%s" specified more than once`, name)
}

// serials are the types that stand for an integer with a sequence.
var serials = map[string]types.OID{
	"serial": types.Int4, "serial4": types.Int4, "bigserial": types.Int8, "serial8": types.Int8,
	"smallserial": types.Int2, "serial2": types.Int2,
}

var systemColumns = []string{"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}

// column adds one column, without its constraints.
func (c *creator) column(d *ast.ColumnDef) error {
	if c.rel.Column(d.Name) >= 0 {
		return errDuplicateColumn(d.Name)
	}
	if slices.Contains(systemColumns, d.Name) {
		return pgerr.Newf(pgerr.DuplicateColumn, `column name "%s" conflicts with a system column name`, d.Name).At(d.Pos())
	}
	col := catalog.Column{Name: d.Name, Path: d.Path}
	if d.Type == nil {
		return pgerr.New(pgerr.SyntaxError, "column \""+d.Name+"\" has no type").At(d.Pos())
	}
	if o, ok := serials[d.Type.Name]; ok && d.Type.Schema == "" && !d.Type.IsArray() {
		col.Type, col.NotNull = types.T(o), true
		c.rel.Columns = append(c.rel.Columns, col)
		return c.sequence(len(c.rel.Columns)-1, nil)
	}
	var err error
	if col.Type, err = c.b.typeName(d.Type); err != nil {
		return err
	}
	if in := types.InfoOf(col.Type.OID); in == nil || in.Kind == 'p' || col.Type.OID == types.Unknown {
		return pgerr.Newf(pgerr.InvalidTableDefinition, `column "%s" has pseudo-type %s`, d.Name, col.Type.OID).At(d.Pos())
	}
	c.rel.Columns = append(c.rel.Columns, col)
	return nil
}

// sequence adds the sequence of a serial or identity column.
func (c *creator) sequence(col int, opts []*ast.Option) error {
	cc := &c.rel.Columns[col]
	def := &catalog.SequenceDef{Type: cc.Type.OID, Start: 1, Increment: 1, Min: 1, OwnedCol: col}
	switch cc.Type.OID {
	case types.Int2:
		def.Max = math.MaxInt16
	case types.Int4:
		def.Max = math.MaxInt32
	case types.Int8:
		def.Max = math.MaxInt64
	default:
		return pgerr.New(pgerr.InvalidParameterValue, "identity column type must be smallint, integer, or bigint")
	}
	if err := sequenceOptions(def, opts); err != nil {
		return err
	}
	name := c.rel.Name + "_" + cc.Name + "_seq"
	for n := 1; c.b.env.Catalog.Lookup(c.rel.Schema, name) != nil; n++ {
		name = c.rel.Name + "_" + cc.Name + "_seq" + strconv.Itoa(n)
	}
	c.seqs = append(c.seqs, &catalog.Relation{Schema: c.rel.Schema, Name: name, Kind: catalog.Sequence, Owner: c.rel.Owner, Seq: def})
	sc := c.b.env.Catalog.SchemaByID(c.rel.Schema)
	cc.NotNull = true
	if cc.Identity == 0 {
		full := parser.QuoteIdent(name)
		if sc != nil && sc.Name != catalog.PublicSchema {
			full = parser.QuoteIdent(sc.Name) + "." + full
		}
		cc.Default = "nextval(" + parser.QuoteLiteral(full) + "::regclass)"
	}
	return nil
}

// sequenceOptions reads START WITH n INCREMENT BY n MINVALUE n MAXVALUE n CYCLE.
func sequenceOptions(def *catalog.SequenceDef, opts []*ast.Option) error {
	started := false
	for _, o := range opts {
		var v int64
		if lit, ok := o.Value.(*ast.Literal); ok && lit.Kind == ast.LitInt {
			v = lit.Int
		}
		switch strings.ToLower(o.Name) {
		case "start", "start with":
			def.Start, started = v, true
		case "increment", "increment by":
			if v == 0 {
				return pgerr.New(pgerr.InvalidParameterValue, "INCREMENT must not be zero").At(o.Pos())
			}
			if def.Increment = v; v < 0 {
				def.Min, def.Max = math.MinInt64, -1
			}
		case "minvalue":
			if o.Value != nil {
				def.Min = v
			}
		case "maxvalue":
			if o.Value != nil {
				def.Max = v
			}
		case "cycle":
			text, has := o.Text()
			def.Cycle = !has || text == "true"
		}
	}
	if !started {
		def.Start = def.Min
		if def.Increment < 0 {
			def.Start = def.Max
		}
	}
	if def.Start < def.Min || def.Start > def.Max {
		return pgerr.Newf(pgerr.InvalidParameterValue, "START value (%d) is out of range (%d to %d)", def.Start, def.Min, def.Max)
	}
	return nil
}

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
	col.Default = parser.Deparse(con.Expr)
	return nil
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

// includeTypes are what INCLUDE yields and its type.
var includeTypes = map[string]types.OID{
	"key": types.Bytea, "partition": types.Int4, "offset": types.Int8, "timestamp": types.TimestampTZ,
	"headers": types.JSONB,
}

// includes adds the INCLUDE columns of a connector's stream.
func (c *creator) includes() error {
	for _, inc := range c.def.Includes {
		oid, ok := includeTypes[inc.What]
		if !ok || inc.Field != "" {
			return pgerr.Unsupported("INCLUDE " + strings.ToUpper(inc.What)).At(inc.Pos())
		}
		name := inc.Alias
		if name == "" {
			name = "_rw_" + inc.What
		}
		if c.rel.Column(name) >= 0 {
			return errDuplicateColumn(name)
		}
		col := catalog.Column{Name: name, Type: types.T(oid), Include: inc.What}
		if inc.Type != nil {
			t, err := c.b.typeName(inc.Type)
			if err != nil {
				return err
			}
			if t.OID != oid && !(inc.What == "key" && t.OID == types.Text) {
				return pgerr.Newf(pgerr.DatatypeMismatch, "INCLUDE %s is of type %s, not %s", strings.ToUpper(inc.What), oid, t.OID).At(inc.Pos())
			}
			col.Type = t
		}
		c.rel.Columns = append(c.rel.Columns, col)
	}
	return nil
}

// watermark reads WATERMARK FOR ts AS ts [- INTERVAL '...'].
func (c *creator) watermark() error {
	if len(c.def.Watermarks) == 0 {
		return nil
	}
	w := c.def.Watermarks[0]
	if len(c.def.Watermarks) > 1 {
		return pgerr.New(pgerr.InvalidTableDefinition, "a stream can have one watermark").At(c.def.Watermarks[1].Pos())
	}
	i := c.rel.Column(w.Column)
	if i < 0 {
		return pgerr.Newf(pgerr.UndefinedColumn, `column "%s" named in watermark does not exist`, w.Column).At(w.Pos())
	}
	if t := c.rel.Columns[i].Type.OID; t != types.Timestamp && t != types.TimestampTZ {
		return pgerr.Newf(pgerr.DatatypeMismatch, "a watermark needs a column of type timestamp or timestamptz, not %s", t).At(w.Pos())
	}
	c.rel.Watermark = &catalog.Watermark{Col: i}
	e := w.Expr
	if bin, ok := e.(*ast.Binary); ok && bin.Op == "-" {
		d, err := c.b.microseconds(bin.Right)
		if err != nil {
			return err
		}
		if d < 0 {
			return pgerr.New(pgerr.InvalidParameterValue, "the delay of a watermark must not be negative").At(bin.Right.Pos())
		}
		c.rel.Watermark.Delay, e = d, bin.Left
	}
	if ref, ok := e.(*ast.ColumnRef); !ok || len(ref.Parts) != 1 || ref.Parts[0] != w.Column {
		return pgerr.New(pgerr.FeatureNotSupported, "a watermark must be the column itself or the column minus an interval").
			WithHint("For example WATERMARK FOR %s AS %s - INTERVAL '5 seconds'.", w.Column, w.Column).At(w.Expr.Pos())
	}
	return nil
}

// defaultRetention of a connector's stream: its rows can be read again at their origin.
const defaultRetention = 7 * 86_400_000_000

// streamOptions reads WITH (...) and FORMAT ... ENCODE ....
func (c *creator) streamOptions() error {
	opts, err := optionMap(c.def.Options)
	if err != nil {
		return err
	}
	c.rel.Options, c.rel.Connector = opts, opts["connector"]
	if c.rel.Connector != "" {
		c.rel.Retention = defaultRetention
	}
	if r, ok := opts["retention"]; ok {
		if c.rel.Retention, err = c.retention(r); err != nil {
			return err
		}
	}
	if err := c.onError(opts); err != nil {
		return err
	}
	if err := c.format(); err != nil {
		return err
	}
	if c.rel.Connector != "" {
		if c.b.env.Connectors == nil {
			return nil
		}
		return c.b.env.Connectors.Validate(opts, c.rel.Format, c.rel.Columns)
	}
	if c.rel.Format != nil {
		return pgerr.New(pgerr.InvalidTableDefinition, "FORMAT needs a connector").
			WithHint("Name it in WITH (connector = '...').").At(c.def.Format.Pos())
	}
	if len(c.def.Includes) > 0 {
		return pgerr.New(pgerr.InvalidTableDefinition, "INCLUDE needs a connector").At(c.def.Includes[0].Pos())
	}
	for _, o := range c.def.Options {
		if o.Name != "retention" && o.Name != "on_error" {
			return pgerr.Newf(pgerr.InvalidParameterValue, `unrecognized parameter "%s"`, o.Name).
				WithHint("Parameters of a stream without a connector: on_error, retention.").At(o.Pos())
		}
	}
	return nil
}

func (c *creator) onError(opts map[string]string) error {
	switch v := opts["on_error"]; strings.ToLower(v) {
	case "", "skip":
	case "fail":
		c.rel.OnErrorFail = true
	default:
		return pgerr.Newf(pgerr.InvalidParameterValue, `invalid value for parameter "on_error": "%s"`, v).
			WithHint("Available values: fail, skip.")
	}
	return nil
}

// optionMap reads name = value pairs; a name may be given once.
func optionMap(opts []*ast.Option) (map[string]string, error) {
	if len(opts) == 0 {
		return nil, nil
	}
	m := make(map[string]string, len(opts))
	for _, o := range opts {
		v, ok := o.Text()
		if !ok {
			return nil, pgerr.Newf(pgerr.SyntaxError, `parameter "%s" requires a value`, o.Name).At(o.Pos())
		}
		if _, twice := m[o.Name]; twice {
			return nil, pgerr.Newf(pgerr.DuplicateObject, `parameter "%s" specified more than once`, o.Name).At(o.Pos())
		}
		m[o.Name] = v
	}
	return m, nil
}

// retention reads how long rows are kept: an interval of fixed length, or forever (0).
func (c *creator) retention(s string) (int64, error) {
	switch strings.ToLower(s) {
	case "forever", "infinite", "infinity":
		return 0, nil
	}
	v, err := c.b.parseText(s, types.T(types.Interval))
	if err != nil {
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, `invalid value for parameter "retention": "%s"`, s).
			WithHint("Give an interval, as in '7 days', or 'forever'.")
	}
	iv := types.DecodeInterval(v.B)
	us := (int64(iv.Months)*30+int64(iv.Days))*86_400_000_000 + iv.Micros
	if us <= 0 {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "retention must be positive")
	}
	return us, nil
}

func (c *creator) format() error {
	f := c.def.Format
	if f == nil {
		return nil
	}
	opts, err := optionMap(f.Options)
	if err != nil {
		return err
	}
	if f.Key != "" {
		return pgerr.Unsupported("KEY ENCODE").At(f.Pos())
	}
	c.rel.Format = &catalog.Format{Format: f.Format, Encode: f.Encode, Options: maps.Clone(opts)}
	return nil
}
