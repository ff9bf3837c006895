package physical

import "testing"

// FuzzDecode feeds damaged plans to Decode: an error or a view, never a panic.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `{"Format":2}`, `{"Format":1,"Nodes":[null],"Root":0}`,
		`{"Format":1,"Nodes":[{"Op":"scan","Out":[{"Name":"a","Type":20,"Mod":-1}],"Rel":16384,"Cols":[0]}],"Root":0,"Key":[0]}`,
		`{"Format":1,"Nodes":[{"Op":"scan","Out":[]},{"Op":"aggregate","In":[0],"Out":[],"Keys":[3]}],"Root":1}`,
		`{"Format":1,"Nodes":[{"Op":"map","In":[0],"Out":[]}],"Root":0}`,
		`{"Format":1,"Nodes":[{"Op":"scan","Out":[]},{"Op":"map","In":[0],"Out":[{"Name":"x","Type":23}],"Project":[{"col":7,"type":"int4"}]}],"Root":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Decode(data)
		if err != nil {
			return
		}
		if _, err := Encode(v); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		_ = v.Root.Fields()
	})
}

// TestDecodeDamaged lists damages that must be noticed.
func TestDecodeDamaged(t *testing.T) {
	for _, s := range []string{
		``, `[]`, `{}`, `{"Format":1}`, `{"Format":99,"Nodes":[],"Root":0}`,
		`{"Format":1,"Nodes":[{"Op":"nope"}],"Root":0}`,
		`{"Format":1,"Nodes":[{"Op":"distinct"}],"Root":0}`,
		`{"Format":1,"Nodes":[{"Op":"distinct","In":[0]}],"Root":0}`,
		`{"Format":1,"Nodes":[{"Op":"scan"},{"Op":"aggregate","In":[0],"Keys":[0]}],"Root":1}`,
		`{"Format":1,"Nodes":[{"Op":"scan"}],"Root":0,"Key":[0]}`,
		`{"Format":1,"Nodes":[{"Op":"scan"},{"Op":"map","In":[0],"Out":[{"Name":"x","Type":23}]}],"Root":1}`,
		`{"Format":1,"Nodes":[{"Op":"scan"},{"Op":"hop","In":[0],"Col":0}],"Root":1}`,
	} {
		if _, err := Decode([]byte(s)); err == nil {
			t.Errorf("accepted: %s", s)
		}
	}
}
