package bind

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
)

// CreateSink binds CREATE SINK. A query, of AS SELECT or of a plain view that the sink is made FROM, is returned: its
// result is the sink's own. FinishSink completes the sink once it is known what the query's rows are.
func (b *Binder) CreateSink(stmt *ast.CreateSink) (*physical.CreateRelation, *logical.Query, error) {
	rel, err := b.newRelation(catalog.Sink, stmt.Name)
	if err != nil {
		return nil, nil, err
	}
	if rel.Options, rel.Secrets, err = b.secretOptions(stmt.Options); err != nil {
		return nil, nil, err
	}
	rel.Connector = strings.ToLower(rel.Options["connector"])
	rel.Sink = &catalog.SinkDef{}
	if rel.Format, err = b.sinkFormat(stmt.Format); err != nil {
		return nil, nil, err
	}
	out := &physical.CreateRelation{Rel: rel, IfNotExists: stmt.IfNotExists}
	query := stmt.Query
	if stmt.From != nil {
		if query, err = b.sinkFrom(rel, *stmt.From); err != nil {
			return nil, nil, err
		}
	}
	if query == nil {
		return out, nil, nil
	}
	q, err := b.viewQuery(rel, query, nil)
	return out, q, err
}

// sinkFrom gives rel the columns of the relation it is made from, or returns the query that reads a plain view.
func (b *Binder) sinkFrom(rel *catalog.Relation, n ast.ObjectName) (*ast.Select, error) {
	from, err := b.Relation(n)
	if err != nil {
		return nil, err
	}
	switch from.Kind {
	case catalog.View:
		name := funcs.QuoteIdent(from.Name)
		if sc := b.env.Catalog.SchemaByID(from.Schema); sc != nil {
			name = funcs.QuoteIdent(sc.Name) + "." + name
		}
		return parser.ParseSelect("SELECT * FROM " + name)
	case catalog.Table, catalog.Stream, catalog.MatView:
	default:
		return nil, pgerr.Newf(pgerr.WrongObjectType, `"%s" is a %s`, from.Name, from.Kind).
			WithHint("A sink sends the changes of a table, stream, view or materialized view.").At(n.Pos())
	}
	if from.Suspended != "" {
		return nil, pgerr.Newf(pgerr.ObjectNotInState, `materialized view "%s" is suspended: %s`, from.Name, from.Suspended).
			WithHint("Run REBUILD MATERIALIZED VIEW %s.", from.Name).At(n.Pos())
	}
	rel.Sink.From, rel.DependsOn = from.ID, []catalog.ID{from.ID}
	for _, c := range from.Columns {
		rel.Columns = append(rel.Columns, catalog.Column{Name: c.Name, Type: c.Type, NotNull: c.NotNull, Hidden: c.Hidden})
	}
	return nil, nil
}

// sinkFormat reads FORMAT ... ENCODE ...; without it a sink is FORMAT PLAIN ENCODE JSON.
func (b *Binder) sinkFormat(f *ast.Format) (*catalog.Format, error) {
	if f == nil {
		return &catalog.Format{Format: "PLAIN", Encode: "JSON"}, nil
	}
	out := &catalog.Format{Format: strings.ToUpper(f.Format), Encode: strings.ToUpper(f.Encode), Key: strings.ToUpper(f.Key)}
	var err error
	if out.Options, out.Secrets, err = b.secretOptions(f.Options); err != nil {
		return nil, err
	}
	if out.KeyOptions, out.KeySecrets, err = b.secretOptions(f.KeyOpts); err != nil {
		return nil, err
	}
	if out.Encode == "" {
		out.Encode = "JSON"
	}
	switch out.Format {
	case "":
		out.Format = "PLAIN"
	case "PLAIN", "UPSERT", "DEBEZIUM":
	default:
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "unrecognized format %q", f.Format).
			WithHint("Formats of a sink: PLAIN, UPSERT, DEBEZIUM.").At(f.Pos())
	}
	return out, nil
}

