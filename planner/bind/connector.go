package bind

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
)

// isFed reports whether CREATE TABLE names a connector.
func isFed(d *ast.RelationDef) bool {
	return slices.ContainsFunc(d.Options, func(o *ast.Option) bool { return o.Name == "connector" })
}

// fedByConnector refuses a client's change of a table whose rows come from elsewhere: the next record of a key would
// undo it, and nobody could tell which of the two is right.
func fedByConnector(rel *catalog.Relation, verb string) *pgerr.Error {
	return pgerr.Newf(pgerr.WrongObjectType, `cannot %s table "%s"`, verb, rel.Name).
		WithDetail("Its rows come from connector %s.", rel.Connector).
		WithHint("Send the change to where the rows come from.")
}

// fedTable completes a table that a connector feeds.
func (c *creator) fedTable(out *physical.CreateRelation) error {
	rel := c.rel
	switch {
	case len(c.def.Watermarks) > 0:
		return pgerr.New(pgerr.InvalidTableDefinition, "a table cannot have a watermark").
			WithHint("Use CREATE STREAM.").At(c.def.Watermarks[0].Pos())
	case c.def.AppendOnly:
		return pgerr.New(pgerr.InvalidTableDefinition, "a table that a connector feeds cannot be append only").WithHint("Use CREATE STREAM.")
	case len(rel.PrimaryKey) == 0:
		return pgerr.New(pgerr.InvalidTableDefinition, "a table that a connector feeds needs a primary key").
			WithHint("A record replaces the row of its key. Use CREATE STREAM to keep every record.").At(c.def.Name.Pos())
	}
	if err := c.streamOptions(); err != nil {
		return err
	}
	if _, ok := rel.Options["retention"]; ok {
		return pgerr.New(pgerr.InvalidParameterValue, "a table has no retention").
			WithHint("It keeps the row of each key until a record deletes it.")
	}
	if len(c.seqs) > 0 {
		return pgerr.New(pgerr.InvalidTableDefinition, "a table that a connector feeds cannot have serial or identity columns")
	}
	out.Sequences = nil
	return nil
}

// connectorOptions reads the options that every stream has, and every table with a connector, into rel.
func connectorOptions(rel *catalog.Relation) error {
	available := "fail, skip"
	if rel.Connector != "" {
		available = "fail, skip, stop"
	}
	rel.OnErrorFail, rel.OnErrorStop, rel.RateLimit = false, false, 0
	switch v := rel.Options["on_error"]; {
	case v == "" || strings.EqualFold(v, "skip"):
	case strings.EqualFold(v, "fail"):
		rel.OnErrorFail = true
	case strings.EqualFold(v, "stop") && rel.Connector != "":
		rel.OnErrorStop = true
	default:
		return pgerr.Newf(pgerr.InvalidParameterValue, `invalid value for parameter "on_error": "%s"`, v).
			WithHint("Available values: %s.", available)
	}
	if rel.Connector == "" {
		return nil
	}
	return rateLimit(rel)
}

// rateLimit reads rate_limit into rel.
func rateLimit(rel *catalog.Relation) error {
	rel.RateLimit = 0
	v, ok := rel.Options["rate_limit"]
	if !ok {
		return nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return pgerr.Newf(pgerr.InvalidParameterValue, `invalid value for parameter "rate_limit": "%s"`, v).
			WithHint("Give the records a second, or 0 for no limit.")
	}
	rel.RateLimit = n
	return nil
}

// validate lets the connector look at a relation.
func (b *Binder) validate(rel *catalog.Relation) error {
	if b.env.Connectors == nil {
		return nil
	}
	revealed, err := b.env.Catalog.Revealed(rel)
	if err != nil {
		return err
	}
	return b.env.Catalog.HideError(rel, b.env.Connectors.Validate(revealed))
}

// ConnectorChecks binds the CHECK constraints of a new relation that a connector feeds.
func (b *Binder) ConnectorChecks(rel *catalog.Relation) ([]Check, []logical.ColID, error) {
	row, item := b.rowColumns(rel, rel.Name)
	checks, err := b.checks(rel, item)
	return checks, row, err
}

// isControl reports whether an action is about what feeds a relation.
func isControl(k ast.AlterKind) bool {
	switch k {
	case ast.AlterPause, ast.AlterResume, ast.AlterSetOptions, ast.AlterResetOptions, ast.AlterSetParameter:
		return true
	}
	return false
}

