package types

import (
	"strconv"
)

// These functions walk JSON text that is known to be valid, a json or jsonb column value, without building
// a tree: the parts they return are slices of it. So json keeps its spelling, and jsonb's parts are
// canonical as they are.

// JSONKindOf is the kind of the value in raw.
func JSONKindOf(raw string) JSONKind {
	switch raw = trimSpace(raw); {
	case raw == "":
		return JNull
	case raw[0] == '{':
		return JObject
	case raw[0] == '[':
		return JArray
	case raw[0] == '"':
		return JString
	case raw[0] == 't' || raw[0] == 'f':
		return JBool
	case raw[0] == 'n':
		return JNull
	}
	return JNumber
}

// jsonSkip returns the end of the value that starts at i.
func jsonSkip(s string, i int) int {
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			i = jsonStringEnd(s, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\n', '\r', ':':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}

func jsonStringEnd(s string, i int) int {
	for i++; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(s))
}

// jsonNext skips white space and the given separator.
func jsonNext(s string, i int, sep byte) int {
	for i < len(s) && (isSpace(s[i]) || s[i] == sep) {
		i++
	}
	return i
}

// JSONEach calls fn with each key (quoted, as it stands) and value of an object until fn returns false; a
// value that is no object has none.
func JSONEach(raw string, fn func(key, value string) bool) {
	if JSONKindOf(raw) != JObject {
		return
	}
	for i := jsonNext(raw, 0, '{'); i < len(raw) && raw[i] == '"'; i = jsonNext(raw, i, ',') {
		end := jsonStringEnd(raw, i)
		key := raw[i:end]
		at := jsonNext(raw, end, ':')
		i = jsonSkip(raw, at)
		if !fn(key, raw[at:i]) {
			return
		}
	}
}

// JSONElements calls fn with each element of an array until fn returns false; a value that is no array has
// none.
func JSONElements(raw string, fn func(value string) bool) {
	if JSONKindOf(raw) != JArray {
		return
	}
	s := trimSpace(raw)
	for i := jsonNext(s, 1, ','); i < len(s) && s[i] != ']'; i = jsonNext(s, i, ',') {
		end := jsonSkip(s, i)
		if end == i || !fn(s[i:end]) {
			return
		}
		i = end
	}
}

// JSONLen is the number of elements of an array.
func JSONLen(raw string) int {
	n := 0
	JSONElements(raw, func(string) bool { n++; return true })
	return n
}

// JSONField is raw -> key: the value of an object's key, of the last one if it is there twice.
func JSONField(raw, key string) (value string, ok bool) {
	var buf [64]byte
	JSONEach(raw, func(k, v string) bool {
		if jsonKeyIs(k, key, buf[:0]) {
			value, ok = v, true
		}
		return true
	})
	return
}

// jsonKeyIs compares a quoted key with a plain one.
func jsonKeyIs(quoted, key string, buf []byte) bool {
	if body := quoted[1 : len(quoted)-1]; len(body) == len(key) || len(body) < len(key) {
		// An escape is never shorter than what it stands for.
		return body == key
	}
	return string(AppendJSONText(buf, quoted)) == key
}

// JSONElem is raw -> i: an array's element, counted from the end if i is negative.
func JSONElem(raw string, i int) (value string, ok bool) {
	if i < 0 {
		if i += JSONLen(raw); i < 0 {
			return "", false
		}
	}
	JSONElements(raw, func(v string) bool {
		if i == 0 {
			value, ok = v, true
		}
		i--
		return !ok
	})
	return
}

// JSONBElem is JSONElem for jsonb, where a scalar counts as an array of itself.
func JSONBElem(raw string, i int) (value string, ok bool) {
	if JSONKindOf(raw) < JArray && (i == 0 || i == -1) {
		return raw, true
	}
	return JSONElem(raw, i)
}

// JSONPath is raw #> path.
func JSONPath(raw string, path []string) (value string, ok bool) {
	value = trimSpace(raw)
	for _, p := range path {
		switch JSONKindOf(value) {
		case JObject:
			value, ok = JSONField(value, p)
		case JArray:
			i, err := strconv.ParseInt(trimSpace(p), 10, 32)
			if err != nil {
				return "", false
			}
			value, ok = JSONElem(value, int(i))
		default:
			return "", false
		}
		if !ok {
			return "", false
		}
	}
	return value, true
}

// AppendJSONText appends what ->> gives for raw, which is not null: a string decoded, anything else as it is.
func AppendJSONText(dst []byte, raw string) []byte {
	if raw = trimSpace(raw); raw == "" || raw[0] != '"' {
		return append(dst, raw...)
	}
	p := jsonParser{in: raw, keep: true, buf: dst[len(dst):]}
	if p.string(1) != nil {
		return append(dst, raw...) // a \u escape that is no character: json keeps it, text cannot
	}
	return append(dst, p.buf...)
}

// JSONTextError is the error, if any, of turning the json string raw into text: \u0000 and lone surrogates
// are valid json but no text.
func JSONTextError(raw string) error {
	if raw = trimSpace(raw); raw == "" || raw[0] != '"' {
		return nil
	}
	p := jsonParser{in: raw, keep: true}
	return p.string(1)
}
