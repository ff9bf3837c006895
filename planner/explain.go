package planner

import (
	"strings"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// explain plans EXPLAIN: of a query, of a write, or of the dataflow that CREATE MATERIALIZED VIEW would make.
func (p *planning) explain(stmt *ast.Explain) (physical.Statement, error) {
	if err := explainOptions(stmt); err != nil {
		return nil, err
	}
	inner, err := p.statement(stmt.Stmt)
	if err != nil {
		return nil, err
	}
	p.fields = []physical.Field{{Name: "QUERY PLAN", Type: types.T(types.Text)}}
	lines, err := p.lines(inner)
	if err != nil {
		return nil, err
	}
	return &physical.ExplainPlan{Lines: lines, Analyze: stmt.Analyze, Stmt: inner}, nil
}

func explainOptions(stmt *ast.Explain) error {
	for _, o := range stmt.Options {
		text, _ := o.Text()
		switch strings.ToLower(o.Name) {
		case "analyze", "verbose", "costs", "settings", "buffers", "wal", "timing", "summary":
		case "format":
			if strings.ToLower(text) != "text" {
				return pgerr.Unsupported("EXPLAIN in format " + strings.ToUpper(text)).At(o.Pos())
			}
		default:
			return pgerr.Newf(pgerr.SyntaxError, `unrecognized EXPLAIN option "%s"`, o.Name).At(o.Pos())
		}
	}
	return nil
}

// lines prints a plan.
func (p *planning) lines(plan physical.Statement) ([]string, error) {
	switch s := plan.(type) {
	case *physical.Query:
		return append(physical.Explain(s.Root, s.Subplans), p.fed(s.Reads)...), nil
	case *physical.Insert:
		return p.write("Insert on ", s.Rel, s.Query), nil
	case *physical.Update:
		return p.write("Update on ", s.Rel, s.Query), nil
	case *physical.Delete:
		return p.write("Delete on ", s.Rel, s.Query), nil
	case *physical.CreateRelation:
		switch {
		case s.Rel.Sink != nil && s.View != nil:
			return append(p.settings(s.Rel), physical.ExplainView(s.View)...), nil
		case s.Rel.Connector != "":
			return p.settings(s.Rel), nil
		case s.View != nil:
			return append([]string{"Materialized View " + s.Rel.Name}, physical.ExplainView(s.View)...), nil
		case s.Query != nil:
			return physical.Explain(s.Query.Root, s.Query.Subplans), nil
		}
	}
	return nil, pgerr.Unsupported("EXPLAIN of this statement")
}

func (p *planning) write(title string, id catalog.ID, q *physical.Query) []string {
	lines := []string{title + p.env.Catalog.Relation(id).Name}
	for i, l := range physical.Explain(q.Root, q.Subplans) {
		if i == 0 {
			l = "->  " + l
		} else {
			l = "    " + l
		}
		lines = append(lines, "  "+l)
	}
	return lines
}

// fed tells of the relations that connectors feed how they do it.
func (p *planning) fed(reads []catalog.ID) []string {
	var lines []string
	for _, id := range reads {
		if r := p.env.Catalog.Relation(id); r != nil && r.Connector != "" {
			lines = append(lines, p.settings(r)...)
		}
	}
	return lines
}

// settings are the options of a relation that a connector feeds, or of a sink, without passwords.
func (p *planning) settings(r *catalog.Relation) []string {
	lines := []string{"Source of " + string(r.Kind) + " " + r.Name}
	if r.Sink != nil {
		lines[0] = "Sink " + r.Name
		if from := p.env.Catalog.Relation(r.Sink.From); from != nil {
			lines[0] += " of " + string(from.Kind) + " " + from.Name
		}
	}
	for _, o := range p.env.Catalog.ShownOptions(r.Options, r.Secrets) {
		lines = append(lines, "  "+o.Name+" = "+o.Value)
	}
	if f := r.Format; f != nil {
		lines = append(lines, "  FORMAT "+f.Format+" ENCODE "+f.Encode)
		for _, o := range p.env.Catalog.ShownOptions(f.Options, f.Secrets) {
			lines = append(lines, "    "+o.Name+" = "+o.Value)
		}
		if f.Key != "" {
			lines = append(lines, "  KEY ENCODE "+f.Key)
		}
		for _, o := range p.env.Catalog.ShownOptions(f.KeyOptions, f.KeySecrets) {
			lines = append(lines, "    "+o.Name+" = "+o.Value)
		}
	}
	return lines
}
