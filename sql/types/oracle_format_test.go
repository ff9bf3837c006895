package types

import (
	"fmt"
	"testing"
)

var timeTemplates = lines(`
YYYY-MM-DD HH24:MI:SS
YYYY-MM-DD"T"HH24:MI:SS.MS
YYYY-MM-DD HH24:MI:SS.US TZ
Day, DD Month YYYY
DAY Dy DY dy day
MONTH Month month MON Mon mon
FMDay, FMDD FMMonth FMYYYY
HH12:MI AM
HH:MI:SS p.m. A.M. pm
DDth DDTH FMDDth
D ID W WW IW Q CC J RM rm FMRM
IYYY IYY IY I IDDD DDD
Y,YYY YYY YY Y
SSSS SSSSS
TZH:TZM OF tz
FF1 FF2 FF3 FF4 FF5 FF6
AD BC a.d. B.C.
"quoted YYYY" \"YYYY\"
YYYYMMDD
HH24MISS
yyyy-mm-dd hh24:mi:ss
DD.MM.YYYY xyz éü
FMHH24:FMMI:FMSS
TMMonth TMDay
YYYYth
`)

var intervalTemplates = lines(`
HH24:MI:SS
HH12:MI:SS.MS
YYYY-MM-DD HH24:MI:SS.US
FMHH24:FMMI:FMSS
DDD DD Y,YYY YYY YY Y
SSSS
RM
Month
Day
TZ
AM pm
Q CC
FF3 FF6
`)

// TestOracleToChar: to_char of timestamps and intervals.
func TestOracleToChar(t *testing.T) {
	o := newOracle(t)
	var cases []oracleCase
	result := func(b []byte, null bool, err error) string {
		switch {
		case err != nil:
			return errText(err)
		case null:
			return ""
		}
		return string(b)
	}
	for range *oracleN {
		f := pick(o.rng, timeTemplates)
		tf := CompileTimeFormat(f)
		ts, err := ParseTimestamp(randDateTime(o.rng), -1, o.env)
		if err != nil {
			continue
		}
		cases = append(cases, oracleCase{
			fmt.Sprintf("to_char(%s::timestamp, %s)", quote(string(AppendTimestamp(nil, ts))), quote(f)), result(tf.FormatTimestamp(nil, ts))})
		tz, err := TimestampInZone(ts, o.env.TimeZone)
		if err == nil {
			cases = append(cases, oracleCase{
				fmt.Sprintf("to_char(%s::timestamptz, %s)", quote(string(AppendTimestampTZ(nil, tz, o.env.TimeZone))), quote(f)),
				result(tf.FormatTimestampTZ(nil, tz, o.env.TimeZone))})
		}
		iv, err := ParseInterval(randInterval(o.rng), -1)
		f = pick(o.rng, intervalTemplates)
		tf = CompileTimeFormat(f)
		if err == nil {
			cases = append(cases, oracleCase{
				fmt.Sprintf("to_char(%s::interval, %s)", quote(string(AppendIntervalText(nil, iv))), quote(f)), result(tf.FormatInterval(nil, iv))})
		}
	}
	o.check(cases)
}

