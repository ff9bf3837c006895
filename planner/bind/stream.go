package bind

import (
	"strings"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

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
	if err := c.watermark(); err != nil {
		return nil, err
	}
	if err := c.streamOptions(); err != nil {
		return nil, err
	}
	return &physical.CreateRelation{Rel: rel, Sequences: c.seqs, IfNotExists: stmt.IfNotExists, Replace: stmt.OrReplace}, nil
}

// includeTypes are what INCLUDE yields and its type.
var includeTypes = map[string]types.OID{
	"key": types.Bytea, "partition": types.Int4, "offset": types.Int8, "timestamp": types.TimestampTZ,
	"headers": types.JSONB,
}

// includes adds the INCLUDE columns of what a connector feeds.
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
	opts, refs, err := c.b.secretOptions(c.def.Options)
	if err != nil {
		return err
	}
	c.rel.Options, c.rel.Secrets, c.rel.Connector = opts, refs, strings.ToLower(opts["connector"])
	if c.rel.Connector != "" && c.rel.Kind == catalog.Stream {
		c.rel.Retention = defaultRetention
	}
	if r, ok := opts["retention"]; ok {
		if c.rel.Retention, err = c.retention(r); err != nil {
			return err
		}
	}
	if err := connectorOptions(c.rel); err != nil {
		return err
	}
	if err := c.format(); err != nil {
		return err
	}
	if c.rel.Connector != "" {
		return c.b.validate(c.rel)
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
	opts, refs, err := c.b.secretOptions(f.Options)
	if err != nil {
		return err
	}
	keyOpts, keyRefs, err := c.b.secretOptions(f.KeyOpts)
	if err != nil {
		return err
	}
	c.rel.Format = &catalog.Format{Format: f.Format, Encode: f.Encode, Options: opts, Secrets: refs, Key: f.Key, KeyOptions: keyOpts, KeySecrets: keyRefs}
	return nil
}
