package types

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/pgerr"
)

// fmtFields is what a template found in a text: PostgreSQL's TmFromChar.
type fmtFields struct {
	set            map[string]bool // fields set before, to find contradictions
	hh, mi, ss     int
	ssss           int
	pm, twelve     bool
	d, dd, ddd     int
	mm, year       int
	yearDigits     int
	bc             bool
	ww, w, cc, j   int
	ms, us         int
	tzSign         int
	tzh, tzm       int
	iso, gregorian bool
}

// fmtReader reads a text by a template.
type fmtReader struct {
	f     *TimeFormat
	in, s string
	v     fmtFields
	fixed bool // FX
	extra int  // spaces skipped beyond what the template named
}

// ParseTimestampTZ is to_timestamp(text, format): a timestamptz in loc.
func (f *TimeFormat) ParseTimestampTZ(s string, loc *time.Location) (int64, error) {
	r, c, err := f.read(s)
	if err != nil {
		return 0, err
	}
	local, _ := c.timestamp()
	west := -localOffset(local, loc)
	if r.v.tzSign != 0 {
		west = -r.v.tzSign * (r.v.tzh*3600 + r.v.tzm*60)
	}
	ts, ok := c.timestampTZ(west)
	if !ok {
		return 0, errTimestampRange()
	}
	return ts, nil
}

// ParseDate is to_date(text, format).
func (f *TimeFormat) ParseDate(s string) (int64, error) {
	_, c, err := f.read(s)
	if err != nil {
		return 0, err
	}
	if validJulian(c.year, c.mon) {
		if d := int64(c.julian() - pgEpochJDate); validDate(d) {
			return d, nil
		}
	}
	return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, `date out of range: "%s"`, s)
}

func (f *TimeFormat) read(s string) (*fmtReader, *civil, error) {
	r := &fmtReader{f: f, in: s, s: s, v: fmtFields{set: map[string]bool{}}}
	for i := range f.nodes {
		if r.s == "" {
			break
		}
		if err := r.step(i); err != nil {
			return nil, nil, err
		}
	}
	c, err := r.v.civil(s)
	return r, c, err
}

func (r *fmtReader) skipSpace() {
	for r.s != "" && isSpace(r.s[0]) {
		r.s = r.s[1:]
		r.extra++
	}
}

// step reads one node. Outside FX a separator in the template matches at most one in the text, and other
// literal text is skipped without comparing.
func (r *fmtReader) step(i int) error {
	n := &r.f.nodes[i]
	if !r.fixed && (n.key != "" || i == 0) {
		r.skipSpace()
	}
	switch {
	case r.s == "":
		return nil
	case n.key == "" && n.sep:
		r.separator()
		return nil
	case n.key == "":
		if !r.fixed && r.extra > 0 {
			r.extra--
		} else {
			r.s = r.s[runeLen(r.s):]
		}
		return nil
	case n.key == "FX":
		r.fixed = true
		return nil
	}
	if err := r.mode(n); err != nil {
		return err
	}
	if err := r.field(i, n); err != nil {
		return err
	}
	if !r.fixed {
		r.extra = 0
		r.skipSpace()
	}
	return nil
}

func (r *fmtReader) separator() {
	c := r.s[0]
	isSep := isSpace(c) || c > 0x20 && c < 0x7f && !isAlnum(c)
	if r.fixed {
		r.s = r.s[runeLen(r.s):]
		return
	}
	r.extra--
	if isSep {
		r.s = r.s[1:]
		r.extra++
	}
}

// mode refuses a mix of ISO 8601 week dates and the usual ones.
func (r *fmtReader) mode(n *fmtNode) error {
	switch n.key {
	case "IDDD", "ID", "IW", "IYYY", "IYY", "IY", "I":
		r.v.iso = true
	case "CC", "DDD", "DD", "D", "DAY", "DY", "MONTH", "MON", "MM", "Q", "RM", "WW", "W", "Y,YYY", "YYYY", "YYY", "YY", "Y", "AD", "BC", "A.D.", "B.C.":
		if n.key != "CC" && n.key != "Q" && !strings.ContainsAny(n.key, "AB.") {
			r.v.gregorian = true
		}
	}
	if r.v.iso && r.v.gregorian {
		return pgerr.New(pgerr.InvalidDatetimeFormat, "invalid combination of date conventions").
			WithHint("Do not mix Gregorian and ISO week date conventions in a formatting template.")
	}
	return nil
}

// patternLen is how many digits a pattern takes at most.
func patternLen(key string) int {
	switch key {
	case "HH24", "HH12":
		return 2
	case "MS":
		return 3
	case "US":
		return 6
	case "TZH", "TZM":
		return 2
	case "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		return int(key[2] - '0')
	}
	return len(key)
}

