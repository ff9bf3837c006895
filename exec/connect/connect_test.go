package connect

import (
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

func TestOffsetsRoundTrip(t *testing.T) {
	for _, o := range []Offsets{{}, {0: 0}, {3: 17, 1: math.MaxInt64, 0: -2}, {math.MaxInt32: 1}} {
		b := append(o.AppendTo([]byte("x")), "rest"...)
		got, rest, err := DecodeOffsets(b[1:])
		if err != nil || !maps.Equal(got, o) || string(rest) != "rest" {
			t.Errorf("%v: got %v, %q, %v", o, got, rest, err)
		}
	}
}

func FuzzDecodeOffsets(f *testing.F) {
	f.Add(Offsets{1: 5, 2: 1 << 40}.AppendTo(nil))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, _, err := DecodeOffsets(b)
		if err != nil {
			return
		}
		if again, _, err := DecodeOffsets(o.AppendTo(nil)); err != nil || !maps.Equal(again, o) {
			t.Errorf("%v came back as %v, %v", o, again, err)
		}
	})
}

func TestCheckOptions(t *testing.T) {
	c := &Connector{Name: "pipe", Options: []Option{
		{Name: "path", Aliases: []string{"file"}, Required: true, Doc: "the file to read"},
		{Name: "mode", Default: "all", Values: []string{"all", "new"}},
	}}
	for _, tc := range []struct {
		with      map[string]string
		want      map[string]string
		code, msg string
	}{
		{with: map[string]string{"connector": "pipe", "file": "a", "retention": "1 day"}, want: map[string]string{"path": "a", "mode": "all"}},
		{with: map[string]string{"path": "a", "mode": "NEW"}, want: map[string]string{"path": "a", "mode": "new"}},
		{with: map[string]string{"path": "a", "colour": "red"}, code: pgerr.InvalidParameterValue, msg: `unrecognized parameter "colour"`},
		{with: map[string]string{"path": "a", "file": "b"}, code: pgerr.SyntaxError, msg: "conflicting or redundant options"},
		{with: map[string]string{"path": "a", "mode": "old"}, code: pgerr.InvalidParameterValue, msg: `invalid value for parameter "mode": "old"`},
		{with: map[string]string{}, code: pgerr.InvalidParameterValue, msg: `connector pipe needs the parameter "path"`},
	} {
		got, err := c.Check(tc.with)
		if tc.code == "" {
			if err != nil || !maps.Equal(got, tc.want) {
				t.Errorf("%v: got %v, %v", tc.with, got, err)
			}
			continue
		}
		if !pgerr.Is(err, tc.code) || err.Error() != tc.msg {
			t.Errorf("%v: got %v", tc.with, err)
		}
	}
}

func TestLookup(t *testing.T) {
	r := Registry{{Name: "kafka"}, {Name: "file"}}
	if c, err := r.Lookup("Kafka"); err != nil || c.Name != "kafka" {
		t.Errorf("got %v, %v", c, err)
	}
	_, err := r.Lookup("carrier-pigeon")
	if !pgerr.Is(err, pgerr.InvalidParameterValue) || !strings.Contains(pgerr.Of(err).Hint, "file, kafka") {
		t.Errorf("got %v", err)
	}
}

type idle struct{ Source }

func (idle) Close() {}

func TestValidate(t *testing.T) {
	var got StreamSpec
	r := Registry{{Name: "pipe", Options: []Option{{Name: "path", Required: true}}, Open: func(s StreamSpec) (Source, error) {
		got = s
		if s.Format.Encode == "AVRO" {
			return nil, pgerr.Unsupported("ENCODE AVRO")
		}
		return idle{}, nil
	}}}
	with := map[string]string{"connector": "pipe", "path": "x", "retention": "1 day"}
	if err := r.Validate(&catalog.Relation{Options: with, Format: &catalog.Format{Encode: "JSON"}, Columns: []catalog.Column{{Name: "a"}}}); err != nil {
		t.Fatal(err)
	}
	if got.Options["path"] != "x" || len(got.Options) != 1 || got.Format.Encode != "JSON" || len(got.Columns) != 1 {
		t.Errorf("the connector was told %+v", got)
	}
	if err := r.Validate(&catalog.Relation{Options: with, Format: &catalog.Format{Encode: "AVRO"}}); !pgerr.Is(err, pgerr.FeatureNotSupported) {
		t.Errorf("got %v", err)
	}
	for _, bad := range []map[string]string{{"connector": "tube"}, {"connector": "pipe"}} {
		if err := r.Validate(&catalog.Relation{Options: bad}); !pgerr.Is(err, pgerr.InvalidParameterValue) {
			t.Errorf("%v: got %v", bad, err)
		}
	}
}
