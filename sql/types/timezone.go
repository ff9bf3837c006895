package types

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones do not depend on what the machine has installed

	"github.com/millracedb/millrace/sql/pgerr"
)

//go:embed zonedata/names.txt
var zoneNames string

// zoneAbbrevs has one line an abbreviation: name and seconds east of Greenwich.
//
//go:embed zonedata/abbrevs.txt
var zoneAbbrevs string

var zoneTables = sync.OnceValue(func() (t struct {
	names   map[string]string // lower case -> tz database name
	abbrevs map[string]int    // lower case -> seconds east of Greenwich
}) {
	t.names = map[string]string{}
	for n := range strings.FieldsSeq(zoneNames) {
		t.names[strings.ToLower(n)] = n
	}
	t.abbrevs = map[string]int{}
	for line := range strings.Lines(zoneAbbrevs) {
		f := strings.Fields(line)
		east, _ := strconv.Atoi(f[1])
		t.abbrevs[strings.ToLower(f[0])] = east
	}
	return
})

// ZoneNames returns the names of all time zones, sorted.
func ZoneNames() []string { return strings.Fields(zoneNames) }

// zoneCache holds loaded zones by lower-case name: loading parses the tz database.
var zoneCache sync.Map // string -> *time.Location

// ZoneByName finds a time zone as SET timezone does: a tz database name in any case, or a POSIX
// specification without daylight saving such as UTC+3 or just +3 (which lie west) or <+03>-3.
func ZoneByName(name string) (*time.Location, bool) {
	key := strings.ToLower(name)
	if l, ok := zoneCache.Load(key); ok {
		return l.(*time.Location), true
	}
	l, ok := loadZone(key, name)
	if ok {
		zoneCache.Store(strings.Clone(key), l) // name may lie in a buffer (Str)
	}
	return l, ok
}

func loadZone(key, name string) (*time.Location, bool) {
	if key == "utc" || key == "gmt" {
		return time.UTC, true
	}
	if n, ok := zoneTables().names[key]; ok {
		if l, err := time.LoadLocation(n); err == nil {
			return l, true
		}
	}
	return posixZone(name)
}

// posixZone reads NAMEoffset, where the offset is hours[:minutes[:seconds]] west of Greenwich.
func posixZone(s string) (*time.Location, bool) {
	n := 0
	if strings.HasPrefix(s, "<") {
		n = strings.IndexByte(s, '>') + 1
	} else {
		n = span(s, func(c byte) bool { return !isDigit(c) && c != ',' && c != '-' && c != '+' })
	}
	if n == len(s) {
		return nil, false
	}
	rest, west := s[n:], 1
	if rest[0] == '-' || rest[0] == '+' {
		if rest[0] == '-' {
			west = -1
		}
		rest = rest[1:]
	}
	secs, unit := 0, 3600
	for part := range strings.SplitSeq(rest, ":") {
		v, err := strconv.ParseUint(part, 10, 8)
		if err != nil || unit == 0 || v > 167 || unit < 3600 && v > 59 {
			return nil, false
		}
		secs += int(v) * unit
		unit /= 60
	}
	return FixedZone(-west * secs), true
}

// FixedZone is a zone at a constant offset, in seconds east of Greenwich; its name is the POSIX one that
// PostgreSQL gives it, <+03>-03.
func FixedZone(east int) *time.Location {
	name := appendOffset([]byte{'<'}, east)
	name = append(name, '>')
	return time.FixedZone(string(appendOffset(name, -east)), east)
}

// ZoneForSQL finds the zone named by the text argument of AT TIME ZONE, date_trunc or make_timestamptz:
// an abbreviation, a tz database name or a POSIX specification.
func ZoneForSQL(name string) (*time.Location, error) {
	if east, ok := zoneTables().abbrevs[strings.ToLower(name)]; ok {
		key := "abbrev " + strings.ToLower(name)
		if l, ok := zoneCache.Load(key); ok {
			return l.(*time.Location), nil
		}
		l, _ := zoneCache.LoadOrStore(key, time.FixedZone(strings.Clone(name), east))
		return l.(*time.Location), nil
	}
	if l, ok := ZoneByName(name); ok {
		return l, nil
	}
	return nil, errZone(name)
}

func errZone(name string) error {
	return pgerr.Newf(pgerr.InvalidParameterValue, `time zone "%s" not recognized`, name)
}

// offsetAt is the zone's offset, in seconds east, at an instant.
func offsetAt(ts int64, loc *time.Location) int {
	if loc == time.UTC {
		return 0
	}
	sec, _ := floorDiv64(ts, usecPerSec)
	_, east := time.Unix(sec+unixEpochSecs, 0).In(loc).Zone()
	return east
}

// localOffset is the offset, in seconds east, that applies to a local time (a timestamp). Of two possible
// readings around a transition it takes PostgreSQL's: the old offset where clocks jump forward, the new
// one where they jump back.
func localOffset(local int64, loc *time.Location) int {
	if loc == time.UTC {
		return 0
	}
	sec, _ := floorDiv64(local, usecPerSec)
	sec += unixEpochSecs
	// Offsets are less than 24 hours and transitions lie further apart than 48: the one that matters
	// is the next after a day earlier.
	prev := time.Unix(sec-secPerDay, 0).In(loc)
	_, before := prev.Zone()
	_, end := prev.ZoneBounds()
	if end.IsZero() {
		return before
	}
	_, after := end.Zone()
	boundary := end.Unix()
	beforeTime, afterTime := sec-int64(before), sec-int64(after)
	switch {
	case beforeTime < boundary && afterTime < boundary:
		return before
	case beforeTime > boundary && afterTime >= boundary:
		return after
	case beforeTime > afterTime:
		return before
	}
	return after
}

// TimestampInZone reads a timestamp as local time in loc: timestamp AT TIME ZONE loc, and the cast to
// timestamptz.
func TimestampInZone(ts int64, loc *time.Location) (int64, error) {
	if isInf(ts) {
		return ts, nil
	}
	ts -= int64(localOffset(ts, loc)) * usecPerSec
	if !validTimestamp(ts) {
		return 0, errTimestampRange()
	}
	return ts, nil
}

// TimestampTZAt is the local time in loc: timestamptz AT TIME ZONE loc, and the cast to timestamp.
func TimestampTZAt(ts int64, loc *time.Location) (int64, error) {
	if isInf(ts) {
		return ts, nil
	}
	ts += int64(offsetAt(ts, loc)) * usecPerSec
	if !validTimestamp(ts) {
		return 0, errTimestampRange()
	}
	return ts, nil
}

// Loc is the session's time zone; it is never nil, also on a nil Env.
func (e *Env) Loc() *time.Location { return e.loc() }

// ZoneAbbrev is the abbreviation in force at an instant, and the offset in seconds east.
func ZoneAbbrev(ts int64, loc *time.Location) (string, int) {
	sec, _ := floorDiv64(ts, usecPerSec)
	return time.Unix(sec+unixEpochSecs, 0).In(loc).Zone()
}

// fixedOffset reports whether the zone has had one offset only, as PostgreSQL asks of it in a time without
// a date.
func fixedOffset(loc *time.Location) bool {
	start, end := time.Unix(0, 0).In(loc).ZoneBounds()
	return start.IsZero() && end.IsZero()
}