// digitPattern reports whether the pattern stands for digits.
func digitPattern(key string) bool {
	switch key {
	case "A.D.", "A.M.", "AD", "AM", "B.C.", "BC", "P.M.", "PM", "DAY", "DY", "MONTH", "MON", "RM", "TZ", "OF", "FX", "TZH":
		return false
	}
	return true
}

// greedy reports whether node i may take as many digits as there are, because what follows it is no digit.
func (r *fmtReader) greedy(i int) bool {
	n := &r.f.nodes[i]
	if n.fill || n.ordinal != 0 || i+1 == len(r.f.nodes) {
		return true
	}
	next := &r.f.nodes[i+1]
	if next.key != "" {
		return !digitPattern(next.key)
	}
	return !isDigit(next.text[0])
}

// integer reads the number of node i into dst; it returns how many bytes it took.
func (r *fmtReader) integer(dst *int, i int) (int, error) {
	n := &r.f.nodes[i]
	size := patternLen(n.key)
	for r.s != "" && isSpace(r.s[0]) {
		r.s = r.s[1:]
	}
	head := r.s[:min(size, len(r.s))]
	src := r.s
	if !r.greedy(i) {
		src = head
		if len(head) < size {
			return 0, pgerr.Newf(pgerr.InvalidDatetimeFormat, `source string too short for "%s" formatting field`, n.name()).
				WithDetail("Field requires %d characters, but only %d remain.", size, len(head)).
				WithHint(`If your source string is not fixed-width, try using the "FM" modifier.`)
		}
	}
	v, rest, ok := strtoint(src)
	used := len(src) - len(rest)
	switch {
	case used == 0:
		return 0, r.invalid(n, head).WithDetail("Value must be an integer.")
	case !ok:
		return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, `value for "%s" in source string is out of range`, n.name()).
			WithDetail("Value must be in the range %d to %d.", math.MinInt32, math.MaxInt32)
	case len(src) == len(head) && !r.greedy(i) && used < size:
		return 0, r.invalid(n, head).
			WithDetail("Field requires %d characters, but only %d could be parsed.", size, used).
			WithHint(`If your source string is not fixed-width, try using the "FM" modifier.`)
	}
	r.s = r.s[used:]
	if n.ordinal != 0 && len(r.s) >= 2 {
		r.s = r.s[2:]
	}
	if dst == nil {
		return used, nil
	}
	return used, r.v.store(dst, v, n)
}

func (r *fmtReader) invalid(n *fmtNode, s string) *pgerr.Error {
	return pgerr.Newf(pgerr.InvalidDatetimeFormat, `invalid value "%s" for "%s"`, s, n.name())
}

// name is the pattern as the template wrote it.
func (n *fmtNode) name() string {
	switch n.letter {
	case caseLower:
		return strings.ToLower(n.key)
	case caseTitle:
		return titledPatterns[n.key]
	}
	return n.key
}

func (v *fmtFields) store(dst *int, val int, n *fmtNode) error {
	if *dst != 0 && *dst != val {
		return pgerr.Newf(pgerr.InvalidDatetimeFormat, `conflicting values for "%s" field in formatting string`, n.name()).
			WithDetail("This value contradicts a previous setting for the same field type.")
	}
	*dst = val
	return nil
}

func (r *fmtReader) field(i int, n *fmtNode) error {
	v := &r.v
	var dst *int
	switch n.key {
	case "HH", "HH12":
		v.twelve = true
		dst = &v.hh
	case "HH24":
		dst = &v.hh
	case "MI":
		dst = &v.mi
	case "SS":
		dst = &v.ss
	case "SSSS", "SSSSS":
		dst = &v.ssss
	case "MM":
		dst = &v.mm
	case "DDD", "IDDD":
		dst = &v.ddd
	case "DD":
		dst = &v.dd
	case "WW", "IW":
		dst = &v.ww
	case "W":
		dst = &v.w
	case "CC":
		dst = &v.cc
	case "J":
		dst = &v.j
	case "TZM":
		dst = &v.tzm
		if v.tzSign == 0 {
			v.tzSign = 1
		}
	case "Q":
	default:
		return r.special(i, n)
	}
	_, err := r.integer(dst, i)
	return err
}

