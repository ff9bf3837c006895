package types

import (
	"encoding/binary"

	"github.com/millracedb/millrace/sql/pgerr"
)

// timeTZLen is the size of a timetz: local microseconds since midnight (8 bytes, little endian), then the
// zone in seconds west of Greenwich (4 bytes), as PostgreSQL keeps it.
const timeTZLen = 12

// AppendTimeTZValue encodes a timetz.
func AppendTimeTZValue(dst []byte, usec int64, west int) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(usec))
	return binary.LittleEndian.AppendUint32(dst, uint32(int32(west)))
}

// DecodeTimeTZ is the inverse of AppendTimeTZValue.
func DecodeTimeTZ(b []byte) (usec int64, west int) {
	if len(b) < timeTZLen {
		return 0, 0
	}
	return int64(binary.LittleEndian.Uint64(b)), int(int32(binary.LittleEndian.Uint32(b[8:])))
}

// AppendTimeTZ appends a timetz as text.
func AppendTimeTZ(dst, b []byte) []byte {
	usec, west := DecodeTimeTZ(b)
	return appendOffset(appendHMS(dst, usec), -west)
}

// decodeTime parses a time of day, which may carry a date and a zone.
func decodeTime(s string, env *Env) (d dtDecoder, e dtErr, badZone string) {
	d.reset(env)
	d.timeOnly = true
	if e, badZone = d.decodeFields(s); e != dtOK {
		return d, e, badZone
	}
	if e = d.validateDate(); e == dtOK {
		e = d.applyAMPM()
	}
	if e == dtOK {
		e = d.checkTime()
	}
	if e == dtOK && d.seen&mTime != mTime {
		e = dtBadFormat
	}
	if e != dtOK {
		return d, e, ""
	}
	return d, d.timeZone(), ""
}

// timeZone finds the offset: a zone whose offset changes needs a date, today when only the session's zone
// is meant.
func (d *dtDecoder) timeZone() dtErr {
	if d.seen&mTZ != 0 && d.zone == nil {
		return dtOK
	}
	zone := d.zone
	if zone == nil {
		if d.seen&mDST != 0 {
			return dtBadFormat
		}
		zone = d.env.loc()
	}
	if d.seen&mDate == mDate {
		local, _ := d.timestamp()
		d.west = -localOffset(local, zone)
		return dtOK
	}
	if d.zone != nil && !fixedOffset(zone) {
		return dtBadFormat
	}
	now := d.env.now()
	day, _ := splitDay(now + int64(offsetAt(now, zone))*usecPerSec)
	d.west = -localOffset(day*usecPerDay+d.timeUsec(), zone)
	return dtOK
}

// ParseTime parses a time; a zone in the text is read and ignored.
func ParseTime(s string, mod int32, env *Env) (int64, error) {
	d, err := parseTimeFields(s, "time", env)
	if err != nil {
		return 0, err
	}
	return RoundTime(d.timeUsec(), mod), nil
}

func parseTimeFields(s, typ string, env *Env) (dtDecoder, error) {
	d, e, field := decodeTime(s, env)
	if e == dtZoneName {
		return d, errZone(field)
	}
	if e != dtOK {
		return d, e.error(typ, s)
	}
	return d, nil
}

// AppendParsedTimeTZ parses a timetz.
func AppendParsedTimeTZ(dst []byte, s string, mod int32, env *Env) ([]byte, error) {
	d, err := parseTimeFields(s, "time with time zone", env)
	if err != nil {
		return dst, err
	}
	return AppendTimeTZValue(dst, RoundTime(d.timeUsec(), mod), d.west), nil
}

// CompareTimeTZ orders by the instant, then by the zone.
func CompareTimeTZ(a, b []byte) int {
	ua, za := DecodeTimeTZ(a)
	ub, zb := DecodeTimeTZ(b)
	ia, ib := ua+int64(za)*usecPerSec, ub+int64(zb)*usecPerSec
	switch {
	case ia != ib:
		return cmpInt64(ia, ib)
	case za != zb:
		return cmpInt64(int64(za), int64(zb))
	}
	return 0
}

func cmpInt64(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// errTimeRange is the error of make_time and the binary decoder.
func errTimeRange() error { return pgerr.New(pgerr.DatetimeFieldOverflow, "time out of range") }
