package types

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
)

// JSONKind is the kind of a JSON value, in jsonb's order.
type JSONKind uint8

// The kinds. Arrays and objects sort after scalars.
const (
	JNull JSONKind = iota
	JString
	JNumber
	JBool
	JArray
	JObject
)

// String is jsonb_typeof's name.
func (k JSONKind) String() string {
	return [...]string{"null", "string", "number", "boolean", "array", "object"}[k]
}

// JSONNode is a jsonb value as a tree.
type JSONNode struct {
	Kind JSONKind
	Text string     // string: decoded; number: as numeric prints it; bool: true or false
	Keys []string   // object: sorted by length, then bytes
	Kids []JSONNode // array: elements; object: values of Keys
}

func (n *JSONNode) setNumber(s string) error {
	n.Kind = JNumber
	var buf, text [48]byte
	num, err := appendNumericLiteral(buf[:0], s)
	if err != nil {
		return err
	}
	n.Text = string(AppendNumericText(text[:0], num))
	return nil
}

// keyLess is jsonb's order of keys.
func keyLess(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// sortKeys sorts an object's keys and drops all but the last of equal ones.
func (n *JSONNode) sortKeys() {
	sorted := true
	for i := 1; i < len(n.Keys); i++ {
		if !keyLess(n.Keys[i-1], n.Keys[i]) {
			sorted = false
			break
		}
	}
	if sorted {
		return
	}
	sort.Stable(byKey{n})
	out := 0
	for i := range n.Keys {
		if i+1 < len(n.Keys) && n.Keys[i] == n.Keys[i+1] {
			continue
		}
		n.Keys[out], n.Kids[out] = n.Keys[i], n.Kids[i]
		out++
	}
	n.Keys, n.Kids = n.Keys[:out], n.Kids[:out]
}

type byKey struct{ n *JSONNode }

func (b byKey) Len() int           { return len(b.n.Keys) }
func (b byKey) Less(i, j int) bool { return keyLess(b.n.Keys[i], b.n.Keys[j]) }
func (b byKey) Swap(i, j int) {
	b.n.Keys[i], b.n.Keys[j] = b.n.Keys[j], b.n.Keys[i]
	b.n.Kids[i], b.n.Kids[j] = b.n.Kids[j], b.n.Kids[i]
}

// Find returns the value of an object's key, or nil.
func (n *JSONNode) Find(key string) *JSONNode {
	if n.Kind != JObject {
		return nil
	}
	i := sort.Search(len(n.Keys), func(i int) bool { return !keyLess(n.Keys[i], key) })
	if i < len(n.Keys) && n.Keys[i] == key {
		return &n.Kids[i]
	}
	return nil
}

// Append appends the canonical text: jsonb's output, and its representation in a column.
func (n *JSONNode) Append(dst []byte) []byte {
	switch n.Kind {
	case JNull:
		return append(dst, "null"...)
	case JString:
		return AppendJSONString(dst, n.Text)
	case JArray:
		dst = append(dst, '[')
		for i := range n.Kids {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = n.Kids[i].Append(dst)
		}
		return append(dst, ']')
	case JObject:
		dst = append(dst, '{')
		for i := range n.Kids {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = AppendJSONString(dst, n.Keys[i])
			dst = append(dst, ": "...)
			dst = n.Kids[i].Append(dst)
		}
		return append(dst, '}')
	}
	return append(dst, n.Text...)
}

// AppendParsedJSONB parses JSON text and appends the canonical text of its jsonb value.
func AppendParsedJSONB(dst []byte, s string) ([]byte, error) {
	n, err := ParseJSON(s)
	if err != nil {
		return dst, err
	}
	return n.Append(dst), nil
}

// readJSONB is the tree of a column's value, which is valid.
func readJSONB(b []byte) *JSONNode {
	n, err := ParseJSON(string(b))
	if err != nil {
		return new(JSONNode) // not reached for values made by this package; null is harmless
	}
	return n
}

// ReadJSONB is the tree of a jsonb column value.
func ReadJSONB(b []byte) *JSONNode { return readJSONB(b) }

// CompareJSONB orders jsonb values as its btree does.
func CompareJSONB(a, b []byte) int {
	return compareJSON(readJSONB(a), readJSONB(b), true)
}

// compareJSON compares trees. At the top a scalar counts as an array of one element, which the number of
// elements is compared before: so an empty array is less than a scalar. That quirk is PostgreSQL's.
func compareJSON(a, b *JSONNode, top bool) int {
	if top {
		sa, sb := a.Kind < JArray, b.Kind < JArray
		switch {
		case sa && b.Kind == JArray:
			if len(b.Kids) == 0 {
				return 1
			}
			return -1
		case sb && a.Kind == JArray:
			return -compareJSON(b, a, true)
		}
	}
	if a.Kind != b.Kind {
		return int(a.Kind) - int(b.Kind)
	}
	switch a.Kind {
	case JNull:
		return 0
	case JString:
		return strings.Compare(a.Text, b.Text)
	case JBool:
		return strings.Compare(a.Text, b.Text)
	case JNumber:
		var x, y [48]byte
		na, _ := appendNumericLiteral(x[:0], a.Text)
		nb, _ := appendNumericLiteral(y[:0], b.Text)
		return NumericCompare(na, nb)
	}
	if len(a.Kids) != len(b.Kids) {
		return len(a.Kids) - len(b.Kids)
	}
	for i := range a.Kids {
		if a.Kind == JObject {
			if c := strings.Compare(a.Keys[i], b.Keys[i]); c != 0 {
				return c
			}
		}
		if c := compareJSON(&a.Kids[i], &b.Kids[i], false); c != 0 {
			return c
		}
	}
	return 0
}

// JSONContains is a @> b.
func JSONContains(a, b *JSONNode) bool {
	if a.Kind == JArray && b.Kind < JArray {
		return containsElem(a, b) // at the top an array contains its scalars
	}
	return jsonContains(a, b)
}

func jsonContains(a, b *JSONNode) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case JObject:
		for i, k := range b.Keys {
			v := a.Find(k)
			if v == nil || !jsonContains(v, &b.Kids[i]) {
				return false
			}
		}
		return true
	case JArray:
		for i := range b.Kids {
			if !containsElem(a, &b.Kids[i]) {
				return false
			}
		}
		return true
	}
	return compareJSON(a, b, false) == 0
}

