package lint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

func report(t *testing.T, bad []string, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bad {
		t.Error(b)
	}
}

func TestImports(t *testing.T) {
	pkgs, err := list(root)
	if len(pkgs) < 10 {
		t.Errorf("go list found only %d packages", len(pkgs))
	}
	report(t, importLaw(pkgs), err)
}

func TestDocs(t *testing.T) {
	pkgs, err := list(root)
	report(t, docLaw(pkgs), err)
}

func TestTopLevel(t *testing.T)   { bad, err := topLevelLaw(root); report(t, bad, err) }
func TestSource(t *testing.T)     { bad, err := sourceLaw(root); report(t, bad, err) }
func TestNamedPaths(t *testing.T) { bad, err := pathLaw(root); report(t, bad, err) }

// The import law on single edges, each way.
func TestImportLawEdges(t *testing.T) {
	for _, tc := range []struct {
		from, to string
		ok       bool
	}{
		{"sql/expr", module + "/sql/vec", true},
		{"sql/expr", module + "/planner/bind", false},
		{"sql/expr", module + "/storage", false},
		{"storage", module + "/sql/types", false},
		{"planner/bind", module + "/sql/catalog", true},
		{"planner/bind", module + "/exec/op", false},
		{"exec/op", module + "/planner/physical", true},
		{"exec/op", module + "/planner/logical", false},
		{"exec/engine", module + "/exec/connect", true},
		{"exec/connect/kafka", module + "/exec/connect", true},
		{"exec/connect/kafka", module + "/exec/engine", false},
		{"exec/connect", module + "/storage", false},
		{"exec/query", module + "/server/session", false},
		{"server", module + "/planner", true},
		{"server", module + "/tests/rig", false},
		{"cmd/millrace", module + "/server", true},
		{"cmd/millrace", module + "/exec/engine", false},
		{"tests/incremental", module + "/exec/engine", true},
		{"sql/parser", "github.com/pingcap/tidb/pkg/parser", true},
		{"sql/expr", "github.com/pingcap/tidb/pkg/parser/ast", false},
		{"storage", "github.com/dgraph-io/badger/v4", true},
		{"exec/state", "github.com/dgraph-io/badger/v4", false},
		{"exec/connect/kafka", "github.com/twmb/franz-go/pkg/kgo", true},
		{"server", "github.com/twmb/franz-go/pkg/kgo", false},
		{"tests/rig", "github.com/twmb/franz-go/pkg/kgo", true},
		{"server/pgwire", "github.com/jackc/pgx/v5/pgproto3", true},
		{"exec/engine", "github.com/jackc/pgx/v5/pgproto3", false},
		{"util", "strings", false}, // a package outside every room
		{"sqlx", "strings", false}, // a name that merely begins like a room
		{"sql", "strings", true},
	} {
		bad := importLaw([]pkg{{ImportPath: module + "/" + tc.from, Imports: []string{tc.to}}})
		if ok := len(bad) == 0; ok != tc.ok {
			t.Errorf("%s -> %s: allowed is %v, want %v (%v)", tc.from, tc.to, ok, tc.ok, bad)
		}
	}
}

// A module seeded with one violation of every law: each must be found, by the same code that judges the
// real tree.
func TestSeededViolations(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":             "module " + module + "\n\ngo 1.26\n",
		"sql/doc.go":         "// Package sql is fine.\npackage sql\n",
		"storage/doc.go":     "// Package storage imports what it may not.\npackage storage\n\nimport _ \"" + module + "/sql\"\n",
		"exec/exec.go":       "// Package exec has no doc.go.\npackage exec\n",
		"exec/spaces.go":     "package exec\n\nvar  a int\n",
		"exec/long.go":       "package exec\n" + strings.Repeat("\n// a line\n", maxLines),
		"exec/later.go":      "package exec\n\n// TO" + "DO: write it.\n",
		"planner/doc.go":     "package planner\n",
		"README.md":          "See `exec/nowhere.go`, `exec/exec.go:1`, `sql/...`, [this](docs/none.md), [that](docs/a.md#part).\n",
		"docs/a.md":          "`./storage/doc.go` and `planner/*.go` are there, `storage/sub.Thing.Do` too, `go test ./...` is no path.\n",
		"storage/sub/doc.go": "// Package sub is fine.\npackage sub\n",
		"utils/helper.go":    "package utils\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pkgs, err := list(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := append(importLaw(pkgs), docLaw(pkgs)...)
	for _, law := range []func(string) ([]string, error){topLevelLaw, sourceLaw, pathLaw} {
		bad, err := law(dir)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, bad...)
	}
	want := []string{
		"storage: imports sql, which storage may not",
		module + "/utils: is in no room",
		module + "/exec: has no doc.go",
		module + "/utils: has no doc.go",
		module + "/planner: its doc.go does not begin with the package comment",
		"utils: has no place at the top",
		"exec/spaces.go: gofmt would change it",
		"exec/long.go: 1601 lines, more than 800",
		"exec/later.go: leaves something for later: TO" + "DO",
		"README.md: names exec/nowhere.go, which does not exist",
		"README.md: names docs/none.md, which does not exist",
	}
	for _, w := range want {
		if !contains(found, w) {
			t.Errorf("not found: %s", w)
		}
	}
	for _, f := range found {
		if !contains(want, f) {
			t.Errorf("found what is not there: %s", f)
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
