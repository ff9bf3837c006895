package session

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// guc is the definition of a setting.
type guc struct {
	Name     string
	Kind     gucKind
	Context  gucContext
	Default  string
	Unit     string // of a number without one: ms, s, kB, 8kB
	Min, Max float64
	Enum     []string
	Category string
	Desc     string
	Inert    bool // accepted and without effect
}

// gucKind is pg_settings.vartype.
type gucKind string

const (
	kindBool    gucKind = "bool"
	kindInteger gucKind = "integer"
	kindReal    gucKind = "real"
	kindString  gucKind = "string"
	kindEnum    gucKind = "enum"
)

// gucContext is pg_settings.context: who may change it, and when.
type gucContext string

const (
	contextInternal   gucContext = "internal"
	contextPostmaster gucContext = "postmaster"
	contextSighup     gucContext = "sighup"
	contextSuperuser  gucContext = "superuser"
	contextUser       gucContext = "user"
)

// The settings that the session looks at, by their place in gucs.
var (
	gucApplicationName   = mustGuc("application_name")
	gucClientMinMessages = mustGuc("client_min_messages")
	gucDateStyle         = mustGuc("DateStyle")
	gucDefaultIsolation  = mustGuc("default_transaction_isolation")
	gucDefaultReadOnly   = mustGuc("default_transaction_read_only")
	gucIdleInTransaction = mustGuc("idle_in_transaction_session_timeout")
	gucIdleSession       = mustGuc("idle_session_timeout")
	gucRole              = mustGuc("role")
	gucSearchPath        = mustGuc("search_path")
	gucSessionAuth       = mustGuc("session_authorization")
	gucStatementTimeout  = mustGuc("statement_timeout")
	gucTimeZone          = mustGuc("TimeZone")
	gucIsolation         = mustGuc("transaction_isolation")
	gucReadOnly          = mustGuc("transaction_read_only")
	gucIsSuperuser       = mustGuc("is_superuser")
)

// reported are sent to the client as ParameterStatus, at the start and on every change.
var reported = []string{
	"application_name", "client_encoding", "DateStyle", "default_transaction_read_only", "in_hot_standby",
	"integer_datetimes", "IntervalStyle", "is_superuser", "server_encoding", "server_version",
	"session_authorization", "standard_conforming_strings", "TimeZone",
}

func mustGuc(name string) int {
	i, ok := findGuc(name)
	if !ok {
		panic("session: no setting " + name)
	}
	return i
}

// findGuc finds a setting by name, without regard to case.
func findGuc(name string) (int, bool) {
	i, ok := gucIndex[name]
	if !ok {
		i, ok = gucIndex[strings.ToLower(name)]
	}
	return i, ok
}

// gucIndex finds settings by their name in lower case.
var gucIndex = func() map[string]int {
	m := make(map[string]int, len(gucs))
	for i := range gucs {
		m[strings.ToLower(gucs[i].Name)] = i
	}
	return m
}()

// check turns a value as written into the value as shown, or refuses it.
func (g *guc) check(value string) (string, error) {
	switch g.Kind {
	case kindBool:
		b, err := types.ParseBool(value)
		if err != nil {
			return "", pgerr.Newf(pgerr.InvalidParameterValue, `parameter "%s" requires a Boolean value`, g.Name)
		}
		value = "off"
		if b != 0 {
			value = "on"
		}
	case kindEnum:
		v, err := g.checkEnum(value)
		if err != nil {
			return "", err
		}
		value = v
	case kindInteger, kindReal:
		v, err := g.checkNumber(value)
		if err != nil {
			return "", err
		}
		value = v
	}
	if f := checks[g.Name]; f != nil {
		return f(g, value)
	}
	return value, nil
}

func (g *guc) invalid(value string) *pgerr.Error {
	return pgerr.Newf(pgerr.InvalidParameterValue, `invalid value for parameter "%s": "%s"`, g.Name, value)
}

