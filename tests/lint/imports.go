package lint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

const module = "github.com/millracedb/millrace"

// rooms says what each room may import of the module beside itself; the longest prefix that matches a
// package is its room. Imports run one way: sql and storage are leaves that do not know each other.
var rooms = map[string][]string{
	"sql":          nil,
	"storage":      nil,
	"planner":      {"sql"},
	"exec":         {"sql", "planner/physical", "storage"},
	"exec/connect": {"sql"}, // a connector knows its system and values; not epochs, plans or the store
	"server":       {"sql", "planner", "exec", "storage"},
	"cmd":          {"server"},
	"tests":        {"sql", "planner", "exec", "storage", "server", "cmd"},
}

// fences says who alone may import a library, besides tests.
var fences = map[string][]string{
	"github.com/pingcap/tidb":          {"sql/parser"},
	"github.com/dgraph-io/badger":      {"storage"},
	"github.com/twmb/franz-go":         {"exec/connect/kafka", "exec/connect/schema", "server/bench"}, // bench feeds a topic; schema is its registry client
	"github.com/jackc/pgx/v5/pgproto3": {"server"},                                                    // pgwire frames the messages, session answers them
}

// pkg is what the laws need of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string // of its production files
	GoFiles    []string
}

// list asks the go command for the packages of the module in dir.
func list(dir string) ([]pkg, error) {
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Imports,GoFiles", "./...")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return pkgs, nil
		} else if err != nil {
			return nil, err
		}
		pkgs = append(pkgs, p)
	}
}

// importLaw returns the imports that break the law.
func importLaw(pkgs []pkg) []string {
	var bad []string
	for _, p := range pkgs {
		from, ok := local(p.ImportPath)
		room := roomOf(from)
		if !ok || room == "" {
			bad = append(bad, fmt.Sprintf("%s: is in no room", p.ImportPath))
			continue
		}
		for _, imp := range p.Imports {
			if to, ok := local(imp); ok {
				if !mayImport(room, to) {
					bad = append(bad, fmt.Sprintf("%s: imports %s, which %s may not", from, to, room))
				}
				continue
			}
			for lib, owners := range fences {
				mine := slices.ContainsFunc(owners, func(o string) bool { return within(from, o) })
				if strings.HasPrefix(imp, lib) && !mine && room != "tests" {
					bad = append(bad, fmt.Sprintf("%s: imports %s, which only %s may", from, imp, strings.Join(owners, " and ")))
				}
			}
		}
	}
	slices.Sort(bad)
	return bad
}

// mayImport reports whether a package of room may import to. A room may always import itself; one that lies
// in another room (exec/connect in exec) may not import the outer one, but the outer one may import it.
func mayImport(room, to string) bool {
	if within(to, room) {
		return true
	}
	return slices.ContainsFunc(rooms[room], func(allowed string) bool { return within(to, allowed) })
}

func roomOf(path string) string {
	best := ""
	for room := range rooms {
		if within(path, room) && len(room) > len(best) {
			best = room
		}
	}
	return best
}

func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

func local(importPath string) (string, bool) { return strings.CutPrefix(importPath, module+"/") }