func containsElem(a, x *JSONNode) bool {
	return slices.ContainsFunc(a.Kids, func(k JSONNode) bool { return jsonContains(&k, x) })
}

// JSONExists is n ? key: a key of an object, a string in an array, or the string itself.
func JSONExists(n *JSONNode, key string) bool {
	switch n.Kind {
	case JObject:
		return n.Find(key) != nil
	case JArray:
		return slices.ContainsFunc(n.Kids, func(k JSONNode) bool { return k.Kind == JString && k.Text == key })
	}
	return n.Kind == JString && n.Text == key
}

// JSONConcat is a || b.
func JSONConcat(a, b *JSONNode) (*JSONNode, error) {
	if a.Kind == JObject && b.Kind == JObject {
		out := &JSONNode{Kind: JObject}
		out.Keys = append(append(out.Keys, a.Keys...), b.Keys...)
		out.Kids = append(append(out.Kids, a.Kids...), b.Kids...)
		out.sortKeys()
		return out, nil
	}
	out := &JSONNode{Kind: JArray}
	for _, n := range []*JSONNode{a, b} {
		if n.Kind == JArray {
			out.Kids = append(out.Kids, n.Kids...)
		} else {
			out.Kids = append(out.Kids, *n)
		}
	}
	return out, nil
}

// JSONDelete is n - key.
func JSONDelete(n *JSONNode, key string) (*JSONNode, error) {
	out := &JSONNode{Kind: n.Kind}
	switch n.Kind {
	case JObject:
		for i, k := range n.Keys {
			if k != key {
				out.Keys, out.Kids = append(out.Keys, k), append(out.Kids, n.Kids[i])
			}
		}
	case JArray:
		for _, k := range n.Kids {
			if k.Kind != JString || k.Text != key {
				out.Kids = append(out.Kids, k)
			}
		}
	default:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "cannot delete from scalar")
	}
	return out, nil
}

