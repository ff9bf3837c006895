package format

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// Encoder turns rows into the bytes of records: a Decoder's inverse. One is made for the values of a sink's records,
// another for their keys; each is used by one goroutine and allocates nothing per row but what dst grows by.
type Encoder interface {
	// Start is called before the first row of each life of the sink. It may use the network: a schema is registered.
	Start(ctx context.Context) error
	// Row appends row i of b, a batch of all columns of EncodeSpec.Columns, as a whole record.
	Row(dst []byte, b *vec.Batch, i int) ([]byte, error)
	// Change appends a change in Debezium's envelope: what the values of FORMAT DEBEZIUM are.
	Change(dst []byte, b *vec.Batch, c Change) ([]byte, error)
}

// Change is a change of one row, for Debezium's envelope.
type Change struct {
	Before, After int  // row numbers in the batch; -1: none
	Op            byte // 'c' created, 'u' updated, 'd' deleted, 'r' read: it is part of the sink's first snapshot
	Epoch         uint64
	Millis        int64 // when it is sent, milliseconds since 1970
}

// EncodeSpec is what an encoder is made for.
type EncodeSpec struct {
	Encode  string // JSON, AVRO, ... in upper case
	Format  string // PLAIN, UPSERT or DEBEZIUM: whether Row or Change makes a value; a key is always made by Row
	Key     bool   // the encoder makes records' keys
	Topic   string
	Name    string           // of the relation whose changes are sent
	Columns []catalog.Column // of the batches
	Cols    []int            // which of them a record holds
	Options map[string]string
}

// NewEncoder returns the encoder for one side of a sink's records. It uses no network.
func NewEncoder(s EncodeSpec) (Encoder, error) {
	switch s.Encode {
	case "JSON":
		return newJSONEncoder(s)
	case "TEXT", "BYTES":
		return newTextEncoder(s)
	case "AVRO":
		return newAvroEncoder(s)
	case "PROTOBUF":
		return newProtoEncoder(s)
	}
	return nil, pgerr.Unsupported("ENCODE " + strings.ToUpper(s.Encode) + " of a sink").
		WithHint("A sink encodes JSON, AVRO, PROTOBUF, TEXT and BYTES.")
}

// DefaultKey is how keys are encoded where KEY ENCODE does not say it: as the decoder reads them then, which is as values
// are, by their options, but for what these say of the values' schema alone; and as text where a schema was given, which
// is that of the values.
func DefaultKey(value EncodeSpec) (encode string, options map[string]string, err error) {
	options = maps.Clone(value.Options)
	delete(options, optSubject)
	if options[optRegistry] != "" || options[registryAlias] != "" {
		delete(options, optMessage)
		return value.Encode, options, nil
	}
	if value.Encode != "PROTOBUF" {
		return value.Encode, options, nil
	}
	if len(value.Cols) == 1 {
		return "TEXT", nil, nil
	}
	return "", nil, pgerr.New(pgerr.InvalidParameterValue, "keys of several columns need an encoding beside a schema that is given").
		WithHint("Add KEY ENCODE JSON, or KEY ENCODE PROTOBUF with a schema of its own.")
}

// sinkRegistry are the options of a registry that sinks have: all but how others name subjects.
var sinkRegistry = slices.DeleteFunc(names(registryOptions), func(name string) bool { return name == optStrategy })

// checkEncodeOptions refuses options of ENCODE ... (...) that are not among known, and returns them under their full names.
func checkEncodeOptions(s EncodeSpec, known ...string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(s.Options)) {
		full := name
		if i := slices.IndexFunc(encodings, func(e encoding) bool { return e.name == s.Encode }); i >= 0 {
			if o := encodings[i].option(name); o != nil {
				full = o.Name
			}
		}
		if _, twice := out[full]; twice {
			return nil, pgerr.New(pgerr.SyntaxError, "conflicting or redundant options").
				WithDetail("\"%s\" is another name of \"%s\".", name, full)
		}
		if !slices.Contains(known, full) {
			e := pgerr.Newf(pgerr.InvalidParameterValue, "unrecognized parameter \"%s\"", name)
			if len(known) == 0 {
				return nil, e.WithHint("ENCODE %s of a sink has no parameters.", s.Encode)
			}
			return nil, e.WithHint("Parameters of ENCODE %s of a sink: %s.", s.Encode, strings.Join(known, ", "))
		}
		out[full] = s.Options[name]
	}
	return out, nil
}

// subjectOf is where the registry keeps the schema of what is encoded.
func subjectOf(s EncodeSpec, options map[string]string) string {
	switch subject := options[optSubject]; {
	case subject != "":
		return subject
	case s.Key:
		return s.Topic + "-key"
	}
	return s.Topic + "-value"
}
