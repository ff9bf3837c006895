package format

import (
	"maps"
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// Decoder appends the rows of records to a batch.
type Decoder interface {
	// Decode appends the rows of one record to dst, whose columns are the stream's, and counts them in
	// dst.N. Columns with Include are left to the caller, who appends to them afterwards. After an error,
	// which has a SQLSTATE, dst is unchanged.
	Decode(key, value []byte, dst *vec.Batch) error
}

// New returns the decoder for a stream's columns.
func New(f catalog.Format, columns []catalog.Column) (Decoder, error) {
	name := strings.ToUpper(f.Format)
	encode := strings.ToUpper(f.Encode)
	switch {
	case name != "" && name != "PLAIN":
		return nil, pgerr.Unsupported("FORMAT " + name)
	case encode != "" && encode != "JSON":
		return nil, pgerr.Unsupported("ENCODE " + encode)
	}
	return newJSON(f.Options, columns)
}

// checkOptions refuses options of FORMAT ... ENCODE ... (...) that are not among known.
func checkOptions(encode string, given map[string]string, known ...string) error {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, name) {
			return pgerr.Newf(pgerr.InvalidParameterValue, "unrecognized parameter \"%s\"", name).
				WithHint("Parameters of ENCODE %s: %s.", encode, strings.Join(known, ", "))
		}
	}
	return nil
}
