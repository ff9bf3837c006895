package format

import (
	"context"
	"slices"
	"strings"

	"github.com/millracedb/millrace/exec/connect/schema"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// Decoder appends what records say to a batch.
type Decoder interface {
	// Decode appends the rows of one record to dst, whose columns are the relation's, and counts them in
	// dst.N; for a table also their weights, in dst.W. A record may have no row (a tombstone of FORMAT
	// DEBEZIUM). value is nil where the record has none. Columns that Skips names are left to the caller,
	// who appends to them afterwards.
	//
	// After an error, which has a SQLSTATE, dst is unchanged. An error that Retryable reports says nothing
	// about the record: the same call may succeed later.
	Decode(key, value []byte, dst *vec.Batch) error
	// Skips reports whether the decoder leaves a column to its caller: one of INCLUDE, unless KEY ENCODE
	// says how to read it.
	Skips(column int) bool
}

// Changer is a Decoder whose records may say more than rows do (FORMAT DEBEZIUM).
type Changer interface {
	Decoder
	// Said tells about the record that was decoded last.
	Said() Said
	// Break says that the next record does not follow the last one in its partition, or goes to another batch.
	Break()
}

// Said is what a record says beside its rows.
type Said struct {
	// Truncate: the table has lost all rows that it had.
	Truncate bool
	// Unchanged are the columns of the record's last row whose values the record does not tell: they are those of the
	// row that row number Of of the batch replaces or takes away; -1: of one that is not known. Valid until the next Decode.
	Unchanged []int
	Of        int
}

// Retryable reports whether a decoder's error is that a schema registry did not answer, or refused to.
func Retryable(err error) bool {
	if err == nil {
		return false
	}
	code := pgerr.Of(err).Code
	return strings.HasPrefix(code, "08") || strings.HasPrefix(code, "28") || code == pgerr.QueryCanceled
}

// Spec is what a decoder is made for.
type Spec struct {
	Format  catalog.Format
	Columns []catalog.Column
	// PrimaryKey has the key columns of a table. FORMAT UPSERT and DEBEZIUM need them.
	PrimaryKey []int
	// Topic names the subjects of a schema registry.
	Topic string
	// Context bounds requests to a schema registry; nil stands for context.Background.
	Context func() context.Context
}

// New returns the decoder for a relation's columns. It does not use the network.
func New(spec Spec) (Decoder, error) {
	m, err := newMaker(spec)
	if err != nil {
		return nil, err
	}
	switch m.format {
	case "PLAIN":
		return m.plain()
	case "UPSERT":
		return m.upsert()
	}
	return m.debezium()
}

// Check asks the schema registry that the format names, if any, whether the newest schema of the topic
// fits the columns. CREATE runs it.
func Check(ctx context.Context, spec Spec) error {
	m, err := newMaker(spec)
	if err != nil || !m.value.registry() && !m.key.registry() {
		return err
	}
	return m.check(ctx)
}

// maker makes the decoders of one relation.
type maker struct {
	Spec
	format string
	value  side
	key    side // encoding nil: KEY ENCODE is not given
}

// side is one half of a record: its value or its key.
type side struct {
	*encoding
	isKey   bool
	options map[string]string
	topic   string
	ctx     func() context.Context
}

// registry reports whether schemas come from a registry.
func (s side) registry() bool { return s.encoding != nil && s.options[optRegistry] != "" }

// field is a column that a decoder fills, and its place among the relation's.
type field struct {
	index int
	catalog.Column
}

func newMaker(spec Spec) (*maker, error) {
	if spec.Context == nil {
		spec.Context = context.Background
	}
	m := &maker{Spec: spec, format: strings.ToUpper(spec.Format.Format)}
	switch m.format {
	case "":
		m.format = "PLAIN"
	case "PLAIN":
	case "UPSERT", "DEBEZIUM":
		if len(spec.Columns) > 0 && len(spec.PrimaryKey) == 0 {
			return nil, pgerr.Newf(pgerr.InvalidTableDefinition, "FORMAT %s needs a primary key", m.format).
				WithHint("Its records change rows: use CREATE TABLE with PRIMARY KEY.")
		}
	default:
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "unrecognized format \"%s\"", m.format).
			WithHint("Available formats: PLAIN, UPSERT, DEBEZIUM.")
	}
	var err error
	if m.value, err = m.side(spec.Format.Encode, spec.Format.Options, false); err != nil {
		return nil, err
	}
	if spec.Format.Key != "" {
		if m.key, err = m.side(spec.Format.Key, spec.Format.KeyOptions, true); err != nil {
			return nil, err
		}
	}
	if m.format == "DEBEZIUM" && m.value.name != "JSON" && m.value.name != "AVRO" {
		return nil, pgerr.Unsupported("FORMAT DEBEZIUM ENCODE " + m.value.name)
	}
	return m, nil
}

// side reads ENCODE e (options). A key that names no registry of its own uses the value's.
func (m *maker) side(encode string, given map[string]string, isKey bool) (side, error) {
	name := strings.ToUpper(encode)
	if name == "" {
		name = "JSON"
	}
	i := slices.IndexFunc(encodings, func(e encoding) bool { return e.name == name })
	if i < 0 {
		return side{}, pgerr.Newf(pgerr.InvalidParameterValue, "unrecognized encoding \"%s\"", name).
			WithHint("Available encodings: %s.", strings.Join(encodingNames(), ", "))
	}
	e := &encodings[i]
	options, err := e.checkOptions(given)
	if err != nil {
		return side{}, err
	}
	s := side{encoding: e, isKey: isKey, options: options, topic: m.Topic, ctx: m.Context}
	if isKey && e.schemas && !s.registry() && options[optSchema] == "" && options[optLocation] == "" {
		for _, o := range registryOptions {
			if v, ok := m.value.options[o.Name]; ok && o.Name != optSubject {
				options[o.Name] = v
			}
		}
	}
	return s, s.checkSchemaSource()
}

// client returns the registry that the options name.
func (s side) client() (*schema.Client, error) {
	c := schema.Config{URLs: s.options[optRegistry], User: s.options[optRegistryUser], Password: s.options[optRegistryPassword]}
	if strings.Contains(strings.ToLower(c.URLs), "https:") {
		var err error
		if c.TLS, err = registryTLS.Config(s.options, "the schema registry"); err != nil {
			return nil, err
		}
	} else if o := registryTLS.Given(s.options); o != "" {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "parameter \"%s\" goes with a URL that begins with https", o)
	}
	return schema.Open(c)
}

// included reports whether a column tells about the record, beside its value.
func (m *maker) included(c catalog.Column) bool {
	return c.Include != "" && !m.keyColumn(c)
}

// keyColumn reports whether a column is one of INCLUDE KEY that KEY ENCODE says how to read.
func (m *maker) keyColumn(c catalog.Column) bool {
	return strings.EqualFold(c.Include, "key") && m.key.encoding != nil
}

// skips is the part of a decoder that remembers the columns of others.
type skips []bool

// Skips implements Decoder.
func (s skips) Skips(column int) bool { return column < len(s) && s[column] }

func (m *maker) skips() skips {
	s := make(skips, len(m.Columns))
	for i, c := range m.Columns {
		s[i] = m.included(c)
	}
	return s
}
