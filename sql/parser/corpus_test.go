package parser

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/ast"
)

// corpusText is one text a client was seen to send.
type corpusText struct {
	file string
	sql  string
}

var (
	corpusBreak = regexp.MustCompile(`(?m)^-- (?:simple|extended)\n`)
	psqlCommand = regexp.MustCompile(`(?m)^\\.*$`)
)

// corpus reads testdata/corpus: what drivers and tools send, one text behind each comment line.
func corpus(t testing.TB) []corpusText {
	t.Helper()
	files, err := filepath.Glob("testdata/corpus/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	var list []corpusText
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range corpusBreak.Split(string(text), -1) {
			if s = strings.TrimSpace(psqlCommand.ReplaceAllString(s, "")); s != "" {
				list = append(list, corpusText{filepath.Base(f), s})
			}
		}
	}
	return list
}

// sameTree compares trees but for positions.
func sameTree(a, b any) bool { return sameValue(reflect.ValueOf(a), reflect.ValueOf(b)) }

var locType = reflect.TypeOf(ast.Loc(0))

func sameValue(a, b reflect.Value) bool {
	if a.IsValid() != b.IsValid() {
		return false
	}
	if !a.IsValid() {
		return true
	}
	if a.Type() != b.Type() {
		return false
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return sameValue(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !sameValue(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).Type != locType && !sameValue(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	}
	return a.Interface() == b.Interface()
}

// TestCorpus parses what real clients send, writes it back, and parses that to the same tree.
func TestCorpus(t *testing.T) {
	n := 0
	for _, c := range corpus(t) {
		stmts, err := Parse(c.sql)
		if err != nil {
			t.Errorf("%s: %v\n%s", c.file, err, c.sql)
			continue
		}
		for _, s := range stmts {
			n++
			roundTrip(t, c.file, s)
		}
	}
	t.Logf("%d statements", n)
}

func roundTrip(t *testing.T, name string, s Stmt) {
	t.Helper()
	text := Deparse(s.Node)
	again, err := Parse(text)
	if err != nil || len(again) != 1 {
		t.Errorf("%s: deparsed text does not parse: %v\n%s\n%s", name, err, s.Text, text)
		return
	}
	if !sameTree(s.Node, again[0].Node) {
		t.Errorf("%s: deparsed text is another tree\n%s\n%s", name, s.Text, text)
	}
}
