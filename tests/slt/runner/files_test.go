package runner

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millracedb/millrace/tests/rig"
)

var rewrite = flag.Bool("rewrite", false, "write the results into the files")

// TestFiles runs every SQL file under tests/slt, each as a subtest named by its path without .slt.
func TestFiles(t *testing.T) {
	const root = ".."
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".slt") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no .slt files")
	}
	for _, path := range files {
		name, _ := filepath.Rel(root, strings.TrimSuffix(path, ".slt"))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runFile(t, path)
		})
	}
}

func runFile(t *testing.T, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	server := rig.Millrace(t)
	sut := &system{
		name: "millrace", dsn: server.DSN(),
		restart: func() { server.Stop(); server.Restart() },
		kill:    func() { server.Kill9(); server.Restart() },
	}
	var judge *system
	if f.oracle {
		judge = &system{name: "postgres", dsn: rig.Database(t), rewrite: forPostgres}
	}
	results, err := run(f, sut, judge)
	if *rewrite {
		if err := os.WriteFile(path, []byte(f.rewrite(results)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
}