// JSONDeleteIndex is n - idx.
func JSONDeleteIndex(n *JSONNode, idx int) (*JSONNode, error) {
	switch n.Kind {
	case JObject:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "cannot delete from object using integer index")
	case JArray:
	default:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "cannot delete from scalar")
	}
	if idx < 0 {
		idx += len(n.Kids)
	}
	if idx < 0 || idx >= len(n.Kids) {
		return n, nil
	}
	kids := append(slices.Clone(n.Kids[:idx]), n.Kids[idx+1:]...)
	return &JSONNode{Kind: JArray, Kids: kids}, nil
}

// JSONStripNulls removes object fields that are null, at every depth.
func JSONStripNulls(n *JSONNode) *JSONNode {
	out := &JSONNode{Kind: n.Kind, Text: n.Text}
	for i := range n.Kids {
		if n.Kind == JObject {
			if n.Kids[i].Kind == JNull {
				continue
			}
			out.Keys = append(out.Keys, n.Keys[i])
		}
		out.Kids = append(out.Kids, *JSONStripNulls(&n.Kids[i]))
	}
	return out
}

// AppendJSONPretty is jsonb_pretty.
func AppendJSONPretty(dst []byte, n *JSONNode) []byte { return appendPretty(dst, n, 0) }

func appendPretty(dst []byte, n *JSONNode, depth int) []byte {
	if n.Kind < JArray {
		return n.Append(dst)
	}
	open, end := byte('['), byte(']')
	if n.Kind == JObject {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	for i := range n.Kids {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendIndent(dst, depth+1)
		if n.Kind == JObject {
			dst = append(AppendJSONString(dst, n.Keys[i]), ": "...)
		}
		dst = appendPretty(dst, &n.Kids[i], depth+1)
	}
	return append(appendIndent(dst, depth), end)
}

func appendIndent(dst []byte, depth int) []byte {
	dst = append(dst, '\n')
	for range depth {
		dst = append(dst, "    "...)
	}
	return dst
}

// appendJSONBKey appends a form that equal jsonb values share: the canonical text with numbers normalised.
func appendJSONBKey(dst, b []byte) []byte {
	if !slices.Contains(b, '.') {
		return append(dst, b...)
	}
	n := readJSONB(b)
	n.normNumbers()
	return n.Append(dst)
}

func (n *JSONNode) normNumbers() {
	if n.Kind == JNumber && strings.Contains(n.Text, ".") {
		n.Text = strings.TrimRight(strings.TrimRight(n.Text, "0"), ".")
		if n.Text == "-0" {
			n.Text = "0"
		}
	}
	for i := range n.Kids {
		n.Kids[i].normNumbers()
	}
}

// JSONScalarFromText builds the node of a scalar SQL value of type t from its text: numbers and bools stay
// what they are, anything else becomes a string.
func JSONScalarFromText(t OID, text string) JSONNode {
	switch t {
	case Bool:
		if text == "t" || text == "true" {
			return JSONNode{Kind: JBool, Text: "true"}
		}
		return JSONNode{Kind: JBool, Text: "false"}
	case Int2, Int4, Int8, Float4, Float8, Numeric:
		n := JSONNode{Kind: JNumber}
		if c := text[len(text)-1]; !isDigit(c) || n.setNumber(text) != nil {
			return JSONNode{Kind: JString, Text: text} // NaN and infinities
		}
		return n
	}
	return JSONNode{Kind: JString, Text: text}
}

// Index is n -> i: an array's element, counted from the end when i is negative, or nil. A scalar counts as an
// array of itself, since that is how jsonb stores one.
func (n *JSONNode) Index(i int) *JSONNode {
	if n.Kind < JArray && (i == 0 || i == -1) {
		return n
	}
	if n.Kind != JArray {
		return nil
	}
	if i < 0 {
		i += len(n.Kids)
	}
	if i < 0 || i >= len(n.Kids) {
		return nil
	}
	return &n.Kids[i]
}

// Path follows keys and element numbers, or returns nil.
func (n *JSONNode) Path(path []string) *JSONNode {
	for _, p := range path {
		switch n.Kind {
		case JObject:
			n = n.Find(p)
		case JArray:
			i, err := strconv.ParseInt(trimSpace(p), 10, 32)
			if err != nil {
				return nil
			}
			n = n.Index(int(i))
		default:
			return nil
		}
		if n == nil {
			return nil
		}
	}
	return n
}
