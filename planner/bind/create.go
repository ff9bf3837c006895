package bind

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
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
	if isFed(&stmt.RelationDef) {
		return out, nil, c.fedTable(out)
	}
	if len(stmt.Options) > 0 {
		if err := c.tableOptions(); err != nil {
			return nil, nil, err
		}
	}
	switch {
	case stmt.Format != nil:
		return nil, nil, pgerr.New(pgerr.InvalidTableDefinition, "FORMAT needs a connector").
			WithHint("Name it in WITH (connector = '...').").At(stmt.Format.Pos())
	case len(stmt.Includes) > 0:
		return nil, nil, pgerr.New(pgerr.InvalidTableDefinition, "INCLUDE needs a connector").At(stmt.Includes[0].Pos())
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
	if len(c.rel.Columns) == 0 && isFed(c.def) {
		if err := c.inferColumns(); err != nil {
			return err
		}
	}
	if isFed(c.def) { // a constraint may name them
		if err := c.includes(); err != nil {
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