func (g *guc) checkEnum(value string) (string, error) {
	for _, e := range g.Enum {
		if strings.EqualFold(e, value) {
			return e, nil
		}
	}
	// on and off, where they are values, have the other spellings too.
	if b, err := types.ParseBool(value); err == nil {
		want := "off"
		if b != 0 {
			want = "on"
		}
		for _, e := range g.Enum {
			if e == want {
				return e, nil
			}
		}
	}
	return "", g.invalid(value).WithHint("Available values: %s.", strings.Join(g.Enum, ", "))
}

// unitFactors are in the base unit of their family: kilobytes or milliseconds.
var memoryUnits = []struct {
	name   string
	factor float64
}{{"TB", 1 << 30}, {"GB", 1 << 20}, {"MB", 1 << 10}, {"kB", 1}, {"B", 1.0 / 1024}}

var timeUnits = []struct {
	name   string
	factor float64
}{{"d", 86400e3}, {"h", 3600e3}, {"min", 60e3}, {"us", 1e-3}, {"ms", 1}, {"s", 1e3}}

func (g *guc) checkNumber(value string) (string, error) {
	s := strings.TrimSpace(value)
	end := len(s)
	for end > 0 && (s[end-1] >= 'a' && s[end-1] <= 'z' || s[end-1] >= 'A' && s[end-1] <= 'Z') {
		end--
	}
	num, unit := strings.TrimSpace(s[:end]), s[end:]
	x, err := strconv.ParseFloat(num, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		if i, ierr := strconv.ParseInt(num, 0, 64); ierr == nil {
			x = float64(i)
		} else {
			return "", g.invalid(value)
		}
	}
	if unit != "" {
		if x, err = g.convert(x, unit, value); err != nil {
			return "", err
		}
	}
	if g.Kind == kindInteger {
		x = math.RoundToEven(x)
	}
	if x < g.Min || x > g.Max {
		u := ""
		if g.Unit != "" {
			u = " " + g.Unit
		}
		return "", pgerr.Newf(pgerr.InvalidParameterValue, `%s%s is outside the valid range for parameter "%s" (%s .. %s)`,
			formatNumber(x), u, g.Name, formatNumber(g.Min), formatNumber(g.Max))
	}
	return formatNumber(x), nil
}

func formatNumber(x float64) string {
	if math.Abs(x) < 1e15 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

func (g *guc) convert(x float64, unit, value string) (float64, error) {
	switch g.Unit {
	case "kB", "8kB", "bytes":
		for _, u := range memoryUnits {
			if u.name == unit {
				x *= u.factor
				switch g.Unit {
				case "8kB":
					x /= 8
				case "bytes":
					x *= 1024
				}
				return x, nil
			}
		}
		return 0, g.invalid(value).WithHint(`Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".`)
	case "ms", "s", "min":
		for _, u := range timeUnits {
			if u.name == unit {
				x *= u.factor
				if g.Unit == "s" {
					x /= 1000
				}
				return x, nil
			}
		}
		return 0, g.invalid(value).WithHint(`Valid units for this parameter are "us", "ms", "s", "min", "h", and "d".`)
	}
	return 0, g.invalid(value)
}

// show prints a value the way SHOW does: with the largest unit that fits.
func (g *guc) show(value string) string {
	if g.Unit == "" || g.Unit == "bytes" || value == "0" || value == "-1" {
		return value
	}
	x, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return value
	}
	if g.Unit == "kB" || g.Unit == "8kB" {
		if g.Unit == "8kB" {
			x *= 8
		}
		for _, u := range memoryUnits[:4] {
			if f := int64(u.factor); x%f == 0 {
				return strconv.FormatInt(x/f, 10) + u.name
			}
		}
	}
	if g.Unit == "s" {
		x *= 1000
	}
	for _, u := range []struct {
		name   string
		factor int64
	}{{"d", 86400e3}, {"h", 3600e3}, {"min", 60e3}, {"s", 1e3}, {"ms", 1}} {
		if x%u.factor == 0 {
			return strconv.FormatInt(x/u.factor, 10) + u.name
		}
	}
	return value
}

