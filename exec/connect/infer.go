package connect

import (
	"context"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

// Inferred is what a connector found out about a relation that was created without a list of columns.
type Inferred struct {
	Columns    []catalog.Column
	PrimaryKey []string // of a table, by the records' keys; nil where they do not tell
	Notice     string   // says what was chosen, and from what
}

// SampleRecord is a record that types are guessed from.
type SampleRecord struct{ Key, Value []byte }

// Infer asks the connector for the columns of a relation that names none. It uses the network, within bounds. The
// relation's secrets are revealed.
func (r Registry) Infer(ctx context.Context, rel *catalog.Relation) (columns []catalog.Column, key []string, notice string, err error) {
	c, spec, err := r.Spec(rel)
	if err != nil {
		return nil, nil, "", err
	}
	if c.Infer == nil {
		return nil, nil, "", pgerr.Newf(pgerr.InvalidTableDefinition, "connector %s does not tell the columns", c.Name).
			WithHint("List the columns and their types.")
	}
	in, err := c.Infer(ctx, spec)
	if err != nil {
		return nil, nil, "", err
	}
	return in.Columns, in.PrimaryKey, in.Notice, nil
}
