package format

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
)

// csv takes the columns from records: their names from the header, or c1, c2, ... without one, as many as the first line
// has values; their types as those of JSON, from what is written. Lines with another number of values, and those that are
// no CSV, are passed over.
func (in *inference) csv(sample Sample) error {
	if in.format != "PLAIN" {
		return pgerr.New(pgerr.InvalidTableDefinition, "ENCODE CSV does not tell the primary key").
			WithHint("List the columns and their types.")
	}
	made, err := newCSV(in.value, nil)
	if err != nil {
		return err
	}
	records, err := sample(in.ctx)
	if err != nil {
		return err
	}
	lines := csvSampler{csv: made.(*csv), fields: sampler{kinds: map[string]sampled{}}}
	for _, r := range records {
		if checkText(r.Value) == nil {
			lines.record(r.Value)
		}
	}
	if lines.fields.sample == 0 {
		return in.noRecords("lines")
	}
	in.from = fmt.Sprintf("%d lines of topic \"%s\"", lines.fields.sample, in.Topic)
	in.columns, err = lines.fields.columns()
	return err
}

// csvSampler collects the columns of lines.
type csvSampler struct {
	csv    *csv
	fields sampler
}

// csvText is a value as it is written.
type csvText struct {
	text   string
	quoted bool
}

// record adds the lines of a record.
func (s *csvSampler) record(b []byte) {
	p := 0
	var names []string
	for p < len(b) {
		values, end, err := s.csv.split(b, p)
		if err != nil {
			return
		}
		p = end
		if s.csv.header && names == nil {
			names = headerNames(values)
			continue
		}
		if names == nil {
			names = s.fields.names // those of the first line
			if s.fields.sample == 0 {
				names = headerNames(make([]csvText, len(values)))
			}
		}
		if len(values) != len(names) {
			continue
		}
		s.fields.sample++
		for i, v := range values {
			s.fields.add(names[i], s.kind(v))
		}
	}
}

// split reads the line at p.
func (d *csv) split(b []byte, p int) (values []csvText, end int, err error) {
	for {
		text, quoted, end, err := d.value(b, p)
		if err != nil {
			return nil, 0, err
		}
		values = append(values, csvText{string(text), quoted})
		if end == len(b) || b[end] != d.delimiter {
			return values, lineEnd(b, end), nil
		}
		p = end + 1
	}
}

// headerNames are the names in a header. A column without one, or with one that is taken, is called by its number.
func headerNames(values []csvText) []string {
	names := make([]string, len(values))
	taken := map[string]bool{}
	for i, v := range values {
		name := strings.TrimSpace(v.text)
		if name == "" || taken[name] {
			name = "c" + strconv.Itoa(i+1)
		}
		names[i], taken[name] = name, true
	}
	return names
}

// kind is what a value looks like. Digits behind a zero are no number: they would lose it.
func (s *csvSampler) kind(v csvText) sampled {
	text := v.text
	switch {
	case !v.quoted && text == s.csv.null:
		return sampledNothing
	case v.quoted:
		return kindOfText(text)
	case strings.EqualFold(text, "true"), strings.EqualFold(text, "false"):
		return sampledBool
	}
	digits := strings.TrimPrefix(text, "-")
	if len(digits) > 1 && digits[0] == '0' && digits[1]-'0' <= 9 || scanNumber([]byte(text+" "), 0) != len(text) || text == "" {
		return kindOfText(text)
	}
	return kindOfNumber([]byte(text))
}
