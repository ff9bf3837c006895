package expr

import "testing"

// FuzzUnmarshal checks that bytes that are no expression give an error, and that what is read is written back.
func FuzzUnmarshal(f *testing.F) {
	for _, s := range []string{`{}`, `{"col":0,"type":"int8"}`, `{"call":"b +","sig":["int4","int4"],"args":[{"const":"1","type":"int4"},{"null":true,"type":"int4"}],"type":"int4"}`,
		`{"case":[{"const":"1","type":"bool"}],"type":"int4"}`, `{"subquery":"s","id":1,"type":"text"}`, `{"const":"x","type":"numeric:655366"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Unmarshal(b)
		if err != nil {
			return
		}
		again, err := Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Unmarshal(again)
		if err != nil || !Equal(e, back) {
			t.Fatalf("%s is read back as %s: %v", again, String(back), err)
		}
	})
}