func (r *fmtReader) special(i int, n *fmtNode) error {
	v := &r.v
	switch n.key {
	case "MS", "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		dst, digits := &v.us, 6
		if n.key == "MS" {
			dst, digits = &v.ms, 3
		}
		used, err := r.integer(dst, i)
		for ; used < digits; used++ {
			*dst *= 10
		}
		return err
	case "D", "ID":
		if _, err := r.integer(&v.d, i); err != nil {
			return err
		}
		if n.key == "ID" { // Sunday is 1 within
			if v.d++; v.d > 7 {
				v.d = 1
			}
		}
		return nil
	case "AM", "PM", "A.M.", "P.M.":
		k, err := r.word(n, meridiems[:])
		v.pm, v.twelve = k%2 == 1, true
		return err
	case "AD", "BC", "A.D.", "B.C.":
		k, err := r.word(n, eras[:])
		v.bc = k%2 == 1
		return err
	case "MONTH", "MON":
		names := monthNames[:]
		if n.key == "MON" {
			names = shortNames(names)
		}
		k, err := r.word(n, names)
		if err != nil {
			return err
		}
		return v.store(&v.mm, k+1, n)
	case "DAY", "DY":
		names := dayNames[:]
		if n.key == "DY" {
			names = shortNames(names)
		}
		k, err := r.word(n, names)
		if err != nil {
			return err
		}
		return v.store(&v.d, k+1, n)
	case "RM":
		k, err := r.word(n, romanDown[:])
		if err != nil {
			return err
		}
		return v.store(&v.mm, 12-k, n)
	case "TZ", "OF":
		return pgerr.Newf(pgerr.FeatureNotSupported, `formatting field "%s" is only supported in to_char`, n.name())
	case "TZH":
		return r.zoneHour(i)
	}
	return r.yearField(i, n)
}

var (
	meridiems = [...]string{"am", "pm", "a.m.", "p.m."}
	eras      = [...]string{"ad", "bc", "a.d.", "b.c."}
	// romanDown has the longer numerals before those they begin with.
	romanDown = [...]string{"XII", "XI", "X", "IX", "VIII", "VII", "VI", "V", "IV", "III", "II", "I"}
)

func shortNames(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n[:3]
	}
	return out
}

// word reads one of the words, in any case, and returns its number.
func (r *fmtReader) word(n *fmtNode, words []string) (int, error) {
	// A.M. and AM are told apart by the pattern.
	lo, hi := 0, len(words)
	if len(words) == 4 {
		if lo = 0; strings.Contains(n.key, ".") {
			lo = 2
		}
		hi = lo + 2
	}
	for i := lo; i < hi; i++ {
		if w := words[i]; len(r.s) >= len(w) && strings.EqualFold(r.s[:len(w)], w) {
			r.s = r.s[len(w):]
			return i, nil
		}
	}
	end := span(r.s, func(c byte) bool { return !isSpace(c) })
	return 0, r.invalid(n, r.s[:end]).
		WithDetail("The given value did not match any of the allowed values for this field.")
}

// zoneHour reads +hh. The minus sign may have been taken for a separator.
func (r *fmtReader) zoneHour(i int) error {
	switch c := r.s[0]; {
	case c == '+' || c == '-' || c == ' ':
		r.v.tzSign = 1
		if c == '-' {
			r.v.tzSign = -1
		}
		r.s = r.s[1:]
	default:
		r.v.tzSign = 1
		if at := len(r.in) - len(r.s); r.extra > 0 && at > 0 && r.in[at-1] == '-' {
			r.v.tzSign = -1
		}
	}
	_, err := r.integer(&r.v.tzh, i)
	return err
}

func (r *fmtReader) yearField(i int, n *fmtNode) error {
	v := &r.v
	if n.key == "Y,YYY" {
		head, tail, ok := strings.Cut(r.s, ",")
		thousands, err := strconv.Atoi(head)
		digits := min(3, spanDigits(tail))
		if !ok || err != nil || digits == 0 {
			return pgerr.New(pgerr.InvalidDatetimeFormat, `invalid input string for "Y,YYY"`)
		}
		year, _ := strconv.Atoi(tail[:digits])
		r.s = tail[digits:]
		v.yearDigits = 4
		return v.store(&v.year, thousands*1000+year, n)
	}
	var y int
	used, err := r.integer(&y, i)
	if err != nil {
		return err
	}
	if size := len(n.key); size < 4 && used < 4 {
		y = nearest2020(y)
	}
	v.yearDigits = len(n.key)
	return v.store(&v.year, y, n)
}

// nearest2020 completes a year of up to three digits to the one nearest to 2020.
func nearest2020(y int) int {
	switch {
	case y < 70:
		return y + 2000
	case y < 100:
		return y + 1900
	case y < 520:
		return y + 2000
	case y < 1000:
		return y + 1000
	}
	return y
}
