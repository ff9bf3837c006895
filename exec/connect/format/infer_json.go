package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// sampled is what the values of one field have been. Types grow upwards until they hold all of them:
//
//	               jsonb
//	                 |
//	               text
//	     /      |       |      \
//	boolean  double  timestamptz  timestamp
//	            |
//	    (numeric where integers pass bigint)
//	            |
//	         bigint
type sampled uint8

const (
	sampledNothing sampled = iota // null only: text
	sampledBool
	sampledInt
	sampledBigInt
	sampledFloat
	sampledInstant
	sampledLocal
	sampledText
	sampledNested
)

var sampledTypes = map[sampled]types.OID{
	sampledNothing: types.Text, sampledBool: types.Bool, sampledInt: types.Int8, sampledBigInt: types.Numeric,
	sampledFloat: types.Float8, sampledInstant: types.TimestampTZ, sampledLocal: types.Timestamp,
	sampledText: types.Text, sampledNested: types.JSONB,
}

// join is the narrowest type that holds what both do.
func (s sampled) join(o sampled) sampled {
	if s > o {
		s, o = o, s
	}
	switch {
	case s == o || s == sampledNothing:
		return o
	case o == sampledNested:
		return o
	case s == sampledInt && (o == sampledBigInt || o == sampledFloat), s == sampledBigInt && o == sampledFloat:
		return o
	}
	return sampledText
}

// sampler collects the fields of JSON objects in the order in which they appear.
type sampler struct {
	scan   *JSON
	names  []string
	kinds  map[string]sampled
	sample int // objects read
}

// maxSampled bounds the fields that become columns.
const maxSampled = 1000

// json takes the columns from records. Those that are no JSON are passed over.
func (in *inference) json(sample Sample) error {
	records, err := sample(in.ctx)
	if err != nil {
		return err
	}
	scan := newJSON(in.value, nil)
	values := sampler{scan: scan, kinds: map[string]sampled{}}
	keys := sampler{scan: scan, kinds: map[string]sampled{}}
	changes := &jsonChanges{JSON: scan}
	for _, r := range records {
		if r.Value == nil {
			continue
		}
		value := r.Value
		if in.format == "DEBEZIUM" {
			before, after, _, err := changes.parts(value)
			if value = after; value == nil {
				value = before
			}
			if err != nil || value == nil {
				continue
			}
		}
		values.object(value)
		if in.format != "PLAIN" && r.Key != nil && in.key0().name == "JSON" {
			if key, err := (&connectSchema{}).unwrap(scan, r.Key); err == nil {
				keys.object(key)
			}
		}
	}
	if values.sample == 0 {
		return in.noRecords("JSON objects")
	}
	if in.columns, err = values.columns(); err != nil {
		return err
	}
	in.from = fmt.Sprintf("%d records of topic \"%s\"", values.sample, in.Topic)
	key, err := keys.columns()
	in.addKey(key)
	return err
}

func (in *inference) noRecords(what string) error {
	return pgerr.Newf(pgerr.InvalidTableDefinition, "topic \"%s\" has no records to take columns from", in.Topic).
		WithHint("List the columns and their types, or wait for %s to arrive.", what)
}

func (s *sampler) columns() ([]catalog.Column, error) {
	if len(s.names) > maxSampled {
		return nil, pgerr.Newf(pgerr.TooManyColumns, "records have more than %d different fields", maxSampled).
			WithHint("List the columns that are wanted.")
	}
	var cols []catalog.Column
	for _, name := range s.names {
		cols = append(cols, catalog.Column{Name: name, Type: types.T(sampledTypes[s.kinds[name]])})
	}
	return cols, nil
}

// object adds the fields of an object, all or none.
func (s *sampler) object(b []byte) {
	p := skipSpace(b, 0)
	if p == len(b) || b[p] != '{' || types.ValidateJSON(types.Str(b)) != nil {
		return
	}
	s.sample++
	s.scan.eachField(b, p+1, func(raw, value []byte) {
		var name string
		if len(s.names) > maxSampled || json.Unmarshal(slices.Concat([]byte{'"'}, raw, []byte{'"'}), &name) != nil || name == "" {
			return
		}
		s.add(name, kindOfJSON(value))
	})
}

// add notes a value of a field.
func (s *sampler) add(name string, kind sampled) {
	have, seen := s.kinds[name]
	if !seen {
		s.names = append(s.names, name)
	}
	s.kinds[name] = have.join(kind)
}

func kindOfJSON(value []byte) sampled {
	switch value[0] {
	case 'n':
		return sampledNothing
	case 't', 'f':
		return sampledBool
	case '"':
		return kindOfText(string(value[1 : len(value)-1]))
	case '{', '[':
		return sampledNested
	}
	return kindOfNumber(value)
}

func kindOfNumber(text []byte) sampled {
	if bytes.ContainsAny(text, ".eE") {
		return sampledFloat
	}
	if _, err := types.ParseInt(types.Str(text), types.Int8); err != nil {
		return sampledBigInt
	}
	return sampledInt
}

// kindOfText tells the timestamps that programs write from other text.
func kindOfText(s string) sampled {
	if len(s) < 19 || s[4] != '-' || s[7] != '-' || s[10] != 'T' && s[10] != ' ' {
		return sampledText
	}
	if _, err := types.ParseI64(types.T(types.TimestampTZ), s, nil); err != nil {
		return sampledText
	}
	if zone := s[19:]; strings.HasSuffix(zone, "Z") || strings.ContainsAny(zone, "+-") {
		return sampledInstant
	}
	return sampledLocal
}
