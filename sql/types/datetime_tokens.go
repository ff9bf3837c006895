package types

// Field kinds of the date/time scanner and the token tables: PostgreSQL's DTK_*, RESERV, MONTH, ... as far
// as they are looked at.
type fieldKind uint8

const (
	fkNumber fieldKind = iota
	fkString
	fkDate
	fkTime
	fkZone // a sign and digits
	fkSpecial
)

type tokKind uint8

const (
	tkUnknown tokKind = iota
	tkReserved
	tkMonth
	tkDow
	tkAMPM
	tkEra
	tkUnits
	tkISOTime
	tkDSTMod
	tkIgnore
	tkAgo
	tkZone
	tkDSTZone
)

// unit is a date/time unit, a bit number in masks of fields seen.
type unit uint8

const (
	uNone unit = iota
	uMicrosec
	uMillisec
	uSecond
	uMinute
	uHour
	uDay
	uWeek
	uMonth
	uQuarter
	uYear
	uDecade
	uCentury
	uMillennium
	uJulian
	uDow
	uIsoDow
	uDoy
	uIsoYear
	uEpoch
	uTZ
	uTZHour
	uTZMinute
	uTime
)

// Values of reserved words.
const (
	rNow = iota
	rToday
	rTomorrow
	rYesterday
	rZulu
	rEpoch
	rLate
	rEarly
)

type token struct {
	kind tokKind
	val  int
}

const tokMaxLen = 10 // PostgreSQL compares at most this many bytes of a word

func lookToken(table map[string]token, word string) token {
	if len(word) > tokMaxLen {
		word = word[:tokMaxLen]
	}
	return table[word]
}

// dateTokens are the words of dates.
var dateTokens = map[string]token{
	"-infinity": {tkReserved, rEarly}, "infinity": {tkReserved, rLate},
	"epoch": {tkReserved, rEpoch}, "now": {tkReserved, rNow}, "today": {tkReserved, rToday},
	"tomorrow": {tkReserved, rTomorrow}, "yesterday": {tkReserved, rYesterday}, "allballs": {tkReserved, rZulu},
	"ad": {tkEra, 0}, "bc": {tkEra, 1}, "am": {tkAMPM, 0}, "pm": {tkAMPM, 1},
	"at": {tkIgnore, 0}, "on": {tkIgnore, 0}, "dst": {tkDSTMod, 3600}, "t": {tkISOTime, int(uTime)},
	"d": {tkUnits, int(uDay)}, "dow": {tkUnits, int(uDow)}, "doy": {tkUnits, int(uDoy)}, "h": {tkUnits, int(uHour)},
	"isodow": {tkUnits, int(uIsoDow)}, "isoyear": {tkUnits, int(uIsoYear)}, "j": {tkUnits, int(uJulian)},
	"jd": {tkUnits, int(uJulian)}, "julian": {tkUnits, int(uJulian)}, "m": {tkUnits, int(uMonth)},
	"mm": {tkUnits, int(uMinute)}, "s": {tkUnits, int(uSecond)}, "y": {tkUnits, int(uYear)},
	"jan": {tkMonth, 1}, "january": {tkMonth, 1}, "feb": {tkMonth, 2}, "february": {tkMonth, 2},
	"mar": {tkMonth, 3}, "march": {tkMonth, 3}, "apr": {tkMonth, 4}, "april": {tkMonth, 4}, "may": {tkMonth, 5},
	"jun": {tkMonth, 6}, "june": {tkMonth, 6}, "jul": {tkMonth, 7}, "july": {tkMonth, 7},
	"aug": {tkMonth, 8}, "august": {tkMonth, 8}, "sep": {tkMonth, 9}, "sept": {tkMonth, 9}, "september": {tkMonth, 9},
	"oct": {tkMonth, 10}, "october": {tkMonth, 10}, "nov": {tkMonth, 11}, "november": {tkMonth, 11},
	"dec": {tkMonth, 12}, "december": {tkMonth, 12},
	"sun": {tkDow, 0}, "sunday": {tkDow, 0}, "mon": {tkDow, 1}, "monday": {tkDow, 1}, "tue": {tkDow, 2},
	"tues": {tkDow, 2}, "tuesday": {tkDow, 2}, "wed": {tkDow, 3}, "weds": {tkDow, 3}, "wednesday": {tkDow, 3},
	"thu": {tkDow, 4}, "thur": {tkDow, 4}, "thurs": {tkDow, 4}, "thursday": {tkDow, 4},
	"fri": {tkDow, 5}, "friday": {tkDow, 5}, "sat": {tkDow, 6}, "saturday": {tkDow, 6},
}

