package funcs

import (
	"github.com/millracedb/millrace/sql/types"
)

// otherCasts are those of json and jsonb.
func otherCasts() []castRow {
	parse := fixed(BytesToBytes(func(dst, a []byte) ([]byte, error) { return types.AppendParsedJSONB(dst, types.Str(a)) }))
	return append(jsonbNumberCasts(), []castRow{
		{types.JSON, types.JSONB, Assignment, parse, false},
		{types.JSONB, types.JSON, Assignment, fixed(copyBytes), true},
	}...)
}
