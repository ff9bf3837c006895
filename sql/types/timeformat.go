package types

import (
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
)

// TimeFormat is a compiled template of to_char, to_timestamp or to_date. Compile it once, use it for a column.
type TimeFormat struct{ nodes []fmtNode }

// fmtNode is a pattern with its modifiers, or literal text.
type fmtNode struct {
	key     string // pattern as written in the tables below; "" for a literal
	text    string // literal
	sep     bool   // the literal is a separator: punctuation or space outside quotes
	fill    bool   // FM: no padding
	ordinal byte   // 't' for th, 'T' for TH
	letter  letterCase
}

type letterCase uint8

const (
	caseUpper letterCase = iota
	caseLower
	caseTitle
)

// timePatterns are the patterns, longest first where one begins another. Those in titled exist also with an
// initial capital; the others in all upper and all lower case.
var timePatterns = []string{"A.D.", "A.M.", "AD", "AM", "B.C.", "BC", "CC", "DAY", "DDD", "DD", "DY", "D",
	"FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "FX", "HH24", "HH12", "HH", "IDDD", "ID", "IW", "IYYY", "IYY", "IY", "I", "J", "MI", "MM",
	"MONTH", "MON", "MS", "OF", "P.M.", "PM", "Q", "RM", "SSSSS", "SSSS", "SS", "TZH", "TZM", "TZ", "US", "WW", "W", "Y,YYY", "YYYY", "YYY",
	"YY", "Y"}

// titledPatterns may be written Day, Dy, Month, Mon.
var titledPatterns = map[string]string{"DAY": "Day", "DY": "Dy", "MONTH": "Month", "MON": "Mon"}

func (n *fmtNode) match(s string) bool {
	for _, p := range timePatterns {
		switch {
		case strings.HasPrefix(s, p):
			n.key, n.letter = p, caseUpper
		case strings.HasPrefix(s, strings.ToLower(p)):
			n.key, n.letter = p, caseLower
		case titledPatterns[p] != "" && strings.HasPrefix(s, titledPatterns[p]):
			n.key, n.letter = p, caseTitle
		default:
			continue
		}
		return true
	}
	return false
}

// CompileTimeFormat reads a template.
func CompileTimeFormat(s string) *TimeFormat {
	f := &TimeFormat{}
	for s != "" {
		var n fmtNode
		names := false // TM: names of the locale, which are the English ones here, without padding
		rest := s
		for {
			if r, ok := cutFold(rest, "FM", "fm"); ok {
				n.fill, rest = true, r
			} else if r, ok := cutFold(rest, "TM", "tm"); ok {
				names, rest = true, r
			} else {
				break
			}
		}
		if n.match(rest) {
			rest = rest[len(n.key):]
			for {
				if r, ok := strings.CutPrefix(rest, "TH"); ok {
					n.ordinal, rest = 'T', r
				} else if r, ok := strings.CutPrefix(rest, "th"); ok {
					n.ordinal, rest = 't', r
				} else if r, ok := cutFold(rest, "SP", "SP"); ok {
					rest = r
				} else {
					break
				}
			}
			if names && (n.key == "MONTH" || n.key == "DAY" || n.key == "RM") {
				n.fill = true
			}
			f.nodes = append(f.nodes, n)
			s = rest
			continue
		}
		s = f.literal(rest)
	}
	return f
}

func cutFold(s, a, b string) (string, bool) {
	if r, ok := strings.CutPrefix(s, a); ok {
		return r, true
	}
	return strings.CutPrefix(s, b)
}

// literal reads quoted text or one character, and returns what follows.
func (f *TimeFormat) literal(s string) string {
	if s == "" {
		return s
	}
	if s[0] == '"' {
		i := 1
		for i < len(s) && s[i] != '"' {
			if s[i] == '\\' && i+1 < len(s) {
				i++
			}
			n := runeLen(s[i:])
			f.nodes = append(f.nodes, fmtNode{text: s[i : i+n]})
			i += n
		}
		return s[min(i+1, len(s)):]
	}
	if strings.HasPrefix(s, `\"`) {
		s = s[1:]
	}
	n := runeLen(s)
	c := s[0]
	sep := c > 0x20 && c < 0x7f && !isAlnum(c) || isSpace(c)
	f.nodes = append(f.nodes, fmtNode{text: s[:n], sep: sep})
	return s[n:]
}

func runeLen(s string) int {
	n := 1
	for n < len(s) && s[n]&0xc0 == 0x80 {
		n++
	}
	return n
}

var monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September",
	"October", "November", "December"}

var dayNames = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}

var romanMonths = [...]string{"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"}

func appendCased(dst []byte, s string, c letterCase) []byte {
	at := len(dst)
	dst = append(dst, s...)
	for i := at; i < len(dst); i++ {
		switch ch := dst[i]; {
		case c == caseUpper && ch >= 'a' && ch <= 'z':
			dst[i] -= 'a' - 'A'
		case c == caseLower && ch >= 'A' && ch <= 'Z':
			dst[i] += 'a' - 'A'
		}
	}
	return dst
}

// appendOrdinal appends st, nd, rd or th for the number at dst[at:].
func appendOrdinal(dst []byte, at int, mark byte) []byte {
	if mark == 0 {
		return dst
	}
	num := dst[at:]
	last := num[len(num)-1]
	suffix := "th"
	if !(len(num) > 1 && num[len(num)-2] == '1') {
		switch last {
		case '1':
			suffix = "st"
		case '2':
			suffix = "nd"
		case '3':
			suffix = "rd"
		}
	}
	c := caseLower
	if mark == 'T' {
		c = caseUpper
	}
	return appendCased(dst, suffix, c)
}

func errForInterval() error {
	return pgerr.New(pgerr.InvalidDatetimeFormat, "invalid format specification for an interval value").
		WithHint("Intervals are not tied to specific calendar dates.")
}