// FinishSink decides the key of a sink's records and checks its options. known is the key of the rows, nil if there is
// none; grows says that rows are only ever added.
func (b *Binder) FinishSink(stmt *ast.CreateSink, rel *catalog.Relation, known []int, grows bool) error {
	pos := stmt.Pos()
	if stmt.Format != nil {
		pos = stmt.Format.Pos()
	}
	given, err := sinkKey(rel)
	if err != nil {
		return err
	}
	switch f := rel.Format.Format; {
	case given != nil:
		rel.Sink.Key = given
	case f == "PLAIN":
	case known == nil:
		return pgerr.Newf(pgerr.InvalidParameterValue, "FORMAT %s needs a key, and the rows of \"%s\" have none", f, rel.Name).
			WithHint("Name the columns that identify a row: WITH (primary_key = 'a, b').").At(pos)
	default:
		rel.Sink.Key = slices.Clone(known)
	}
	if rel.Format.Format == "PLAIN" && !grows && !strings.EqualFold(rel.Format.Options["force_append_only"], "true") {
		return pgerr.New(pgerr.FeatureNotSupported, "FORMAT PLAIN sends rows that are never changed or taken back, which these are").
			WithHint("Use FORMAT UPSERT or DEBEZIUM, or send the new rows alone: FORMAT PLAIN ENCODE JSON (force_append_only = true).").At(pos)
	}
	if err := sinkOptions(rel); err != nil {
		return err
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	rel.Sink.Identity = hex.EncodeToString(id[:])
	return b.validateSink(rel)
}

// validateSink lets the connector look at a sink.
func (b *Binder) validateSink(rel *catalog.Relation) error {
	if b.env.Connectors == nil {
		return nil
	}
	revealed, err := b.env.Catalog.Revealed(rel)
	if err != nil {
		return err
	}
	return b.env.Catalog.HideError(rel, b.env.Connectors.ValidateSink(revealed))
}

// sinkKey reads primary_key = 'a, b'.
func sinkKey(rel *catalog.Relation) ([]int, error) {
	text, ok := rel.Options["primary_key"]
	if !ok {
		return nil, nil
	}
	var key []int
	for _, name := range strings.Split(text, ",") {
		name = strings.TrimSpace(name)
		if q := strings.TrimSuffix(strings.TrimPrefix(name, `"`), `"`); len(q) == len(name)-2 {
			name = strings.ReplaceAll(q, `""`, `"`)
		}
		i := rel.Column(name)
		if i < 0 {
			return nil, pgerr.Newf(pgerr.UndefinedColumn, "column \"%s\" named in key does not exist", name)
		}
		if slices.Contains(key, i) {
			return nil, pgerr.Newf(pgerr.DuplicateColumn, "column \"%s\" appears twice in primary key", name)
		}
		key = append(key, i)
	}
	return key, nil
}

// defaultSinkLimit is how many bytes of changes may wait for a sink that says nothing.
const defaultSinkLimit = 256 << 20

// sinkOptions reads the options that every sink has.
func sinkOptions(rel *catalog.Relation) error {
	d := rel.Sink
	d.Limit = defaultSinkLimit
	if text, ok := rel.Options["queue_limit"]; ok {
		n, err := byteSize(text)
		if err != nil {
			return err
		}
		d.Limit = n
	}
	d.NoRows = strings.EqualFold(rel.Options["snapshot"], "false")
	return rateLimit(rel)
}

// byteSize reads a size such as 64MB, in PostgreSQL's units.
func byteSize(text string) (int64, error) {
	digits, unit := strings.TrimSpace(text), int64(1)
	for _, u := range []struct {
		name  string
		bytes int64
	}{{"kB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", 1 << 40}, {"B", 1}} {
		if rest, ok := strings.CutSuffix(digits, u.name); ok {
			digits, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > (1<<62)/unit {
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, `invalid value for parameter "queue_limit": "%s"`, text).
			WithHint(`Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".`)
	}
	return n * unit, nil
}
