package format

import (
	"context"

	"github.com/millracedb/millrace/exec/connect/schema"
	"github.com/millracedb/millrace/sql/pgerr"
)

// fits is a decoder that can say whether it could read records with a schema.
type fits interface{ fits(schema.Schema) error }

func (d *avroRows) fits(s schema.Schema) error {
	_, err := d.compile(s)
	return err
}

func (d *avroChanges) fits(s schema.Schema) error {
	_, err := d.compile(s)
	return err
}

func (d *protoRows) fits(s schema.Schema) error {
	_, err := d.compile(s)
	return err
}

// check compares the newest schemas of the topic with the columns.
func (m *maker) check(ctx context.Context) error {
	var value, key any
	dec, err := New(m.Spec)
	if err != nil {
		return err
	}
	switch d := dec.(type) {
	case *plain:
		value, key = d.value, d.key
	case *upsert:
		value, key = d.value, d.key
	case *debezium:
		value = d.change // the key is only read where a change lacks its row
	}
	if err := m.value.checkLatest(ctx, value); err != nil {
		return err
	}
	if m.key.encoding != nil {
		return m.key.checkLatest(ctx, key)
	}
	s := m.defaultKey()
	if _, ok := key.(fits); !ok {
		return nil
	}
	return withHint(s.checkLatest(ctx, key), "KEY ENCODE says how keys are written, if not as values are.")
}

// withHint gives an error a hint in place of its own.
func withHint(err error, hint string) error {
	if err == nil || Retryable(err) {
		return err
	}
	e := *pgerr.Of(err)
	e.Hint = hint
	return &e
}

// checkLatest compares the newest schema of a side's subject with what its decoder wants.
func (s side) checkLatest(ctx context.Context, d any) error {
	f, ok := d.(fits)
	if !ok || !s.registry() {
		return nil
	}
	cl, err := s.client()
	if err != nil {
		return err
	}
	subject, known := s.subject()
	if !known { // the records' names tell, and there is no record yet
		return nil
	}
	latest, err := cl.Latest(ctx, subject)
	if err != nil {
		return err
	}
	if err := s.kindOf(latest); err != nil {
		return err
	}
	return f.fits(latest)
}

// subject is where the registry keeps the schemas of the topic; known is false where only the records tell.
func (s side) subject() (subject string, known bool) {
	if name := s.options[optSubject]; name != "" {
		return name, true
	}
	message := s.options[optMessage]
	switch s.options[optStrategy] {
	case "record_name_strategy":
		return message, message != ""
	case "topic_record_name_strategy":
		return s.topic + "-" + message, message != ""
	}
	if s.isKey {
		return s.topic + "-key", true
	}
	return s.topic + "-value", true
}

// kindOf refuses a schema in another language than ENCODE says.
func (s side) kindOf(got schema.Schema) error {
	want := schema.Avro
	if s.name == "PROTOBUF" {
		want = schema.Protobuf
	}
	if got.Type == want {
		return nil
	}
	return pgerr.Newf(pgerr.DatatypeMismatch, "the topic's schema is written in %s, not %s", got.Type, want).
		WithHint("Use ENCODE %s.", got.Type)
}
