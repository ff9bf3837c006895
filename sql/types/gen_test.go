package types

import (
	"fmt"
	"math"
	"math/rand"
	"strconv"
	"strings"
)

// Inputs of the oracle tests: for each type the texts known to be awkward, and a random generator.

func pick[T any](r *rand.Rand, s []T) T { return s[r.Intn(len(s))] }

func lines(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") }

func typeInputs() []typeInput {
	ints := []string{"0", "1", "-1", " 42 ", "+7", "", " ", "-", "abc", "1.5", "1e3", "0x10", "32767", "32768", "-32768",
		"-32769", "2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036854775807",
		"9223372036854775808", "-9223372036854775808", "-9223372036854775809", "99999999999999999999x", "12 3", "\t5\n"}
	floats := []string{"0", "-0", "1", "1.5", "NaN", "nan", "inf", "-Infinity", "+inf", "1e400", "1e-400", "1e300", "123456789012345",
		"1234567890123456", "0.0001", "0.00001", "1e15", "1e14", "1e-5", "1e22", "5e-324", "1.7976931348623157e308", "", "x", "1x",
		"0.1", "3.4028235e38", "3.5e38", "1e-46", "1e6", "100000", "1234567", "0x1p4", "1_000", " 2.5 ", "1e", "."}
	return []typeInput{
		{T(Bool), []string{"t", "true", "T", "TRUE", "tr", "f", "false", "yes", "y", "no", "n", "on", "of", "off", "o", "1", "0", "2", "", " true ", "truee"}, nil},
		{T(Int2), ints, randInt}, {T(Int4), ints, randInt}, {T(Int8), ints, randInt},
		{T(Oid), []string{"0", "1", "4294967295", "4294967296", "-1", "", "x", "-2147483648"}, nil},
		{T(Float8), floats, randFloat}, {T(Float4), floats, randFloat},
		{T(Numeric), numericInputs, randNumeric},
		{Type{Numeric, NumericTypmod(5, 2)}, numericInputs, randNumeric},
		{Type{Numeric, NumericTypmod(3, -2)}, numericInputs, randNumeric},
		{Type{Numeric, NumericTypmod(2, 4)}, numericInputs, randNumeric},
		{T(Text), []string{"", "a", " x ", "é", `a\b`, "日本"}, randText},
		{T(Varchar), []string{"", "a  ", "é"}, randText},
		{Type{Varchar, 3 + 4}, []string{"", "abc", "abcd", "ab  ", "abc   ", "ééé", "éééé"}, randText},
		{Type{BPChar, 3 + 4}, []string{"", "a", "abc", "abcd", "abc   ", "é"}, randText},
		{T(BPChar), []string{"", "a", "abc  "}, randText},
		{T(Name), []string{"abc", strings.Repeat("x", 70), strings.Repeat("é", 40)}, nil},
		{T(Char), []string{"", "a", "abc", " "}, nil},
		{T(Bytea), []string{"", `\x`, `\xDEADbeef`, `\xabc`, `\xzz`, `\x a b`, `\x ab cd`, `abc`, `a\\b`, `\001\377`, `\400`, `\12`, `a\`, `\xé`}, nil},
		{T(UUID), []string{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}", "A0EEBC999C0B4EF8BB6D6BB9BD380A11",
			"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", "", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-", "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}, randUUID},
		{T(Date), dateInputs, randDateTime}, {T(Timestamp), dateInputs, randDateTime}, {T(TimestampTZ), dateInputs, randDateTime},
		{Type{Timestamp, 3}, dateInputs[:60], nil}, {Type{TimestampTZ, 0}, dateInputs[:60], nil},
		{T(Time), timeInputs, randTime}, {T(TimeTZ), timeInputs, randTime}, {Type{Time, 2}, timeInputs, nil},
		{T(Interval), intervalInputs, randInterval},
		{Type{Interval, IntervalTypmod(intervalFullPrec, IntervalDay|IntervalHour)}, intervalInputs, nil},
		{Type{Interval, IntervalTypmod(intervalFullPrec, IntervalYear|IntervalMonth)}, intervalInputs, nil},
		{Type{Interval, IntervalTypmod(intervalFullPrec, IntervalMinute|IntervalSecond)}, intervalInputs, nil},
		{Type{Interval, IntervalTypmod(2, IntervalFullRange)}, intervalInputs[:60], nil},
		{T(JSON), jsonInputs, randJSON}, {T(JSONB), jsonInputs, randJSON},
		{T(Int4Array), arrayInputs, randIntArray}, {T(TextArray), arrayInputs, randTextArray},
		{T(BoolArray), []string{"{t,f,NULL}", "{}"}, nil}, {T(Int8Array), []string{"{1,2}", "{{1,2},{3,NULL}}"}, nil},
		{T(Int2Array), []string{"{1,-2}"}, nil}, {T(Float8Array), []string{"{1.5,NaN,-0}", "{1e20}", "{0}"}, nil},
		{T(NumericArray), []string{"{1.50,NaN,1.5}", "{1.5,NaN,1.50}", "{1e20,NULL}"}, nil},
		{T(TimestampArray), []string{`{"2020-01-01 00:00:00",infinity}`}, nil},
		{T(DateArray), []string{`{2020-01-01,-infinity}`}, nil},
		{T(IntervalArray), []string{`{"1 mon","30 days"}`, `{"30 days","1 mon"}`}, nil},
		{T(UUIDArray), []string{`{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}`}, nil},
		{T(JSONBArray), []string{`{"{\"a\": 1}","[1, 2]"}`}, nil},
		{T(Int2Vector), []string{"1 2 3", "", "1 x"}, nil}, {T(OidVector), []string{"1 2 3", ""}, nil},
		{T(RegType), []string{"integer", "int4", "text[]", "-", "23", "double precision"}, nil},
	}
}

func randInt(r *rand.Rand) string {
	return strconv.FormatInt(r.Int63()>>uint(r.Intn(63))*int64(1-2*r.Intn(2)), 10)
}

func randFloat(r *rand.Rand) string {
	switch r.Intn(4) {
	case 0:
		return strconv.FormatFloat(math.Float64frombits(r.Uint64()), 'g', -1, 64)
	case 1:
		return strconv.FormatFloat(float64(math.Float32frombits(r.Uint32())), 'g', -1, 32)
	case 2:
		return fmt.Sprintf("%de%d", r.Intn(1000), r.Intn(60)-30)
	}
	return strconv.FormatFloat(r.NormFloat64()*100, 'f', r.Intn(8), 64)
}

var numericInputs = lines(`
0
-0
0.0
-0.00
1
1.0
1.00
001.500
.5
5.
.
-.5e3
1e5
1e-5
1.5e10
1E+3
1e
1e+
1e99999999999
1e200000
1e-20000
1e-16383
1e131071
1e131072
NaN
nan
-nan
Infinity
-inf
+Infinity
inf
infinit
99999999999999999999
18446744073709551615
18446744073709551616
-18446744073709551616.000001
123456789012345678901234567890.123456789012345678901234567890
0.000000000000000000000000000000000001
1.234.5
12 3
 12 
1_000
0x10
999.994
999.995
99.999
-999.99
49
50
150
0.0049
0.00994999
9999
1 x
`)

func randNumeric(r *rand.Rand) string {
	var b strings.Builder
	if r.Intn(2) == 0 {
		b.WriteByte('-')
	}
	for range r.Intn(pick(r, []int{3, 10, 30})) + 1 {
		b.WriteByte(byte('0' + r.Intn(10)*min(r.Intn(3), 1)))
	}
	if r.Intn(2) == 0 {
		b.WriteByte('.')
		for range r.Intn(pick(r, []int{3, 10, 30})) + 1 {
			b.WriteByte(byte('0' + r.Intn(10)*min(r.Intn(3), 1)))
		}
	}
	if r.Intn(10) == 0 {
		fmt.Fprintf(&b, "e%d", r.Intn(40)-20)
	}
	if r.Intn(40) == 0 {
		return pick(r, []string{"NaN", "Infinity", "-Infinity"})
	}
	return b.String()
}

func randText(r *rand.Rand) string {
	var b strings.Builder
	for range r.Intn(6) {
		b.WriteString(pick(r, []string{"a", "b", "Z", " ", "é", "\\", "\"", "'", "日", "1", "\t", ",", "{", "null"}))
	}
	return b.String()
}

func randUUID(r *rand.Rand) string {
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", r.Uint32(), r.Intn(1<<16), r.Intn(1<<16), r.Intn(1<<16), r.Int63n(1<<48))
}

var dateInputs = lines(`
2020-01-05
2020-01-05 00:47:00
2020/01/05 00:47
2020-1-5
20200105
200105
20200105 123456
20200105T123456
2020-01-05T12:34:56Z
2020-01-05T12:34:56.789+02
2020-01-05 12:34:56.1234567
2020-01-05 12:34:56.9999999
2020-01-05 12:34:56 +05:30
2020-01-05 12:34:56-0330
2020-01-05 12:34:56 -03:30:15
2020-01-05 12:34:56+16
2020-01-05 12:34:56 America/Los_Angeles
2020-07-05 12:34:56 europe/berlin
2020-01-05 12:34:56 EST
2020-01-05 12:34:56 PDT
2020-01-05 12:34:56 UTC
2020-01-05 12:34:56 Nowhere/City
2020-01-05 12:34:56 XYZ
Jan 5 2020
Jan 5, 2020 3:04 PM
5 January 2020
January 5 2020 12:00 AM
5-Jan-2020
Jan-5-2020
2020-Jan-05
5-Jan-20
Sun Jan 05 12:34:56 2020
Sun Jan 05 12:34:56 2020 PST
Sun Jan 05 12:34:56 PST 2020
1/2/2003
1/13/2003
13/1/2003
1/2/03
1/2/70
1.2.2003
99-01-02
2020.005
2020-005
2020 005
2020-366
2021-366
J2451545
J2451545.5
j2451187 04:05:06
julian 2451545
epoch
infinity
-infinity
+infinity
yesterday foo
allballs
2020-01-05 allballs
2020-02-29
2021-02-29
2020-02-30
2020-13-01
2020-00-10
2020-01-32
0000-01-01
0001-01-01
0044-03-15 BC
44-03-15 BC
4714-11-24 BC
4714-11-23 BC
4713-01-01 BC
0001-01-01 00:00:00 BC
10000-01-01
294276-12-31 23:59:59.999999
294277-01-01
5874897-12-31
5874898-01-01
99999999-01-01
2020-01-05 24:00:00
2020-01-05 24:00:01
2020-01-05 23:59:60
2020-01-05 23:60:00
2020-01-05 25:00:00
2020-01-05 12:34 PM
2020-01-05 13:34 PM
2020-01-05 12:34 AM
2020-01-05 1234
2020-01-05 123456
2020-01-05 123456.789
2020-01-05 123456-05
2020-01-05 T 04:05
2020-01-05 t040506
2020-01-05 at 04:05
2020-03-08 02:30:00
2020-03-08 01:59:59
2020-03-08 03:00:00
2020-11-01 01:30:00
2020-11-01 01:30:00 EDT
2020-11-01 02:00:00
1883-11-18 12:00:00
1800-01-01 00:00:00
2100-07-01 00:00:00
2020-01-05 12:34:56 MET DST
2020-01-05 12:34:56 dst
2020-01-05 04:05:06.
2020-01-05 .5
4:05 2020-01-05
04:05:06
2020

x
2020-01
2020-01-05-06
2020-01-05 2020-01-06
12:34:56 12:34:56
y2001m02d04
2020-01-05 12
20200105 12
2020-01-05 12:34:56 pm am
2020-01-05 12:34:56 BC AD
Jan Feb 2020
2020-01-05 12:34:56,5
2020-01-05é
2020-01-05 +
2020-01-05 -infinity
'2020-01-05'
[2020-01-05]
2020-01-05 12:34:56 GMT+3
2020-01-05 12:34:56 utc-5
2020-01-05 00:00:00+00:00:30
00020-01-05
2020-001
2020-1
1-2-3
2020-01-05 12:34:56.789012 +00
August 8 1999 BC
08-Jan-99
Jan-08-99
99-08-Jan
`)

func randDateTime(r *rand.Rand) string {
	if r.Intn(3) == 0 {
		s := fmt.Sprintf("%04d-%02d-%02d", 1+r.Intn(9999), 1+r.Intn(12), 1+r.Intn(30))
		if r.Intn(4) > 0 {
			s += fmt.Sprintf(" %02d:%02d:%02d", r.Intn(24), r.Intn(60), r.Intn(60))
			if r.Intn(2) == 0 {
				s += fmt.Sprintf(".%0*d", 1+r.Intn(7), r.Intn(1000))
			}
			s += pick(r, []string{"", "", "Z", "+01", "-05:30", " UTC", " Asia/Tokyo", " BC", " PST"})
		}
		return s
	}
	parts := []string{"2020", "20", "5", "05", "12", "31", "366", "Jan", "february", "Dec", "2020-01-05", "1/2/2003", "12:34", "04:05:06.7", "pm", "AM", "BC",
		"ad", "z", "est", "America/New_York", "+02", "-03:30", "t", "j", "Mon", "thursday", "20200105", "040506", "epoch", "infinity", "2020.123",
		"5-Jan-2020", "at", "dst", "utc", "Etc/GMT+5", ".5", "12:34:56", ","}
	var b strings.Builder
	for i := range 1 + r.Intn(5) {
		if i > 0 {
			b.WriteString(pick(r, []string{" ", " ", " ", "-", "", "/"}))
		}
		b.WriteString(pick(r, parts))
	}
	return b.String()
}

var timeInputs = lines(`
04:05:06
04:05:06.789
04:05
040506
0405
04:05 AM
04:05 PM
12:00 AM
12:00 PM
04:05:06+02
04:05:06-08:30
04:05:06 PST
04:05:06 America/New_York
2003-04-12 04:05:06 America/New_York
2003-07-12 04:05:06 America/New_York
04:05:06 UTC
24:00:00
24:00:01
23:59:59.9999999
23:59:60
25:00
04:60
allballs
4
405
x

2020-01-05
2020-01-05 04:05
t040506
04:05:06.
04:05:06 BC
04:05:06 Asia/Tokyo
04:05:06 GMT+3
040506+05
040506-05
04:05:06 EST5EDT
4:5:6
infinity
`)

func randTime(r *rand.Rand) string {
	s := fmt.Sprintf("%02d:%02d:%02d", r.Intn(25), r.Intn(60), r.Intn(61))
	if r.Intn(2) == 0 {
		s += fmt.Sprintf(".%0*d", 1+r.Intn(6), r.Intn(1000))
	}
	return s + pick(r, []string{"", "+02", "-11:30", " UTC", "Z"})
}

var intervalInputs = lines(`
1 day
1 year 2 mons 3 days 04:05:06.789
-1 year -2 mons +3 days -04:05:06
1 day ago
1 year 2 mons ago
@ 1 minute
@ 1 hour 2 mins ago
P1Y2M3DT4H5M6S
P1Y2M3D
PT36H
PT1.5H
P0.5Y
P1W
P1.5W
P-1Y
P1Y2M10DT-2H30M
P0001-02-03T04:05:06
P00010203T040506
P00010203
P2020
PT10
PT10:20
PT102030
P
PT
P1
P1YT
P1H
PT1D
1-2
-1-2
1-13
1-2 3 4:05:06
-1-2 +3 -4:05:06
1.5 days
1.5 months
1.5 years
0.33 years
1.5 weeks
2 weeks
1 decade
1 century
1 millennium
1.5 centuries
1 quarter
1.234567891 seconds
1500 milliseconds
1500000 microseconds
1.5 microseconds
0.5 us
4 5
4
4.5
1:2:3
1:2
100:00:00
1 12:59:10
1 day 12:59:10 ago
178000000 years
178956970 years
178956971 years
2147483647 days
2147483648 days
9223372036854775807 microseconds
9223372036854775808 microseconds
2562047788 hours
2562047789 hours
-2562047788:00:54.775808
infinity
epoch
now
1 year 1 year
1 day 2 days
1 sec 500 ms
1 hour 1:00
1 foo
foo
day

 1 day 
1day
1d2h3m4s
1 mon 30 days
30 days
1 mon
-1 mon
720:00:00
00:00:00.000001
1y 2mon
+1 day
- 1 day
1 day -1 hour
1e3 days
1.2.3 days
1..2 days
15:30.25
1 day 15:30.25 
-15:30
+15:30:10
10:20:61
-0.5 days
-1.5 months
0.1 days
1 microsecon
5 century 3 decades
`)

func randInterval(r *rand.Rand) string {
	var b strings.Builder
	for i := range 1 + r.Intn(4) {
		if i > 0 {
			b.WriteByte(' ')
		}
		n := strconv.Itoa(r.Intn(200) - 100)
		if r.Intn(3) == 0 {
			n += fmt.Sprintf(".%d", r.Intn(1000))
		}
		b.WriteString(n)
		b.WriteByte(' ')
		b.WriteString(pick(r, []string{"year", "mons", "days", "hours", "min", "secs", "week", "decades", "ms", "us", "centuries", "y", "d", "h"}))
	}
	if r.Intn(5) == 0 {
		b.WriteString(fmt.Sprintf(" %02d:%02d:%02d", r.Intn(30), r.Intn(60), r.Intn(60)))
	}
	if r.Intn(8) == 0 {
		b.WriteString(" ago")
	}
	return b.String()
}

var jsonInputs = lines(`
null
true
false
tru
nul
1
-1
-0
-0.0
1.50
1e5
1E-3
01
1.
.5
-
+1
1e
1a
"a"
"é\u00e9\n\t\"\\\/\b\f\r"
"\u0000"
"\ud83d\ude00"
"\ud83d"
"\ud83dx"
"\ude00"
"\ud83d\ud83d"
"\u12"
"\u12g4"
"\x"
"abc
{}
[]
[1, 2 ,3]
[1,]
[,1]
[1 2]
[
]
[1
{"a":1}
{"b":1,"a":2,"b":3,"aa":4,"":0}
{"a" 1}
{"a":}
{a:1}
{"a":1,}
{"a":1 "b":2}
{,}
{1:2}
{"a":{"b":[1,2,{"c":null}]}}
[1] x
1 2

 
"a" "b"
[[[[[]]]]]
[1.10, 1.1, 100, 1e2]
{"x": "line\nbreak", "y": "\u0001"}
123456789012345678901234567890.000
1e1000
[true, false, null]
{"aaa":1,"bb":2,"c":3}
@
"tab	inside"
[NaN]
{"this is a long key to make the context cut somewhere in the line": 1, "more": tru}
`)

func randJSON(r *rand.Rand) string {
	if r.Intn(4) == 0 { // damaged
		s := []byte(genJSON(r, 2))
		s[r.Intn(len(s))] = pick(r, []byte(`{}[],:"x1 tn-.\`))
		return string(s)
	}
	return genJSON(r, 3)
}

func genJSON(r *rand.Rand, depth int) string {
	k := r.Intn(8)
	if depth == 0 {
		k = r.Intn(6)
	}
	switch k {
	case 0:
		return "null"
	case 1:
		return pick(r, []string{"true", "false"})
	case 2:
		return strconv.Itoa(r.Intn(20) - 10)
	case 3:
		return pick(r, []string{"1.0", "1.00", "1", "2.5e3", "-0", "0.10", "1e-7"})
	case 4, 5:
		return pick(r, []string{`""`, `"a"`, `"b\n"`, `"\u00e9"`, `"aa"`, `"Z"`})
	case 6:
		parts := make([]string, r.Intn(4))
		for i := range parts {
			parts[i] = genJSON(r, depth-1)
		}
		return "[" + strings.Join(parts, pick(r, []string{",", ", "})) + "]"
	}
	parts := make([]string, r.Intn(4))
	for i := range parts {
		parts[i] = pick(r, []string{`"a"`, `"b"`, `"aa"`, `""`, `"Z"`}) + pick(r, []string{":", " : "}) + genJSON(r, depth-1)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

var arrayInputs = lines(`
{}
{1,2,3}
{1,NULL,3}
{ 1 , 2 }
{{1,2},{3,4}}
{{1,2},{3}}
{{1},{2,3}}
{1,{2}}
{{1},2}
{{},{}}
{{}}
{"1","2"}
{"null"}
{1,}
{,1}
{
}
{1
{1}}
{1}x
x

1,2
[2:3]={1,2}
[2:4]={1,2}
[3:2]={1,2}
[0:0][1:2]={{1,2}}
[1:2]
[a:b]={1}
[1:2={1,2}
[2]={1,2}
{1 2}
{"1"2}
{1"2"}
{\1}
{null,NuLl}
{"a\"b","c\\d"}
{a b,c}
{a\ }
{""}
{{{{{{{1}}}}}}}
{{{{{{1}}}}}}
[-1:0]={7,8}
`)

func randIntArray(r *rand.Rand) string {
	parts := make([]string, r.Intn(5))
	for i := range parts {
		parts[i] = pick(r, []string{"1", "2", "-3", "NULL", "10"})
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func randTextArray(r *rand.Rand) string {
	parts := make([]string, r.Intn(4))
	for i := range parts {
		parts[i] = string(quoteTail([]byte(randText(r)), 0))
	}
	return "{" + strings.Join(parts, ",") + "}"
}
