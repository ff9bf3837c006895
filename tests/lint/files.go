package lint

import (
	"bytes"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// topLevel is all that may lie at the top of the repository.
var topLevel = []string{
	"server", "sql", "planner", "exec", "storage", "cmd", "tests",
	"go.mod", "go.sum", "README.md",
	"docs", "LICENSE", ".ci", ".git", ".gitignore", ".golangci.yml",
}

// leftBehind matches what building and running leave at the top, which .gitignore names.
var leftBehind = regexp.MustCompile(`^(millrace|millrace-data|.*\.test|.*\.prof)$`)

func topLevelLaw(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var bad []string
	for _, e := range entries {
		if !slices.Contains(topLevel, e.Name()) && !leftBehind.MatchString(e.Name()) {
			bad = append(bad, fmt.Sprintf("%s: has no place at the top", e.Name()))
		}
	}
	return bad, nil
}

// maxLines is where a file usually hides two rooms.
const maxLines = 800

var (
	generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	// The words are spelt apart so that this file does not break its own law.
	leftForLater = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX|HA` + `CK)\b`)
)

// sourceLaw checks every Go file under root: it is formatted, not too long, and leaves nothing for later.
func sourceLaw(root string) ([]string, error) {
	var bad []string
	err := walk(root, ".go", func(path string, src []byte) {
		if generated.Match(src) {
			return
		}
		if out, err := format.Source(src); err != nil {
			bad = append(bad, fmt.Sprintf("%s: %v", path, err))
		} else if !bytes.Equal(out, src) {
			bad = append(bad, fmt.Sprintf("%s: gofmt would change it", path))
		}
		if n := bytes.Count(src, []byte("\n")); n > maxLines && !strings.HasSuffix(path, "_test.go") {
			bad = append(bad, fmt.Sprintf("%s: %d lines, more than %d", path, n, maxLines))
		}
		if m := leftForLater.Find(src); m != nil {
			bad = append(bad, fmt.Sprintf("%s: leaves something for later: %s", path, m))
		}
	})
	return bad, err
}

// docLaw checks that every package has a doc.go with a package comment; a command may have it in main.go.
func docLaw(pkgs []pkg) []string {
	var bad []string
	for _, p := range pkgs {
		if len(p.GoFiles) == 0 { // tests only
			continue
		}
		file, begin := "doc.go", "// Package "
		if !slices.Contains(p.GoFiles, file) && slices.Contains(p.GoFiles, "main.go") {
			file, begin = "main.go", "// "
		}
		src, err := os.ReadFile(filepath.Join(p.Dir, file))
		if err != nil {
			bad = append(bad, fmt.Sprintf("%s: has no doc.go", p.ImportPath))
		} else if !bytes.HasPrefix(src, []byte(begin)) {
			bad = append(bad, fmt.Sprintf("%s: its %s does not begin with the package comment", p.ImportPath, file))
		}
	}
	return bad
}

var (
	codeSpan = regexp.MustCompile("`([^`\n]+)`")
	mdLink   = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)\s]*)?\)`)
	// symbol is what follows a package in `sql/vec.Batch`.
	symbol = regexp.MustCompile(`\.[A-Z][A-Za-z0-9_.]*$`)
	// pathLike is a path from the top: code spans hold much else.
	pathLike = regexp.MustCompile(`^(?:\./)?((?:server|sql|planner|exec|storage|cmd|tests|docs|\.ci)(?:/[A-Za-z0-9_*-][A-Za-z0-9_.*-]*)+/?)(?::[0-9]+|/\.\.\.)?$`)
)

// pathLaw checks that the paths which README.md and docs/*.md name exist: links, and code spans that begin
// with a room.
func pathLaw(root string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		return nil, err
	}
	if readme := filepath.Join(root, "README.md"); exists(readme) {
		files = append(files, readme)
	}
	var bad []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		miss := func(target string) {
			rel, _ := filepath.Rel(root, file)
			bad = append(bad, fmt.Sprintf("%s: names %s, which does not exist", rel, target))
		}
		for _, m := range codeSpan.FindAllSubmatch(text, -1) {
			if p := pathLike.FindSubmatch(m[1]); p != nil && !exists(filepath.Join(root, string(p[1]))) &&
				!exists(filepath.Join(root, symbol.ReplaceAllString(string(p[1]), ""))) {
				miss(string(p[1]))
			}
		}
		for _, m := range mdLink.FindAllSubmatch(text, -1) {
			target := string(m[1])
			if !strings.Contains(target, ":") && !exists(filepath.Join(filepath.Dir(file), target)) {
				miss(target)
			}
		}
	}
	return bad, nil
}

// exists reports whether path, or anything that matches it as a pattern, exists.
func exists(path string) bool {
	found, err := filepath.Glob(path)
	return err == nil && len(found) > 0
}

func walk(root, ext string, visit func(path string, src []byte)) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata" || d.Name() == "millrace-data") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ext) {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		visit(rel, src)
		return err
	})
}