// checks are what a setting demands beyond its kind.
var checks = map[string]func(g *guc, value string) (string, error){
	"client_encoding": func(g *guc, v string) (string, error) {
		switch lettersAndDigits(v) {
		case "utf8", "unicode":
			return "UTF8", nil
		case "sqlascii":
			return "SQL_ASCII", nil
		}
		return "", g.invalid(v).WithDetail("Only UTF8 is supported.")
	},
	"DateStyle": checkDateStyle,
	"TimeZone": func(g *guc, v string) (string, error) {
		loc, ok := findZone(v)
		if !ok {
			return "", g.invalid(v)
		}
		return loc.String(), nil
	},
	"IntervalStyle":               only("postgres"),
	"bytea_output":                only("hex"),
	"standard_conforming_strings": only("on"),
	"search_path": func(g *guc, v string) (string, error) {
		if _, ok := splitIdentifiers(v); !ok {
			return "", g.invalid(v).WithDetail("List syntax is invalid.")
		}
		return v, nil
	},
	"application_name": func(g *guc, v string) (string, error) {
		b := []byte(v)
		for i, c := range b {
			if c < 32 || c > 126 {
				b[i] = '?'
			}
		}
		return string(b[:min(len(b), 63)]), nil
	},
}

// lettersAndDigits is what PostgreSQL looks at in the name of an encoding.
func lettersAndDigits(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, s)
}

// only accepts the one value that is implemented and names the others as such.
func only(value string) func(*guc, string) (string, error) {
	return func(g *guc, v string) (string, error) {
		if v != value {
			return "", pgerr.Unsupported(g.Name + " = " + v)
		}
		return v, nil
	}
}

func checkDateStyle(g *guc, v string) (string, error) {
	order, style := "MDY", "ISO"
	words, ok := splitIdentifiers(v)
	if !ok {
		return "", g.invalid(v)
	}
	for _, w := range words {
		switch strings.ToLower(w) {
		case "iso":
			style = "ISO"
		case "sql", "postgres", "german":
			style = w
		case "mdy", "us", "noneuro", "noneuropean":
			order = "MDY"
		case "dmy", "euro", "european":
			order = "DMY"
		case "ymd":
			order = "YMD"
		case "default":
			order, style = "MDY", "ISO"
		default:
			return "", g.invalid(v)
		}
	}
	if style != "ISO" {
		return "", pgerr.Unsupported("DateStyle " + style)
	}
	return style + ", " + order, nil
}

// findZone finds a time zone by name, or by its hours east of Greenwich.
func findZone(v string) (*time.Location, bool) {
	if h, err := strconv.ParseFloat(v, 64); err == nil && math.Abs(h) <= 167 {
		return types.FixedZone(int(h * 3600)), true
	}
	return types.ZoneByName(v)
}

func dateOrder(style string) types.DateOrder {
	switch {
	case strings.HasSuffix(style, "DMY"):
		return types.DMY
	case strings.HasSuffix(style, "YMD"):
		return types.YMD
	}
	return types.MDY
}

// millis is a setting in milliseconds as a duration.
func millis(value string) time.Duration {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Millisecond
}

// splitIdentifiers reads a comma list of names, folding those without quotes.
func splitIdentifiers(s string) ([]string, bool) {
	var out []string
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, true
	}
	for {
		s = strings.TrimSpace(s)
		var name string
		if strings.HasPrefix(s, `"`) {
			rest := s[1:]
			for {
				i := strings.IndexByte(rest, '"')
				if i < 0 {
					return nil, false
				}
				name += rest[:i]
				rest = rest[i+1:]
				if !strings.HasPrefix(rest, `"`) {
					break
				}
				name += `"`
				rest = rest[1:]
			}
			s = strings.TrimSpace(rest)
		} else {
			i := strings.IndexByte(s, ',')
			if i < 0 {
				i = len(s)
			}
			name = strings.TrimSpace(s[:i])
			if name == "" || strings.ContainsAny(name, " \t\n") {
				return nil, false
			}
			name, s = strings.ToLower(name), s[i:]
		}
		out = append(out, name)
		if s == "" {
			return out, true
		}
		if s[0] != ',' {
			return nil, false
		}
		s = s[1:]
	}
}
