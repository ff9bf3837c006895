package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/millracedb/millrace/sql/types"
)

// system is a server under test.
type system struct {
	name    string // what onlyif and skipif call it
	dsn     string
	restart func() // nil: it cannot be restarted, and need not be
	kill    func()
	rewrite func(sql string) string // from Millrace's dialect; nil: none needed

	conns   map[string]*pgconn.PgConn
	notices []string
}

// outcome is how a record ended on one system.
type outcome struct {
	rows    []string
	columns []uint32 // type OIDs
	count   int64
	err     *pgconn.PgError
}

const (
	recordTimeout = time.Minute
	retryTimeout  = 30 * time.Second
)

// run runs all records of f on sut, and on judge too unless that is nil. It returns the results for
// rewriting; the error tells all records that did not end as they should.
func run(f *file, sut, judge *system) (results map[int][]string, err error) {
	defer sut.close()
	if judge != nil {
		defer judge.close()
	}
	results = map[int][]string{}
	var failures []error
	for i := range f.records {
		r := &f.records[i]
		if r.kind == halt {
			break
		}
		rows, err := r.run(sut, judge)
		if err != nil {
			failures = append(failures, fmt.Errorf("line %d: %w\n\t%s", r.line, err, strings.ReplaceAll(r.sql, "\n", "\n\t")))
		}
		if r.kind == query || r.kind == copyOut {
			results[i] = rows
		}
		var down *unreachable
		if errors.As(err, &down) {
			break
		}
	}
	return results, errors.Join(failures...)
}

// unreachable is an error that makes running the rest of the file pointless.
type unreachable struct{ error }

func (r *record) run(sut, judge *system) ([]string, error) {
	if !r.runsOn(sut) {
		if judge != nil && r.runsOn(judge) {
			o, err := judge.exec(r)
			return o.rows, errors.Join(err, r.check(o, judge))
		}
		return r.result, nil
	}
	o, err := sut.exec(r)
	if err != nil {
		return nil, err
	}
	if r.retry {
		for deadline := time.Now().Add(retryTimeout); r.check(o, sut) != nil && time.Now().Before(deadline); {
			time.Sleep(20 * time.Millisecond)
			if o, err = sut.exec(r); err != nil {
				return nil, err
			}
		}
	}
	rows := o.rows
	var differs error
	if judge != nil && r.runsOn(judge) {
		want, err := judge.exec(r)
		if err != nil {
			return nil, fmt.Errorf("PostgreSQL: %w", err)
		}
		rows = want.rows
		differs = sameAs(o, want)
	}
	return rows, errors.Join(r.check(o, sut), differs)
}

func (r *record) runsOn(s *system) bool {
	return (r.onlyIf == "" || r.onlyIf == s.name) && !slices.Contains(r.skipIf, s.name)
}

// check compares an outcome with what the file expects.
func (r *record) check(o outcome, s *system) error {
	e := &r.expect
	if o.err != nil {
		shown := fmt.Sprintf("%s: %s", o.err.Code, o.err.Message)
		switch {
		case !e.fails:
			return fmt.Errorf("failed: %s", shown)
		case e.code != "" && e.code != o.err.Code, e.text != nil && !e.text.MatchString(shown):
			return fmt.Errorf("failed with another error: %s", shown)
		}
		return nil
	}
	switch {
	case e.fails:
		return fmt.Errorf("did not fail")
	case e.count >= 0 && e.count != o.count:
		return fmt.Errorf("changed %d rows, expected %d", o.count, e.count)
	case e.notice && !slices.ContainsFunc(s.notices, func(n string) bool { return e.text == nil || e.text.MatchString(n) }):
		return fmt.Errorf("no such notice, but %q", s.notices)
	}
	if r.kind != query && r.kind != copyOut {
		return nil
	}
	if r.kind == query {
		if err := checkTypes(r.types, o.columns); err != nil {
			return err
		}
	}
	want := sorted(r.result, r.sort)
	if !slices.EqualFunc(o.rows, want, func(a, b string) bool { return strings.TrimRight(a, " ") == strings.TrimRight(b, " ") }) {
		return fmt.Errorf("expected\n\t\t%s\n\tgot\n\t\t%s", strings.Join(want, "\n\t\t"), strings.Join(o.rows, "\n\t\t"))
	}
	return nil
}

// sameAs compares Millrace's outcome with PostgreSQL's.
func sameAs(got, want outcome) error {
	switch {
	case got.err != nil || want.err != nil:
		var a, b string
		if got.err != nil {
			a = got.err.Code
		}
		if want.err != nil {
			b = fmt.Sprintf("%s (%s)", want.err.Code, want.err.Message)
		}
		if got.err == nil || want.err == nil || got.err.Code != want.err.Code {
			return fmt.Errorf("ended with error %q, PostgreSQL with %q", a, b)
		}
	case !slices.Equal(got.columns, want.columns):
		return fmt.Errorf("has columns of types %v, PostgreSQL %v", got.columns, want.columns)
	case !slices.Equal(got.rows, want.rows):
		return fmt.Errorf("got\n\t\t%s\n\tPostgreSQL\n\t\t%s", strings.Join(got.rows, "\n\t\t"), strings.Join(want.rows, "\n\t\t"))
	}
	return nil
}

