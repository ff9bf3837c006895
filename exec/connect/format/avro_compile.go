package format

import (
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// avroProgram is what to do, in order, with the bytes of a value of one writer's schema.
type avroProgram struct {
	ops []avroOp
	// missing are the columns that the schema has nothing for.
	missing []int
}

type avroAct uint8

const (
	actSkip    avroAct = iota
	actInt             // into an integer column, within [lo, hi]
	actInstant         // units since 1970 into a timestamp column
	actDate
	actTime
	actBool
	actFloat
	actDouble
	actText  // a string into a column of text
	actBytes // into bytea
	actEnum
	actDecimal
	actFixed // the bytes as they are
	actDuration
	actGeneral // by the text of the value and the type's input function
	actDocument
	actArray
	actNull
	actInts   // int into float8
	actUnion  // programs, one a branch
	actBranch // several programs for the same value
)

// avroOp is one step of a program.
type avroOp struct {
	act avroAct
	// nullable: a union with null stands in front of the value; null is branch nullBranch.
	nullable   bool
	nullBranch byte
	unit       timeUnit
	col        int
	c          *column
	node       *avroNode
	lo, hi     int64
	size       int // of fixed
	scale      int
	programs   []avroProgram
}

// compileAvro makes the program for a writer's schema and the columns wanted of it.
func compileAvro(n *avroNode, want *object) (*avroProgram, error) {
	if n.kind != avroRecord {
		return nil, pgerr.Newf(pgerr.DatatypeMismatch, "schema is of type %s, not a record", n.name).
			WithHint("Columns are read from the fields of a record.")
	}
	c := avroCompiler{}
	p := &avroProgram{}
	if err := c.record(n, want, p); err != nil {
		return nil, err
	}
	p.dropTail()
	return p, nil
}

// compileAvroValue makes the program for a schema that is one column's value.
func compileAvroValue(n *avroNode, col *column) (*avroProgram, error) {
	c := avroCompiler{}
	p := &avroProgram{}
	err := c.value(n, &target{name: col.name, columns: []column{*col}}, p)
	return p, err
}

// dropTail leaves out skips that nothing follows. The data behind is not looked at then.
func (p *avroProgram) dropTail() {
	for len(p.ops) > 0 && p.ops[len(p.ops)-1].act == actSkip {
		p.ops = p.ops[:len(p.ops)-1]
	}
}

type avroCompiler struct {
	depth int
	path  []string
}

// record adds the steps for a record's fields.
func (c *avroCompiler) record(n *avroNode, want *object, p *avroProgram) error {
	if c.depth++; c.depth > maxDepth {
		return pgerr.New(pgerr.StatementTooComplex, "schema is nested too deeply")
	}
	defer func() { c.depth-- }()
	targets := targetsOf(n, want)
	found := map[*target]bool{}
	for i, f := range n.fields {
		t := targets[i]
		if t == nil {
			p.ops = append(p.ops, avroOp{act: actSkip, node: f.typ})
			continue
		}
		found[t] = true
		c.path = append(c.path, f.name)
		err := c.value(f.typ, t, p)
		c.path = c.path[:len(c.path)-1]
		if err != nil {
			return err
		}
	}
	for _, t := range want.targets {
		if !found[t] {
			p.missing = append(p.missing, t.allColumns()...)
		}
	}
	return nil
}

// targetsOf finds what is wanted of each field of a record. Of fields that could fill the same column one of its exact name
// goes first, then the first one that differs in case, then the first one that had the name before: an alias.
func targetsOf(n *avroNode, want *object) []*target {
	targets := make([]*target, len(n.fields))
	taken := map[*target]bool{}
	take := func(i int, t *target) {
		if t != nil && targets[i] == nil && !taken[t] {
			targets[i], taken[t] = t, true
		}
	}
	for i, f := range n.fields {
		take(i, want.byName[f.name])
	}
	for i, f := range n.fields {
		take(i, want.lookup(f.name))
	}
	for i, f := range n.fields {
		for _, alias := range f.aliases {
			take(i, want.lookup(alias))
		}
	}
	return targets
}

// allColumns are the columns of a field and of those below it.
func (t *target) allColumns() []int {
	var all []int
	for _, c := range t.columns {
		all = append(all, c.index)
	}
	if t.child != nil {
		for _, below := range t.child.targets {
			all = append(all, below.allColumns()...)
		}
	}
	return all
}

// value adds the steps for one field.
func (c *avroCompiler) value(n *avroNode, t *target, p *avroProgram) error {
	switch {
	case n.kind == avroUnion:
		return c.union(n, t, p)
	case len(t.columns) == 1 && t.child == nil:
		op, err := c.leaf(n, &t.columns[0])
		p.ops = append(p.ops, op)
		return err
	case len(t.columns) == 0 && n.kind == avroRecord:
		return c.record(n, t.child, p)
	case len(t.columns) == 0: // a path ends at what is no record
		p.ops = append(p.ops, avroOp{act: actSkip, node: n})
		p.missing = append(p.missing, t.allColumns()...)
		return nil
	}
	// Several readers of the same bytes.
	branch := avroOp{act: actBranch, node: n}
	for i := range t.columns {
		var one avroProgram
		if err := c.value(n, &target{name: t.name, columns: t.columns[i : i+1]}, &one); err != nil {
			return err
		}
		branch.programs = append(branch.programs, one)
	}
	if t.child != nil {
		var below avroProgram
		if err := c.value(n, &target{name: t.name, child: t.child}, &below); err != nil {
			return err
		}
		branch.programs = append(branch.programs, below)
	}
	p.ops = append(p.ops, branch)
	return nil
}

// union adds the step for a union: a flag on the step of the one type beside null, or a program a branch.
func (c *avroCompiler) union(n *avroNode, t *target, p *avroProgram) error {
	if len(n.types) == 2 && len(t.columns) == 1 && t.child == nil {
		for null, other := range []int{1, 0} {
			if n.types[null].kind != avroNull || n.types[other].kind == avroNull || n.types[other].kind == avroUnion {
				continue
			}
			op, err := c.leaf(n.types[other], &t.columns[0])
			op.nullable, op.nullBranch = true, byte(2*null)
			p.ops = append(p.ops, op)
			return err
		}
	}
	op := avroOp{act: actUnion, node: n}
	for _, branch := range n.types {
		var one avroProgram
		if branch.kind == avroNull {
			one.missing = t.allColumns()
		} else if err := c.value(branch, t, &one); err != nil {
			return err
		}
		op.programs = append(op.programs, one)
	}
	p.ops = append(p.ops, op)
	return nil
}

// leaf chooses how a value gets into its column.
func (c *avroCompiler) leaf(n *avroNode, col *column) (avroOp, error) {
	if n.kind == avroBytes && n.meaning == avroPlain && isText(col.typ.OID) {
		n = &avroNode{kind: avroString, name: n.name} // which is written alike
	}
	op := avroOp{col: col.index, c: col, node: n, unit: n.unit, size: n.size, scale: n.scale}
	var ok bool
	if op.act, ok = avroActOf(n, col); !ok {
		path := strings.Join(c.path, ".")
		if path == "" {
			path = col.name
		}
		return op, pgerr.Newf(pgerr.DatatypeMismatch, "field \"%s\" of type %s does not fit column \"%s\" of type %s", path, n.name, col.name, col.typ.OID).
			WithHint("Declare the column as %s.", avroColumnType(n).OID)
	}
	if op.act == actInt {
		op.lo, op.hi = intRange(col.typ.OID)
	}
	return op, nil
}

func isText(t types.OID) bool {
	return t == types.Text || t == types.Varchar || t == types.BPChar || t == types.Name
}

func intRange(t types.OID) (lo, hi int64) {
	switch t {
	case types.Int2:
		return -1 << 15, 1<<15 - 1
	case types.Int4:
		return -1 << 31, 1<<31 - 1
	}
	return -1 << 63, 1<<63 - 1
}

// avroActOf is what a column takes: its own kind of value directly, others by their text if they have a text of the
// column's type.
func avroActOf(n *avroNode, col *column) (avroAct, bool) {
	if n.kind == avroNull {
		return actNull, true
	}
	nested := n.kind == avroArray || n.kind == avroMap || n.kind == avroRecord && n.meaning != avroVariable || n.kind == avroUnion
	number := n.meaning == avroPlain && (n.kind == avroInt || n.kind == avroFloat || n.kind == avroDouble) ||
		n.meaning == avroDecimal || n.meaning == avroVariable
	text := n.kind == avroString && n.meaning != avroUUID
	switch oid := col.typ.OID; oid {
	case types.JSON, types.JSONB:
		return actDocument, true
	case types.Text:
		switch {
		case n.kind == avroString:
			return actText, true
		case n.kind == avroEnum:
			return actEnum, true
		case nested:
			return actDocument, true
		}
		return actGeneral, true
	case types.Varchar, types.BPChar, types.Name:
		return actGeneral, !nested
	case types.Bool:
		if n.kind == avroBool {
			return actBool, true
		}
		return actGeneral, text
	case types.Int2, types.Int4, types.Int8:
		if n.kind == avroInt && n.meaning == avroPlain {
			return actInt, true
		}
		return actGeneral, text || n.meaning == avroDecimal && n.scale == 0
	case types.Float8, types.Float4:
		if oid == types.Float8 && n.meaning == avroPlain {
			switch n.kind {
			case avroFloat:
				return actFloat, true
			case avroDouble:
				return actDouble, true
			case avroInt:
				return actInts, true
			}
		}
		return actGeneral, number || text
	case types.Numeric:
		if n.meaning == avroDecimal {
			return actDecimal, true
		}
		return actGeneral, number || text
	case types.Timestamp, types.TimestampTZ:
		if n.meaning == avroTimestamp || n.meaning == avroLocal || n.kind == avroInt && n.meaning == avroPlain {
			return actInstant, true
		}
		return actGeneral, text || n.meaning == avroDate
	case types.Date:
		if n.meaning == avroDate || n.kind == avroInt && n.meaning == avroPlain && n.name == "int" {
			return actDate, true
		}
		return actGeneral, text
	case types.Time:
		if n.meaning == avroTime {
			return actTime, true
		}
		return actGeneral, text
	case types.Interval:
		if n.meaning == avroDuration {
			return actDuration, true
		}
		return actGeneral, text
	case types.UUID:
		if n.meaning == avroUUID && n.kind == avroFixed {
			return actFixed, true
		}
		return actGeneral, n.kind == avroString
	case types.Bytea:
		switch {
		case n.kind == avroBytes || n.kind == avroString:
			return actBytes, true
		case n.kind == avroFixed:
			return actFixed, true
		}
		return actGeneral, false
	}
	if col.kind == kindArray {
		if n.kind == avroArray {
			elem := *col
			elem.typ, elem.kind = col.elem, kindOther
			items := n.items
			for items.kind == avroArray { // of several dimensions
				items = items.items
			}
			return actArray, items.kind == avroUnion || avroTakes(items, &elem)
		}
		return actGeneral, text
	}
	return actGeneral, text
}

func avroTakes(n *avroNode, col *column) bool {
	_, ok := avroActOf(n, col)
	return ok
}

// avroColumnType is the column type that holds a value best.
func avroColumnType(n *avroNode) types.Type {
	switch n.meaning {
	case avroDecimal, avroVariable:
		return types.T(types.Numeric)
	case avroUUID:
		return types.T(types.UUID)
	case avroDate:
		return types.T(types.Date)
	case avroTime:
		return types.T(types.Time)
	case avroTimestamp:
		return types.T(types.TimestampTZ)
	case avroLocal:
		return types.T(types.Timestamp)
	case avroDuration:
		return types.T(types.Interval)
	case avroJSONText:
		return types.T(types.JSONB)
	}
	switch n.kind {
	case avroBool:
		return types.T(types.Bool)
	case avroInt:
		if n.name == "int" {
			return types.T(types.Int4)
		}
		return types.T(types.Int8)
	case avroFloat:
		return types.T(types.Float4)
	case avroDouble:
		return types.T(types.Float8)
	case avroBytes, avroFixed:
		return types.T(types.Bytea)
	case avroString, avroEnum, avroNull:
		return types.T(types.Text)
	case avroArray:
		return avroArrayType(n)
	case avroUnion:
		if one := onlyType(n); one != nil {
			return avroColumnType(one)
		}
	}
	return types.T(types.JSONB)
}

// avroArrayType is an array of the items' type, or jsonb where there is none.
func avroArrayType(n *avroNode) types.Type {
	items := n.items
	if one := onlyType(items); items.kind == avroUnion && one != nil {
		items = one
	}
	switch items.kind {
	case avroArray, avroMap, avroRecord, avroUnion:
		if items.meaning == avroVariable {
			break
		}
		return types.T(types.JSONB)
	}
	if array, ok := types.ArrayOf(avroColumnType(items).OID); ok {
		return types.T(array)
	}
	return types.T(types.JSONB)
}

// onlyType is the type of a union that has one beside null.
func onlyType(n *avroNode) *avroNode {
	var one *avroNode
	for _, t := range n.types {
		if t.kind == avroNull {
			continue
		}
		if one != nil {
			return nil
		}
		one = t
	}
	return one
}
