package format

import (
	"encoding/binary"
	"strings"

	"github.com/millracedb/millrace/sql/types"
)

// target is what is done with the value of a field.
type target struct {
	name    string
	columns []column
	child   *object // the fields below it, for paths
	visited uint64  // the record that last had it, where there is a child
}

type column struct {
	index int
	kind  valueKind
	typ   types.Type
	elem  types.Type // of an array
	name  string
	mark  uint64 // of JSON: the gen of the last record that filled it, plus 1 if by a field of the exact name

	// What a schema of Kafka Connect says of the value in JSON (connect.go).
	unit   timeUnit
	base64 bool // bytes, or the digits of a decimal
	scale  int
	inText bool // JSON as text

	// What the options say where no schema does.
	binary     binaryForm // of bytea
	jsonInText bool       // of json and jsonb
}

// object is the part of the schema at one level of nesting.
type object struct {
	targets []*target
	byName  map[string]*target
	byFold  map[string]*target // lower case
	slots   map[string]*slot   // every name seen, up to maxSlots
	order   []*slot            // the same, as they were first seen
	start   slot               // its next is the slot of the first field
}

// slot is a field name as it appears in records, and what is known of it.
type slot struct {
	name   string
	target *target // nil: nobody wants it
	simple *column // the target's only column, if that is all there is to it
	exact  uint64  // 1 if it is the target's exact name
	next   *slot   // the one that followed it last time
	place  int     // behind its own in object.order

	// The name, its quotes and the colon as two words to compare with a record's bytes, and their length; a
	// longer name has words that never match. size is 0 if the name is written with escapes, which could be
	// other ones next time.
	word, mask [2]uint64
	size       int
}

// maxSlots bounds what is remembered about the names in records, which anyone can make up.
const maxSlots = 1024

func newObject() *object { return &object{slots: map[string]*slot{}} }

func (o *object) add(path []string, c column) {
	var t *target
	for _, have := range o.targets {
		if have.name == path[0] {
			t = have
		}
	}
	if t == nil {
		t = &target{name: path[0]}
		o.targets = append(o.targets, t)
	}
	if len(path) == 1 {
		t.columns = append(t.columns, c)
		return
	}
	if t.child == nil {
		t.child = newObject()
	}
	t.child.add(path[1:], c)
}

func (o *object) eachColumn(do func(*column)) {
	for _, t := range o.targets {
		for i := range t.columns {
			do(&t.columns[i])
		}
		if t.child != nil {
			t.child.eachColumn(do)
		}
	}
}

func (o *object) index() {
	o.byName, o.byFold = map[string]*target{}, map[string]*target{}
	for _, t := range o.targets {
		o.byName[t.name] = t
		if fold := strings.ToLower(t.name); o.byFold[fold] == nil {
			o.byFold[fold] = t
		}
		if t.child != nil {
			t.child.index()
		}
	}
}

// slotOf returns the slot of a name.
func (o *object) slotOf(name []byte) *slot {
	if s := o.slots[string(name)]; s != nil {
		return s
	}
	s := &slot{name: string(name)}
	if s.target = o.byName[s.name]; s.target != nil {
		s.exact = 1
	} else {
		s.target = o.byFold[strings.ToLower(s.name)]
	}
	if t := s.target; t != nil && len(t.columns) == 1 && t.child == nil {
		s.simple = &t.columns[0]
	}
	s.prepare()
	if len(o.slots) < maxSlots {
		o.slots[s.name] = s
		o.order = append(o.order, s)
		s.place = len(o.order)
	}
	return s
}

// is reports whether b, of at least 16 bytes, begins with the slot's name in quotes and a colon.
func (s *slot) is(b []byte) bool {
	return binary.LittleEndian.Uint64(b)&s.mask[0] == s.word[0] && binary.LittleEndian.Uint64(b[8:])&s.mask[1] == s.word[1]
}

// nearBy is how many names are tried before one is looked up.
const nearBy = 16

// near finds the slot of the name at the start of b among those that were first seen behind another one, for fields that
// come and go.
func (o *object) near(last *slot, b []byte) *slot {
	i := last.place
	for range min(len(o.order), nearBy) {
		if i >= len(o.order) {
			i = 0
		}
		if s := o.order[i]; s.is(b) {
			return s
		}
		i++
	}
	return nil
}

// prepare fills the words to compare.
func (s *slot) prepare() {
	s.word[0] = 1 // and no mask: nothing equals it
	if strings.ContainsFunc(s.name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
		return
	}
	s.size = len(s.name) + 3
	var written [16]byte
	if s.size > len(written) {
		return
	}
	copy(written[:], `"`+s.name+`":`)
	for i := range s.size {
		s.mask[i/8] |= 0xff << (i % 8 * 8)
	}
	s.word[0], s.word[1] = binary.LittleEndian.Uint64(written[:]), binary.LittleEndian.Uint64(written[8:])
}
