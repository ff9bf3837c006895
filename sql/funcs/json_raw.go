package funcs

import (
	"strings"

	"github.com/millracedb/millrace/sql/types"
)

// decodeKey decodes a string literal.
func decodeKey(k string) string {
	if !strings.Contains(k, `\`) {
		return k[1 : len(k)-1]
	}
	return string(types.AppendJSONText(nil, k))
}

// stripRaw appends a json text without white space and without the object members that are null.
func stripRaw(dst []byte, s string) []byte {
	first := true
	comma := func() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
	}
	switch types.JSONKindOf(s) {
	case types.JObject:
		dst = append(dst, '{')
		types.JSONEach(s, func(k, v string) bool {
			if types.JSONKindOf(v) != types.JNull {
				comma()
				dst = stripRaw(append(append(dst, k...), ':'), v)
			}
			return true
		})
		return append(dst, '}')
	case types.JArray:
		dst = append(dst, '[')
		types.JSONElements(s, func(v string) bool {
			comma()
			dst = stripRaw(dst, v)
			return true
		})
		return append(dst, ']')
	}
	return append(dst, strings.Trim(s, " \t\n\r")...)
}