// control binds PAUSE, RESUME and SET of what feeds rel, or what rel, a sink, feeds. rel is a copy.
func (b *Binder) control(rel *catalog.Relation, act *ast.AlterAction) error {
	if rel.Connector == "" {
		return pgerr.Newf(pgerr.WrongObjectType, `no connector feeds "%s"`, rel.Name).At(act.Pos())
	}
	switch act.Kind {
	case ast.AlterPause:
		rel.Paused = true
		return nil
	case ast.AlterResume:
		if rel.Kind == catalog.Sink && rel.Suspended != "" {
			return pgerr.Newf(pgerr.ObjectNotInState, `sink "%s" is suspended: %s`, rel.Name, rel.Suspended).
				WithHint("Changes are missing from now on. Drop the sink, and create it anew.").At(act.Pos())
		}
		rel.Paused = false
		return nil
	case ast.AlterSetParameter:
		act = asOption(act)
	}
	return b.setOptions(rel, act)
}

// asOption is SET name = value as SET (name = value).
func asOption(act *ast.AlterAction) *ast.AlterAction {
	o := &ast.Option{Loc: act.Loc, Name: act.Set.Name}
	if len(act.Set.Values) == 1 {
		o.Value = act.Set.Values[0]
	}
	out := &ast.AlterAction{Loc: act.Loc, Kind: ast.AlterSetOptions, Options: []*ast.Option{o}}
	if act.Set.Default {
		out.Kind = ast.AlterResetOptions
	}
	return out
}

// fixedOption reports whether an option says what a relation is a copy of, or what is a copy of it, which cannot change
// under its rows.
func fixedOption(rel *catalog.Relation, name string) bool {
	if name == "connector" || name == "topic" {
		return true
	}
	if rel.Kind == catalog.Sink {
		return name == "snapshot" || name == "primary_key" || strings.HasPrefix(name, "topic.") || strings.HasSuffix(name, "transactional.id")
	}
	return name == "retention" || strings.HasPrefix(name, "scan.")
}

func (b *Binder) setOptions(rel *catalog.Relation, act *ast.AlterAction) error {
	plain, refs, err := map[string]string{}, map[string]catalog.ID(nil), error(nil)
	if act.Kind == ast.AlterSetOptions {
		if plain, refs, err = b.secretOptions(act.Options); err != nil {
			return err
		}
	}
	for _, o := range act.Options {
		if fixedOption(rel, o.Name) {
			return pgerr.Newf(pgerr.FeatureNotSupported, `parameter "%s" cannot be changed`, o.Name).
				WithHint("Drop the %s, and create it again.", rel.Kind).At(o.Pos())
		}
		delete(rel.Options, o.Name)
		delete(rel.Secrets, o.Name)
	}
	if rel.Secrets == nil {
		rel.Secrets = map[string]catalog.ID{}
	}
	maps.Copy(rel.Options, plain)
	maps.Copy(rel.Secrets, refs)
	if rel.Kind == catalog.Sink {
		def := *rel.Sink
		rel.Sink = &def
		if err := sinkOptions(rel); err != nil {
			return err
		}
		return b.validateSink(rel)
	}
	if err := connectorOptions(rel); err != nil {
		return err
	}
	return b.validate(rel)
}

// IsReplay reports whether an ALTER is REPLAY ERRORS.
func IsReplay(stmt *ast.Alter) bool {
	return slices.ContainsFunc(stmt.Actions, func(a *ast.AlterAction) bool { return a.Kind == ast.AlterReplayErrors })
}

// ReplayErrors binds ALTER ... REPLAY ERRORS [WHERE condition]; the condition is over row. A nil relation (with notices)
// has nothing to do.
func (b *Binder) ReplayErrors(stmt *ast.Alter) (rel *catalog.Relation, row []logical.ColID, where expr.Expr, err error) {
	act := stmt.Actions[0]
	if len(stmt.Actions) > 1 {
		return nil, nil, nil, pgerr.New(pgerr.SyntaxError, "REPLAY ERRORS must be the only action of its statement").At(act.Pos())
	}
	if rel, err = b.altered(stmt); rel == nil || err != nil {
		return nil, nil, nil, err
	}
	if rel.Connector == "" || rel.Kind == catalog.Sink {
		return nil, nil, nil, pgerr.Newf(pgerr.WrongObjectType, `no connector feeds "%s"`, rel.Name).At(act.Pos())
	}
	if act.Expr == nil {
		return rel, nil, nil, nil
	}
	rv := &rangeVar{name: "errors"}
	for _, f := range physical.ErrorColumns {
		id := b.meta.Add(f.Name, f.Type)
		row = append(row, id)
		rv.cols = append(rv.cols, scopeCol{name: f.Name, e: b.meta.Var(id)})
	}
	item := single(nil, rv)
	x := exprs{b: b, scope: &scope{rels: item.rels, cols: item.cols}, clause: "WHERE"}
	where, err = x.bool(act.Expr, "argument of WHERE")
	return rel, row, where, err
}
