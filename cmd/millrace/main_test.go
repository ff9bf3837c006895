package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	pw := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(pw, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"MILLRACE_LISTEN": "127.0.0.1:1", "MILLRACE_DATA_DIR": "/env"}
	o, err := parseOptions([]string{"--data-dir", "/flag", "--memory-limit=2GB", "--durability", "async", "--password-file", pw},
		func(k string) (string, bool) { v, ok := env[k]; return v, ok }, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if o.DataDir != "/flag" || o.Listen != "127.0.0.1:1" || o.MemoryLimit != 2<<30 || !o.Async || o.Password != "secret" {
		t.Errorf("%+v", o.Config)
	}
	if o.HTTPListen != "127.0.0.1:8066" {
		t.Errorf("default of --http-listen is %q", o.HTTPListen)
	}
}

func TestWrongUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--nosuch"}, {"--durability", "maybe"}, {"--memory-limit", "lots"}, {"--memory-limit", "-1"}, {"--data-dir", ""},
		{"--password-file", "/nosuch"}, {"extra"}, {"serve", "extra"}, {"--log-level", "loud"}, {"nosuch"},
	} {
		var out, errOut bytes.Buffer
		if got := run(args, &out, &errOut); got != exitUsage {
			t.Errorf("%q: exit code %d, want %d", args, got, exitUsage)
		}
		if s := errOut.String(); !strings.HasPrefix(s, "millrace: ") || strings.Count(s, "\n") != 1 {
			t.Errorf("%q: %q is not one clear line", args, s)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--help"}, "MILLRACE_HTTP_LISTEN"}, {[]string{"help"}, "--data-dir"}, {[]string{"version"}, "millrace "},
	} {
		var out, errOut bytes.Buffer
		if got := run(c.args, &out, &errOut); got != exitOK || !strings.Contains(out.String(), c.want) {
			t.Errorf("%q: %d, %q", c.args, got, out.String())
		}
	}
}

func TestSize(t *testing.T) {
	for in, want := range map[string]int64{"1": 1, "1kB": 1024, "512MB": 512 << 20, "4GiB": 4 << 30, " 2 gb ": 2 << 30, "1T": 1 << 40} {
		if got, err := parseSize(in); err != nil || got != want {
			t.Errorf("%q: %d, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "x", "0", "-1GB", "1.5GB", "99999999999TB"} {
		if got, err := parseSize(in); err == nil {
			t.Errorf("%q: %d", in, got)
		}
	}
}