// unitTokens are the words of intervals, date_trunc and extract.
var unitTokens = map[string]token{
	"@": {tkIgnore, 0}, "ago": {tkAgo, 0},
	"c": {tkUnits, int(uCentury)}, "cent": {tkUnits, int(uCentury)}, "centuries": {tkUnits, int(uCentury)},
	"century": {tkUnits, int(uCentury)},
	"d":       {tkUnits, int(uDay)}, "day": {tkUnits, int(uDay)}, "days": {tkUnits, int(uDay)},
	"dec": {tkUnits, int(uDecade)}, "decade": {tkUnits, int(uDecade)}, "decades": {tkUnits, int(uDecade)},
	"decs": {tkUnits, int(uDecade)},
	"h":    {tkUnits, int(uHour)}, "hour": {tkUnits, int(uHour)}, "hours": {tkUnits, int(uHour)},
	"hr": {tkUnits, int(uHour)}, "hrs": {tkUnits, int(uHour)},
	"m": {tkUnits, int(uMinute)}, "min": {tkUnits, int(uMinute)}, "mins": {tkUnits, int(uMinute)},
	"minute": {tkUnits, int(uMinute)}, "minutes": {tkUnits, int(uMinute)},
	"microsecon": {tkUnits, int(uMicrosec)}, "us": {tkUnits, int(uMicrosec)}, "usec": {tkUnits, int(uMicrosec)},
	"usecond": {tkUnits, int(uMicrosec)}, "useconds": {tkUnits, int(uMicrosec)}, "usecs": {tkUnits, int(uMicrosec)},
	"mil": {tkUnits, int(uMillennium)}, "millennia": {tkUnits, int(uMillennium)},
	"millennium": {tkUnits, int(uMillennium)}, "mils": {tkUnits, int(uMillennium)},
	"millisecon": {tkUnits, int(uMillisec)}, "ms": {tkUnits, int(uMillisec)}, "msec": {tkUnits, int(uMillisec)},
	"msecond": {tkUnits, int(uMillisec)}, "mseconds": {tkUnits, int(uMillisec)}, "msecs": {tkUnits, int(uMillisec)},
	"mon": {tkUnits, int(uMonth)}, "mons": {tkUnits, int(uMonth)}, "month": {tkUnits, int(uMonth)},
	"months": {tkUnits, int(uMonth)},
	"qtr":    {tkUnits, int(uQuarter)}, "quarter": {tkUnits, int(uQuarter)},
	"s": {tkUnits, int(uSecond)}, "sec": {tkUnits, int(uSecond)}, "second": {tkUnits, int(uSecond)},
	"seconds": {tkUnits, int(uSecond)}, "secs": {tkUnits, int(uSecond)},
	"timezone": {tkUnits, int(uTZ)}, "timezone_h": {tkUnits, int(uTZHour)}, "timezone_m": {tkUnits, int(uTZMinute)},
	"w": {tkUnits, int(uWeek)}, "week": {tkUnits, int(uWeek)}, "weeks": {tkUnits, int(uWeek)},
	"y": {tkUnits, int(uYear)}, "year": {tkUnits, int(uYear)}, "years": {tkUnits, int(uYear)},
	"yr": {tkUnits, int(uYear)}, "yrs": {tkUnits, int(uYear)},
}