func checkTypes(letters string, columns []uint32) error {
	if len(letters) != len(columns) {
		return fmt.Errorf("%d columns, expected %d", len(columns), len(letters))
	}
	for i, c := range columns {
		actual := byte('T')
		switch types.OID(c) {
		case types.Int2, types.Int4, types.Int8, types.Oid:
			actual = 'I'
		case types.Float4, types.Float8, types.Numeric:
			actual = 'R'
		case types.Bool:
			actual = 'B'
		}
		if l := letters[i]; l != '?' && l != 'T' && l != actual {
			return fmt.Errorf("column %d is of type %d, a %c, expected %c", i+1, c, actual, l)
		}
	}
	return nil
}

// exec runs a record and returns how it ended. An error is one of the connection, not of the statement.
func (s *system) exec(r *record) (outcome, error) {
	switch r.kind {
	case restart, kill:
		s.close()
		if do := map[kind]func(){restart: s.restart, kill: s.kill}[r.kind]; do != nil {
			do()
		}
		return outcome{}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
	defer cancel()
	c, err := s.conn(ctx, r.connection)
	if err != nil {
		return outcome{}, &unreachable{err}
	}
	sql := r.sql
	if s.rewrite != nil {
		sql = s.rewrite(sql)
	}
	s.notices = nil
	var o outcome
	switch r.kind {
	case copyIn:
		var tag pgconn.CommandTag
		tag, err = c.CopyFrom(ctx, strings.NewReader(strings.Join(r.result, "\n")+"\n"), sql)
		o.count = tag.RowsAffected()
	case copyOut:
		var out bytes.Buffer
		var tag pgconn.CommandTag
		tag, err = c.CopyTo(ctx, &out, sql)
		o.count = tag.RowsAffected()
		if text := strings.TrimSuffix(out.String(), "\n"); text != "" {
			o.rows = strings.Split(text, "\n")
		}
	default:
		err = o.read(c.Exec(ctx, sql), r)
	}
	if err != nil && !errors.As(err, &o.err) {
		delete(s.conns, r.connection)
		c.Close(ctx)
		return outcome{}, fmt.Errorf("connection lost: %w", err)
	}
	return o, nil
}

// read takes the results of a simple query: the rows of the last one.
func (o *outcome) read(results *pgconn.MultiResultReader, r *record) error {
	for results.NextResult() {
		rr := results.ResultReader()
		o.columns, o.rows = nil, nil
		for _, f := range rr.FieldDescriptions() {
			o.columns = append(o.columns, f.DataTypeOID)
		}
		var row []string
		for rr.NextRow() {
			row = row[:0]
			for _, v := range rr.Values() {
				row = append(row, show(v))
			}
			if r.sort == "valuesort" {
				o.rows = append(o.rows, row...)
			} else {
				o.rows = append(o.rows, strings.Join(row, " "))
			}
		}
		tag, err := rr.Close()
		if err != nil {
			break // results.Close returns it
		}
		o.count = tag.RowsAffected()
	}
	o.rows = sorted(o.rows, r.sort)
	return results.Close()
}

func sorted(rows []string, mode string) []string {
	if mode == "rowsort" || mode == "valuesort" {
		rows = slices.Sorted(slices.Values(rows))
	}
	return rows
}

var escapes = strings.NewReplacer("\\", `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`)

func show(v []byte) string {
	switch {
	case v == nil:
		return "NULL"
	case len(v) == 0:
		return "(empty)"
	}
	return escapes.Replace(string(v))
}

func (s *system) conn(ctx context.Context, name string) (*pgconn.PgConn, error) {
	if c := s.conns[name]; c != nil && !c.IsClosed() {
		return c, nil
	}
	config, err := pgconn.ParseConfig(s.dsn)
	if err != nil {
		return nil, err
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { s.notices = append(s.notices, n.Message+"\n"+n.Detail) }
	c, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if s.conns == nil {
		s.conns = map[string]*pgconn.PgConn{}
	}
	s.conns[name] = c
	return c, nil
}

func (s *system) close() {
	for _, c := range s.conns {
		c.Close(context.Background())
	}
	s.conns = nil
}

// forPostgres turns the statements of an oracle file into PostgreSQL's: there, a stream is a table, and a
// view that is always up to date is a plain view.
func forPostgres(sql string) string {
	sql = streamWord.ReplaceAllString(sql, "${1}TABLE")
	return matViewWord.ReplaceAllString(sql, "${1}VIEW")
}

var (
	streamWord  = regexp.MustCompile(`(?im)^(\s*(?:CREATE|DROP|ALTER)\s+)STREAM\b`)
	matViewWord = regexp.MustCompile(`(?im)^(\s*(?:CREATE(?:\s+OR\s+REPLACE)?|DROP|ALTER)\s+)MATERIALIZED\s+VIEW\b`)
)
