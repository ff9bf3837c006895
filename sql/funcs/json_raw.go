package funcs

import (
	"strings"

	"github.com/millracedb/millrace/sql/types"
)

// The functions of json (not jsonb) keep the text of the parts they take out as it was written. This file walks such
// a text; it has been validated when it became a json value.

func skipJSONSpace(s string) string { return strings.TrimLeft(s, " \t\n\r") }

// cutJSON splits s after the value it begins with.
func cutJSON(s string) (val, rest string) {
	if s == "" {
		return "", ""
	}
	switch s[0] {
	case '"':
		n := jsonStringLen(s)
		return s[:n], s[n:]
	case '{', '[':
		depth := 0
		for i := 0; i < len(s); i++ {
			switch s[i] {
			case '"':
				i += jsonStringLen(s[i:]) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return s[:i+1], s[i+1:]
				}
			}
		}
		return s, ""
	}
	if i := strings.IndexAny(s, ",]} \t\n\r"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// jsonStringLen is the length of the string literal that s begins with, quotes included.
func jsonStringLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// rawEach calls f for the members of an object or the elements of an array (whose key is empty) until it returns
// false. It reports whether s is an object (open '{') or array.
func rawEach(s string, open byte, f func(key, val string) bool) bool {
	s = skipJSONSpace(s)
	if s == "" || s[0] != open {
		return false
	}
	s = skipJSONSpace(s[1:])
	for s != "" && s[0] != ']' && s[0] != '}' {
		key := ""
		if open == '{' {
			key, s = cutJSON(s)
			s = skipJSONSpace(skipJSONSpace(s)[1:]) // the colon
		}
		var val string
		val, s = cutJSON(s)
		if !f(key, val) {
			return true
		}
		if s = skipJSONSpace(s); s != "" && s[0] == ',' {
			s = skipJSONSpace(s[1:])
		}
	}
	return true
}

// rawField finds the last member called key.
func rawField(s, key string) (val string, ok bool) {
	rawEach(s, '{', func(k, v string) bool {
		if decodeKey(k) == key {
			val, ok = v, true
		}
		return true
	})
	return val, ok
}

// decodeKey decodes a string literal.
func decodeKey(k string) string {
	if !strings.Contains(k, `\`) {
		return k[1 : len(k)-1]
	}
	n, err := types.ParseJSON(k)
	if err != nil {
		return k
	}
	return n.Text
}

// rawElement finds element n of an array, counted from the end if n is negative.
func rawElement(s string, n int) (val string, ok bool) {
	if n < 0 {
		have := 0
		rawEach(s, '[', func(string, string) bool { have++; return true })
		if n += have; n < 0 {
			return "", false
		}
	}
	rawEach(s, '[', func(_, v string) bool {
		if n == 0 {
			val, ok = v, true
		}
		n--
		return !ok
	})
	return val, ok
}

// rawKind is the kind of a json value.
func rawKind(s string) types.JSONKind {
	switch skipJSONSpace(s)[0] {
	case '{':
		return types.JObject
	case '[':
		return types.JArray
	case '"':
		return types.JString
	case 't', 'f':
		return types.JBool
	case 'n':
		return types.JNull
	}
	return types.JNumber
}

// stripRaw appends s without white space and without the object members that are null.
func stripRaw(dst []byte, s string) []byte {
	s = strings.Trim(s, " \t\n\r")
	if s == "" || s[0] != '{' && s[0] != '[' {
		return append(dst, s...)
	}
	open := s[0]
	dst = append(dst, open)
	first := true
	rawEach(s, open, func(k, v string) bool {
		if open == '{' && v == "null" {
			return true
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if open == '{' {
			dst = append(append(dst, k...), ':')
		}
		dst = stripRaw(dst, v)
		return true
	})
	return append(dst, open+2) // ] follows [ by two in ASCII, } follows {
}