// TestOracleFromText: to_timestamp and to_date with a template.
func TestOracleFromText(t *testing.T) {
	o := newOracle(t)
	var cases []oracleCase
	tz, day := o.stamp(TimestampTZ), o.stamp(Date)
	for _, c := range [][2]string{
		{"2020-01-05", "YYYY-MM-DD"}, {"20200105", "YYYYMMDD"}, {"2020-1-5", "YYYY-MM-DD"}, {"05 Dec 2000", "DD Mon YYYY"},
		{"2001/01/01 00:47", "YYYY/MM/DD HH24:MI"}, {"2001-02-16 20:38:40", "YYYY-MM-DD HH24:MI:SS"}, {"16/02/2001", "DD/MM/YYYY"},
		{"2020-13-01", "YYYY-MM-DD"}, {"2020-02-30", "YYYY-MM-DD"}, {"abc", "YYYY"}, {"2020-01-05 25:00", "YYYY-MM-DD HH24:MI"},
		{"12:30 PM", "HH12:MI AM"}, {"13:30 PM", "HH12:MI AM"}, {"12:30:45.123", "HH24:MI:SS.MS"}, {"12:30:45.1234", "HH24:MI:SS.US"},
		{"January 5, 2020", "Month DD, YYYY"}, {"january 5, 2020", "Month DD, YYYY"}, {"20", "YY"}, {"70", "YY"}, {"7", "Y"}, {"520", "YYY"},
		{"2020 005", "YYYY DDD"}, {"2020 366", "YYYY DDD"}, {"2021 366", "YYYY DDD"}, {"005", "DDD"}, {"2451545", "J"}, {"2020-W05-3", `IYYY-"W"IW-ID`},
		{"44-03-15 BC", "YYYY-MM-DD BC"}, {"1,234", "Y,YYY"}, {"  2020  01  05", "YYYY MM DD"}, {"2020:01:05", "YYYY-MM-DD"},
		{"2020-01-05T04:05:06", `YYYY-MM-DD"T"HH24:MI:SS`}, {"2020-01-05 04:05:06 +02", "YYYY-MM-DD HH24:MI:SS TZH"}, {"2020-01-05 -05:30", "YYYY-MM-DD TZH:TZM"},
		{"5th", "DDth"}, {"", "YYYY"}, {"2020", ""}, {"20 2", "CC Y"}, {"3600", "SSSS"}, {"XII 2020", "RM YYYY"}, {"Foo 2020", "Mon YYYY"},
		{"2020-01-05", "YYYY-MM-DD YYYY"}, {"2020 2021", "YYYY YYYY"}, {"2020-01", "IYYY-MM"}, {"202001", "YYYYMMDD"}, {"2020 10 30", "YYYY WW D"},
		{"99999999999", "YYYY"}, {"2020-01-05", "YYYY-TZ"}, {"Monday 2020", "Day YYYY"}, {"10000-01-05", "YYYY-MM-DD"}, {"2020", "YYYY-MM-DD"}, {"01.02.03", "DD.MM.YY"},
	} {
		tf := CompileTimeFormat(c[1])
		args := quote(c[0]) + ", " + quote(c[1]) + ")"
		cases = append(cases, oracleCase{"to_timestamp(" + args, tz(tf.ParseTimestampTZ(c[0], o.env.TimeZone))})
		cases = append(cases, oracleCase{"to_date(" + args, day(tf.ParseDate(c[0]))})
	}
	o.check(cases)
}

var numberTemplates = lines(`
999
9999.99
0000.00
FM9999.99
FM0000.00
FM9990.00
9,999,999.99
9G999D99
S999.99
999.99S
999S
MI999.99
999MI
999.99MI
PL999
SG999
999PR
999.99PR
FM999PR
FM999MI
FM999S
L999.99
RN
rn
FMRN
999th
999TH
99V99
9.99EEEE
9.999eeee
B999.9
0999
09.90
FM09.90
FM9.9
9.9
.99
FM.99
"abc" 999
000
FM999,999.999
00009
9 9 9
FM99.09
999D
$999
0.9
FM90.99
`)

// TestOracleNumberFormat: to_char of numbers.
func TestOracleNumberFormat(t *testing.T) {
	o := newOracle(t)
	var cases []oracleCase
	result := func(b []byte, err error) string {
		if err != nil {
			return errText(err)
		}
		return string(b)
	}
	values := []string{"0", "1", "-1", "12", "123", "-123", "1234", "1234567.891", "0.1", "-0.1", "0.01", "0.5", "-0.5", "99.995", "12.345", "-12.345", "10", "100",
		"3999", "4000", "21", "22", "113", "1e10", "-0.001", "485", "148.5", "0.001", "1.50"}
	for _, f := range numberTemplates {
		nf, err := CompileNumberFormat(f)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		for _, v := range values {
			cases = append(cases, oracleCase{fmt.Sprintf("to_char(%s::numeric, %s)", quote(v), quote(f)), result(nf.FormatNumeric(nil, num(v)))})
			x, _ := ParseF64(T(Float8), v)
			cases = append(cases, oracleCase{fmt.Sprintf("to_char(%s::float8, %s)", quote(v), quote(f)), result(nf.FormatFloat(nil, x, Float8))})
		}
	}
	for _, f := range []string{"9.9.9", "9V9.9", "S9S", "S9MI", "MI9S", "PR9", "9EEEE9", "FM9EEEE", "9EEEEEEEE", "PL9PR"} {
		_, err := CompileNumberFormat(f)
		if err != nil {
			cases = append(cases, oracleCase{fmt.Sprintf("to_char(1::numeric, %s)", quote(f)), errText(err)})
		} else {
			nf, _ := CompileNumberFormat(f)
			cases = append(cases, oracleCase{fmt.Sprintf("to_char(1::numeric, %s)", quote(f)), result(nf.FormatNumeric(nil, num("1")))})
		}
	}
	o.check(cases)
}
