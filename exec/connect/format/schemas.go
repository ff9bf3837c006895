package format

import (
	"context"
	"time"

	"github.com/millracedb/millrace/exec/connect/schema"
	"github.com/millracedb/millrace/sql/pgerr"
)

// schemaCache keeps what a decoder made of each writer's schema.
type schemaCache[P any] struct {
	ctx     func() context.Context
	kind    schema.Type
	client  *schema.Client // nil: the schema was given
	framed  bool           // records of a given schema have the registry's header
	given   P
	compile func(schema.Schema) (P, error)

	programs map[uint32]P
	bad      map[uint32]badProgram
	id       uint32 // of last
	last     P
	any      bool // last is set
}

// badProgram is a schema that is unknown to the registry or does not fit.
type badProgram struct {
	err   error
	until time.Time
}

func (c *schemaCache[P]) open(s side, kind schema.Type, compile func(schema.Schema) (P, error)) (err error) {
	c.ctx, c.kind, c.compile = s.ctx, kind, compile
	c.programs, c.bad = map[uint32]P{}, map[uint32]badProgram{}
	if s.registry() {
		c.client, err = s.client()
		return err
	}
	text, err := s.given()
	if err != nil {
		return err
	}
	c.framed = s.options[optFraming] == "confluent"
	c.given, err = compile(schema.Schema{Type: kind, Text: text})
	return err
}

// program returns what to do with a record, and the record without its header.
func (c *schemaCache[P]) program(record []byte) (P, []byte, error) {
	if c.client == nil {
		if !c.framed {
			return c.given, record, nil
		}
		_, data, err := schema.ReadHeader(record)
		return c.given, data, err
	}
	id, data, err := schema.ReadHeader(record)
	if err != nil {
		var none P
		return none, nil, err
	}
	if c.any && id == c.id {
		return c.last, data, nil
	}
	p, err := c.byID(id)
	if err == nil {
		c.id, c.last, c.any = id, p, true
	}
	return p, data, err
}

func (c *schemaCache[P]) byID(id uint32) (P, error) {
	if p, ok := c.programs[id]; ok {
		return p, nil
	}
	var none P
	if b, ok := c.bad[id]; ok && time.Now().Before(b.until) {
		return none, b.err
	}
	p, err := c.fetch(id)
	switch {
	case err == nil:
		c.programs[id] = p
	case Retryable(err):
		return none, err
	default:
		if len(c.bad) >= maxSlots { // ids are in records, which anyone can make up
			clear(c.bad)
		}
		c.bad[id] = badProgram{err, time.Now().Add(forgetAfter)}
	}
	return p, err
}

func (c *schemaCache[P]) fetch(id uint32) (P, error) {
	var none P
	if id > 1<<31-1 {
		return none, pgerr.Newf(pgerr.InvalidBinaryRepr, "record names schema id %d, which no registry gives", id)
	}
	s, err := c.client.ByID(c.ctx(), int(id))
	if err != nil {
		return none, err
	}
	if s.Type != c.kind {
		return none, pgerr.Newf(pgerr.DatatypeMismatch, "schema with id %d is written in %s, not %s", id, s.Type, c.kind)
	}
	return c.compile(s)
}
