package runner

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// kind is what a record does.
type kind string

const (
	statement kind = "statement"
	query     kind = "query"
	copyIn    kind = "copy in"
	copyOut   kind = "copy out"
	restart   kind = "restart"
	kill      kind = "kill"
	halt      kind = "halt"
)

// record is one step of a file.
type record struct {
	line       int // of its first line, from 1
	kind       kind
	connection string // "": the default one
	onlyIf     string
	skipIf     []string
	sql        string

	expect expectation
	types  string // query: a letter a column
	sort   string // nosort, rowsort, valuesort
	retry  bool
	result []string // query, copy out: the expected lines; copy in: the data

	// The lines of the file that hold the result, for rewriting: [resultFrom, resultTo), from 0.
	resultFrom, resultTo int
	separator            bool // the file has the line ----
}

// expectation is how a record must end.
type expectation struct {
	fails  bool
	code   string         // SQLSTATE, "" any
	text   *regexp.Regexp // of the error message or notice, nil any
	notice bool
	count  int64 // -1: any
}

// file is a parsed SQL file.
type file struct {
	lines   []string
	oracle  bool
	records []record
}

func parse(text string) (*file, error) {
	f := &file{lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n")}
	p := parser{file: f}
	for p.at < len(f.lines) {
		if err := p.step(); err != nil {
			return nil, fmt.Errorf("line %d: %w", p.first+1, err)
		}
	}
	return f, nil
}

type parser struct {
	file    *file
	at      int // the next line
	first   int // the first line of the record
	pending record
}

// step reads a comment, an empty line, a prefix of a record, or a record.
func (p *parser) step() error {
	p.first = p.at
	line := strings.TrimSpace(p.file.lines[p.at])
	p.at++
	if line == "# oracle" {
		p.file.oracle = true
	}
	if line == "" || line[0] == '#' {
		return nil
	}
	words := strings.Fields(line)
	switch {
	case words[0] == "connection" && len(words) == 2:
		p.pending.connection = words[1]
		return nil
	case words[0] == "onlyif" && len(words) == 2:
		p.pending.onlyIf = words[1]
		return nil
	case words[0] == "skipif" && len(words) == 2:
		p.pending.skipIf = append(p.pending.skipIf, words[1])
		return nil
	}
	r := &p.pending
	r.line, r.expect.count = p.first+1, -1
	var err error
	switch {
	case words[0] == "statement" && len(words) >= 2:
		r.kind = statement
		err = r.expect.parse(words[1], strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line[len("statement"):]), words[1])))
	case words[0] == "query" && len(words) >= 2 && words[1] == "error":
		r.kind = statement
		err = r.expect.parse("error", strings.Join(words[2:], " "))
	case words[0] == "query" && len(words) >= 2:
		r.kind = query
		err = r.parseQuery(words[1:])
	case line == "copy in" || line == "copy out":
		r.kind = kind(line)
	case len(words) >= 3 && words[0] == "copy" && words[1] == "in" && words[2] == "error":
		r.kind = copyIn
		err = r.expect.parse("error", strings.Join(words[3:], " "))
	case line == "restart" || line == "kill" || line == "halt":
		r.kind = kind(line)
	default:
		err = fmt.Errorf("unknown directive %q", line)
	}
	if err != nil {
		return err
	}
	if err := p.body(r); err != nil {
		return err
	}
	p.file.records = append(p.file.records, *r)
	p.pending = record{}
	return nil
}

// body reads the SQL and, below a line ----, the result, up to an empty line.
func (p *parser) body(r *record) error {
	if r.kind == restart || r.kind == kill || r.kind == halt {
		return nil
	}
	var sql []string
	for ; p.at < len(p.file.lines) && p.file.lines[p.at] != "" && p.file.lines[p.at] != "----"; p.at++ {
		sql = append(sql, p.file.lines[p.at])
	}
	r.sql = strings.Join(sql, "\n")
	if strings.TrimSpace(r.sql) == "" {
		return fmt.Errorf("%s without SQL", r.kind)
	}
	r.resultFrom = p.at
	if p.at < len(p.file.lines) && p.file.lines[p.at] == "----" {
		if r.kind == statement {
			return fmt.Errorf("a statement has no result")
		}
		r.separator = true
		p.at++
		r.resultFrom = p.at
		for ; p.at < len(p.file.lines) && p.file.lines[p.at] != ""; p.at++ {
			r.result = append(r.result, p.file.lines[p.at])
		}
	}
	r.resultTo = p.at
	return nil
}

var sqlState = regexp.MustCompile(`^[0-9A-Z]{5}$`)

func (e *expectation) parse(word, rest string) error {
	switch word {
	case "ok":
		if rest != "" {
			return fmt.Errorf("unexpected %q", rest)
		}
		return nil
	case "count":
		n, err := strconv.ParseInt(rest, 10, 64)
		e.count = n
		return err
	case "error":
		e.fails = true
		if first, more, _ := strings.Cut(rest, " "); sqlState.MatchString(first) {
			e.code, rest = first, strings.TrimSpace(more)
		}
	case "notice":
		e.notice = true
	default:
		return fmt.Errorf("statement ok, error, notice or count, not %q", word)
	}
	if rest == "" {
		return nil
	}
	var err error
	e.text, err = regexp.Compile(rest)
	return err
}

func (r *record) parseQuery(words []string) error {
	r.types, r.sort = words[0], "nosort"
	if strings.Trim(r.types, "IRBT?") != "" {
		return fmt.Errorf("column types are letters of IRBT?, not %q", r.types)
	}
	for _, w := range words[1:] {
		switch w {
		case "nosort", "rowsort", "valuesort":
			r.sort = w
		case "retry":
			r.retry = true
		default:
			return fmt.Errorf("unknown option %q of a query", w)
		}
	}
	return nil
}

// rewrite returns the file's text with new results for some of its records, by record number.
func (f *file) rewrite(results map[int][]string) string {
	lines := slices.Clone(f.lines)
	for i := len(f.records) - 1; i >= 0; i-- {
		now, ok := results[i]
		if !ok {
			continue
		}
		r := &f.records[i]
		if !r.separator {
			now = append([]string{"----"}, now...)
		}
		lines = slices.Replace(lines, r.resultFrom, r.resultTo, now...)
	}
	return strings.Join(lines, "\n") + "\n"
}
