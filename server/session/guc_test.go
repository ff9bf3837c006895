package session

import (
	"slices"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/pgerr"
)

func TestGucsAreSorted(t *testing.T) {
	if !slices.IsSortedFunc(gucs, func(a, b guc) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) }) {
		t.Error("gucs must be sorted by name: they are searched")
	}
	for _, g := range gucs {
		if g.Context == contextInternal || g.Name == "is_superuser" {
			continue
		}
		if v, err := g.check(g.Default); err != nil || v != g.Default {
			t.Errorf("%s does not take its own default %q: %q, %v", g.Name, g.Default, v, err)
		}
	}
	for _, r := range reported {
		if _, ok := findGuc(r); !ok {
			t.Errorf("no setting %s to report", r)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"statement_timeout", "5s", "5000"},
		{"statement_timeout", "1min", "60000"},
		{"statement_timeout", "100", "100"},
		{"statement_timeout", "1.5 s", "1500"},
		{"statement_timeout", "-1", "! 22023"},
		{"statement_timeout", "5 parsecs", "! 22023"},
		{"statement_timeout", "x", "! 22023"},
		{"work_mem", "1GB", "1048576"},
		{"work_mem", "4096", "4096"},
		{"query_memory_limit", "64MB", "67108864"},
		{"extra_float_digits", "3", "3"},
		{"extra_float_digits", "4", "! 22023"},
		{"jit", "TRUE", "on"},
		{"jit", "0", "off"},
		{"jit", "maybe", "! 22023"},
		{"client_min_messages", "WARNING", "warning"},
		{"client_min_messages", "loud", "! 22023"},
		{"synchronous_commit", "off", "off"},
		{"synchronous_commit", "false", "off"},
		{"DateStyle", "ISO", "ISO, MDY"},
		{"DateStyle", "ymd, iso", "ISO, YMD"},
		{"DateStyle", "SQL, DMY", "! 0A000"},
		{"DateStyle", "klingon", "! 22023"},
		{"TimeZone", "europe/berlin", "Europe/Berlin"},
		{"TimeZone", "+2", "<+02>-02"},
		{"TimeZone", "Mars/Base", "! 22023"},
		{"search_path", `a, "B"`, `a, "B"`},
		{"search_path", `a b`, "! 22023"},
		{"search_path", "", ""},
		{"client_encoding", "Unicode", "UTF8"},
		{"client_encoding", "'utf-8'", "UTF8"},
		{"IntervalStyle", "iso_8601", "! 0A000"},
		{"application_name", "naïve", "na??ve"},
	} {
		i, ok := findGuc(c.name)
		if !ok {
			t.Fatalf("no setting %s", c.name)
		}
		got, err := gucs[i].check(c.in)
		if err != nil {
			got = "! " + pgerr.Of(err).Code
		}
		if got != c.want {
			t.Errorf("%s = %q: %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

func TestShow(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"statement_timeout", "0", "0"}, {"statement_timeout", "90000", "90s"}, {"statement_timeout", "3600000", "1h"},
		{"statement_timeout", "1001", "1001ms"}, {"query_memory_limit", "67108864", "67108864"}, {"work_mem", "4096", "4MB"}, {"work_mem", "4097", "4097kB"},
		{"effective_cache_size", "524288", "4GB"},
	} {
		i, _ := findGuc(c.name)
		if got := gucs[i].show(c.value); got != c.want {
			t.Errorf("%s %s is shown as %q, want %q", c.name, c.value, got, c.want)
		}
	}
}

// TestTransactionalSettings goes through the ways a setting can change within a transaction.
func TestTransactionalSettings(t *testing.T) {
	const name = "work_mem"
	set := func(s *settings, v string, local bool) {
		t.Helper()
		if err := s.change(name, v, local); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		what              string
		do                func(s *settings)
		commit, roll, now string
	}{
		{"set", func(s *settings) { set(s, "100", false) }, "100", "64", "100"},
		{"local", func(s *settings) { set(s, "100", true) }, "64", "64", "100"},
		{"set then local", func(s *settings) { set(s, "100", false); set(s, "200", true) }, "100", "64", "200"},
		{"local then set", func(s *settings) { set(s, "100", true); set(s, "200", false) }, "200", "64", "200"},
		{"local, set, local", func(s *settings) { set(s, "100", true); set(s, "200", false); set(s, "300", true) }, "200", "64", "300"},
		{"back to a mark", func(s *settings) {
			set(s, "100", false)
			m := s.mark()
			set(s, "200", true)
			s.rollbackTo(m)
		}, "100", "64", "100"},
		{"reset", func(s *settings) {
			set(s, "100", false)
			_ = s.resetOne(name, false)
		}, "4096", "64", "4096"},
	} {
		i := mustGuc(name)
		for _, commit := range []bool{true, false} {
			s := newSettings(nil)
			set(s, "64", false)
			s.commit()
			c.do(s)
			if got := s.get(i); got != c.now {
				t.Errorf("%s: %s within the transaction, want %s", c.what, got, c.now)
			}
			want := c.roll
			if commit {
				s.commit()
				want = c.commit
			} else {
				s.rollbackTo(0)
			}
			if got := s.get(i); got != want {
				t.Errorf("%s, commit %v: %s, want %s", c.what, commit, got, want)
			}
		}
	}
}
