package types

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// value formats the result of an operation as the oracle does.
func value(b []byte, err error) string {
	if err != nil {
		return errText(err)
	}
	return string(AppendNumericText(nil, b))
}

func num(s string) []byte {
	b, err := AppendParsedBytes(nil, T(Numeric), s, nil)
	if err != nil {
		panic(err)
	}
	return b
}

// TestOracleNumeric: arithmetic and functions on random numerics.
func TestOracleNumeric(t *testing.T) {
	o := newOracle(t)
	binary := []struct {
		sql string
		fn  func(dst, a, b []byte) ([]byte, error)
	}{
		{"%s + %s", NumericAdd}, {"%s - %s", NumericSub}, {"%s * %s", NumericMul}, {"%s / %s", NumericDiv},
		{"%s %% %s", NumericMod}, {"div(%s, %s)", NumericIntDiv}, {"gcd(%s, %s)", NumericGCD}, {"lcm(%s, %s)", NumericLCM},
		{"log(%s, %s)", NumericLog}, {"power(%s, %s)", NumericPower},
	}
	unary := []struct {
		sql string
		fn  func(dst, a []byte) ([]byte, error)
	}{
		{"- %s", noErr(NumericNeg)}, {"abs(%s)", noErr(NumericAbs)}, {"ceil(%s)", NumericCeil}, {"floor(%s)", NumericFloor},
		{"sign(%s)", noErr(NumericSignum)}, {"trim_scale(%s)", noErr(NumericTrimScale)}, {"sqrt(%s)", NumericSqrt},
		{"exp(%s)", NumericExp}, {"ln(%s)", NumericLn},
	}
	special := []string{"0", "1", "-1", "2", "0.5", "10", "0.00", "NaN", "Infinity", "-Infinity", "0.9", "1.1", "1.0000000001",
		"-2", "-0.5", "3", "100", "-3", "1e-10", "123456789", "0.000001", "1e30", "-1e30", "5000", "-5000", "1e-300", "6000.1", "-6000.5"}
	gen := func() string {
		if o.rng.Intn(3) == 0 {
			return pick(o.rng, special)
		}
		for {
			s := randNumeric(o.rng)
			if _, err := AppendParsedBytes(nil, T(Numeric), s, nil); err == nil {
				return s
			}
		}
	}
	var cases []oracleCase
	for range *oracleN {
		a, b := gen(), gen()
		qa, qb := quote(a)+"::numeric", quote(b)+"::numeric"
		for _, op := range binary {
			if strings.HasPrefix(op.sql, "power") && o.rng.Intn(2) == 0 {
				b = strconv.Itoa(o.rng.Intn(40) - 20)
				qb = quote(b) + "::numeric"
			}
			cases = append(cases, oracleCase{fmt.Sprintf(op.sql, qa, qb), value(op.fn(nil, num(a), num(b)))})
		}
		for _, op := range unary {
			cases = append(cases, oracleCase{fmt.Sprintf(op.sql, qa), value(op.fn(nil, num(a)))})
		}
		n := o.rng.Intn(12) - 4
		cases = append(cases,
			oracleCase{fmt.Sprintf("round(%s, %d)", qa, n), value(NumericRound(nil, num(a), n))},
			oracleCase{fmt.Sprintf("trunc(%s, %d)", qa, n), value(NumericTrunc(nil, num(a), n))},
			oracleCase{fmt.Sprintf("%s::float8", qa), floatResult(NumericToFloat(num(a), Float8))(T(Float8))},
			oracleCase{fmt.Sprintf("%s::float4", qa), floatResult(NumericToFloat(num(a), Float4))(T(Float4))},
			oracleCase{fmt.Sprintf("min_scale(%s)", qa), scaleResult(NumericMinScale(num(a)))},
			oracleCase{fmt.Sprintf("scale(%s)", qa), scaleResult(NumericScale(num(a)))},
		)
		for _, it := range []OID{Int2, Int4, Int8} {
			cases = append(cases, oracleCase{fmt.Sprintf("%s::%s", qa, it), intResult(NumericToInt64(num(a), it))})
		}
	}
	o.check(cases)
}

func noErr(fn func(dst, a []byte) []byte) func(dst, a []byte) ([]byte, error) {
	return func(dst, a []byte) ([]byte, error) { return fn(dst, a), nil }
}

func floatResult(f float64, err error) func(Type) string {
	return func(t Type) string {
		if err != nil {
			return errText(err)
		}
		return string(AppendF64Text(nil, t, f))
	}
}

func scaleResult(n int, ok bool) string {
	if !ok {
		return ""
	}
	return strconv.Itoa(n)
}

func intResult(v int64, err error) string {
	if err != nil {
		return errText(err)
	}
	return strconv.FormatInt(v, 10)
}

// TestOracleFloatCasts: float to integer and to numeric.
func TestOracleFloatCasts(t *testing.T) {
	o := newOracle(t)
	var cases []oracleCase
	in := []string{"0.5", "1.5", "2.5", "-0.5", "-1.5", "32767.5", "2147483647.5", "2147483647.4", "9.3e18", "9223372036854775807", "NaN", "inf", "-32768.5", "-32769"}
	for range *oracleN {
		in = append(in, randFloat(o.rng))
	}
	for _, s := range in {
		for _, ft := range []OID{Float8, Float4} {
			f, err := ParseF64(T(ft), s)
			if err != nil {
				continue
			}
			q := fmt.Sprintf("%s::%s", quote(s), ft)
			for _, it := range []OID{Int2, Int4, Int8} {
				cases = append(cases, oracleCase{q + "::" + it.String(), intResult(FloatToInt(f, it))})
			}
			cases = append(cases, oracleCase{q + "::numeric", value(AppendNumericFloat(nil, f, ft), nil)})
			g, err := Float8ToFloat4(f)
			cases = append(cases, oracleCase{q + "::float8::float4", floatResult(g, err)(T(Float4))})
		}
	}
	o.check(cases)
}

// TestOracleSums: sum and avg of numerics and integers, and variance.
func TestOracleSums(t *testing.T) {
	o := newOracle(t)
	var cases []oracleCase
	for range 100 {
		var sum, extra NumericSum
		var ints Int128
		var texts, itexts []string
		squares := num("0")
		for range 1 + o.rng.Intn(6) {
			s := strconv.Itoa(o.rng.Intn(1000)-500) + pick(o.rng, []string{"", ".5", ".25", ".000001", ".10"})
			if o.rng.Intn(30) == 0 {
				s = pick(o.rng, []string{"NaN", "Infinity", "-Infinity", "1e30", "123456789012345678901234567890.1234567"})
			}
			texts = append(texts, "("+quote(s)+"::numeric)")
			sum.Add(num(s), 1)
			sq, _ := NumericMul(nil, num(s), num(s))
			squares, _ = NumericAdd(nil, squares, sq)
			v, _ := ParseInt(randInt(o.rng), Int8)
			itexts = append(itexts, fmt.Sprintf("('%d'::int8)", v))
			ints = ints.AddMul(v, 1)
		}
		// What is added and taken back leaves no trace.
		for range o.rng.Intn(4) {
			extra := num(pick(o.rng, []string{"1.123456789", "NaN", "Infinity", "1e40", "-0.5", "99999999999999999999.5"}))
			sum.Add(extra, 3)
			var again NumericSum
			again.Decode(sum.Encode(nil))
			sum = again
			sum.Add(extra, -3)
		}
		extra.Merge(&sum, 2)
		extra.Merge(&sum, -1)
		from := " FROM (VALUES " + strings.Join(texts, ",") + ") AS v(x))"
		b, _, err := sum.AppendSum(nil)
		cases = append(cases, oracleCase{"(SELECT sum(x)" + from, value(b, err)})
		m, _, err := extra.AppendSum(nil)
		if value(m, err) != value(b, nil) {
			t.Errorf("merged sum %s, sum %s", value(m, err), value(b, nil))
		}
		a, _, err := sum.AppendAvg(nil)
		cases = append(cases, oracleCase{"(SELECT avg(x)" + from, value(a, err)})
		for _, f := range []struct {
			name         string
			sample, root bool
		}{{"var_pop", false, false}, {"var_samp", true, false}, {"stddev_pop", false, true}, {"stddev", true, true}} {
			v, null, err := AppendNumericVariance(nil, sum.Count(), b, squares, f.sample, f.root)
			got := value(v, err)
			if null {
				got = ""
			}
			cases = append(cases, oracleCase{"(SELECT " + f.name + "(x)" + from, got})
		}
		from = " FROM (VALUES " + strings.Join(itexts, ",") + ") AS v(x))"
		cases = append(cases, oracleCase{"(SELECT sum(x)" + from, value(ints.AppendNumeric(nil), nil)})
		cases = append(cases, oracleCase{"(SELECT avg(x)" + from, value(ints.AppendAvg(nil, int64(len(itexts))))})
	}
	o.check(cases)
}

func interval(iv IntervalValue, err error) string {
	if err != nil {
		return errText(err)
	}
	return string(AppendIntervalText(nil, iv))
}

func (o *oracle) stamp(t OID) func(int64, error) string {
	return func(v int64, err error) string {
		if err != nil {
			return errText(err)
		}
		return string(AppendI64Text(nil, T(t), v, o.env))
	}
}

// TestOracleTime: arithmetic on timestamps, dates and intervals, with date_trunc, extract and the rest.
func TestOracleTime(t *testing.T) {
	o := newOracle(t)
	loc := o.env.TimeZone
	ts, tz, day := o.stamp(Timestamp), o.stamp(TimestampTZ), o.stamp(Date)
	genTS := func() (string, int64) {
		for {
			s := randDateTime(o.rng)
			if o.rng.Intn(4) == 0 {
				s = pick(o.rng, dateInputs)
			}
			if v, err := ParseTimestamp(s, -1, o.env); err == nil {
				return string(AppendTimestamp(nil, v)), v
			}
		}
	}
	genIV := func() (string, IntervalValue) {
		for {
			s := randInterval(o.rng)
			if o.rng.Intn(4) == 0 {
				s = pick(o.rng, intervalInputs)
			}
			if v, err := ParseInterval(s, -1); err == nil {
				return string(AppendIntervalText(nil, v)), v
			}
		}
	}
	units := []string{"microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade",
		"century", "millennium", "dow", "isodow", "doy", "isoyear", "epoch", "julian", "timezone", "timezone_hour", "timezone_minute", "foo", "days", "YEAR"}
	var cases []oracleCase
	add := func(got, f string, args ...any) { cases = append(cases, oracleCase{fmt.Sprintf(f, args...), got}) }
	// Around where the microseconds since 1970 leave 64 bits.
	for _, s := range []string{"294247-01-10 04:00:54.775806", "294247-01-10 04:00:54.775807", "294247-01-10 04:00:54.775857", "294276-12-31 23:59:59.999949", "294276-12-31 23:59:59.999999"} {
		v, err := ParseTimestamp(s, -1, o.env)
		if err != nil {
			t.Fatal(err)
		}
		epoch, _, err := ExtractTimestamp(nil, LookupUnit("epoch"), v)
		add(value(epoch, err), "extract(epoch from %s::timestamp)", quote(s))
	}
	for range *oracleN {
		sa, a := genTS()
		sb, b := genTS()
		si, i := genIV()
		sj, j := genIV()
		qa, qb := quote(sa)+"::timestamp", quote(sb)+"::timestamp"
		qi, qj := quote(si)+"::interval", quote(sj)+"::interval"
		add(ts(TimestampAdd(a, i)), "%s + %s", qa, qi)
		add(ts(TimestampSub(a, i)), "%s - %s", qa, qi)
		add(interval(TimestampDiff(a, b)), "%s - %s", qa, qb)
		if !isInf(a) && !isInf(b) { // PostgreSQL 15 computes with the infinities' numbers
			add(interval(TimestampAge(a, b)), "age(%s, %s)", qa, qb)
		}
		add(interval(IntervalAdd(i, j)), "%s + %s", qi, qj)
		add(interval(IntervalSub(i, j)), "%s - %s", qi, qj)
		add(interval(IntervalNeg(i)), "- %s", qi)
		f := pick(o.rng, []float64{0, 1, -1, 0.5, 1.5, 3, 7, 0.1, -2.25, 1e10, 1e-3, 0.333, 12.7})
		add(interval(IntervalMul(i, f)), "%s * '%v'::float8", qi, f)
		add(interval(IntervalDiv(i, f)), "%s / '%v'::float8", qi, f)
		add(interval(JustifyHours(i)), "justify_hours(%s)", qi)
		add(interval(JustifyDays(i)), "justify_days(%s)", qi)
		add(interval(JustifyInterval(i)), "justify_interval(%s)", qi)
		origin := pick(o.rng, []int64{0, 12345678, -987654321012})
		add(ts(DateBin(i, a, origin)), "date_bin(%s, %s, '%s')", qi, qa, AppendTimestamp(nil, origin))
		u := pick(o.rng, units)
		du := LookupUnit(u)
		add(ts(TruncTimestamp(du, a)), "date_trunc('%s', %s)", u, qa)
		add(interval(TruncInterval(du, i)), "date_trunc('%s', %s)", u, qi)
		ext := func(b []byte, null bool, err error) string {
			if null {
				return ""
			}
			return value(b, err)
		}
		add(ext(ExtractTimestamp(nil, du, a)), "extract('%s' from %s)", u, qa)
		b2, err := ExtractInterval(nil, du, i)
		add(value(b2, err), "extract('%s' from %s)", u, qi)
		d := TimestampToDate(a)
		add(day(d, nil), "%s::date", qa)
		qd := quote(string(AppendDate(nil, d))) + "::date"
		add(ext(ExtractDate(nil, du, d)), "extract('%s' from %s)", u, qd)
		add(day(DateAdd(d, int64(i.Days))), "%s + (%d)", qd, i.Days)
		add(ts(DateToTimestamp(d)), "%s::timestamp", qd)
		add(tz(DateToTimestampTZ(d, loc)), "%s::timestamptz", qd)
		// With a zone.
		za, err := TimestampInZone(a, loc)
		add(tz(za, err), "%s::timestamptz", qa)
		zb, err2 := TimestampInZone(b, loc)
		if err != nil || err2 != nil {
			continue
		}
		ta, tb := quote(string(AppendTimestampTZ(nil, za, loc)))+"::timestamptz", quote(string(AppendTimestampTZ(nil, zb, loc)))+"::timestamptz"
		add(tz(TimestampTZAdd(za, i, loc)), "%s + %s", ta, qi)
		add(tz(TimestampTZSub(za, i, loc)), "%s - %s", ta, qi)
		add(interval(TimestampDiff(za, zb)), "%s - %s", ta, tb)
		if !isInf(za) && !isInf(zb) {
			add(interval(TimestampTZAge(za, zb, loc)), "age(%s, %s)", ta, tb)
		}
		add(tz(TruncTimestampTZ(du, za, loc)), "date_trunc('%s', %s)", u, ta)
		add(ext(ExtractTimestampTZ(nil, du, za, loc)), "extract('%s' from %s)", u, ta)
		zone := pick(o.rng, []string{"UTC", "Asia/Kolkata", "europe/berlin", "PST", "+02:30", "UTC+3", "Australia/Lord_Howe", "Pacific/Apia"})
		z, err := ZoneForSQL(zone)
		if err != nil {
			t.Fatal(err)
		}
		add(ts(TimestampTZAt(za, z)), "%s AT TIME ZONE '%s'", ta, zone)
		add(tz(TimestampInZone(a, z)), "%s AT TIME ZONE '%s'", qa, zone)
		if zone != "+02:30" {
			add(tz(TruncTimestampTZ(du, za, z)), "date_trunc('%s', %s, '%s')", u, ta, zone)
		}
	}
	o.check(cases)
}

// TestOracleMake: the make_ functions and to_timestamp.
func TestOracleMake(t *testing.T) {
	o := newOracle(t)
	ts, tz, day, tm := o.stamp(Timestamp), o.stamp(TimestampTZ), o.stamp(Date), o.stamp(Time)
	var cases []oracleCase
	add := func(got, f string, args ...any) { cases = append(cases, oracleCase{fmt.Sprintf(f, args...), got}) }
	for range *oracleN {
		y := pick(o.rng, []int{2020, 2021, 0, -1, -44, 1, 9999, -4713, -4714, 294276, 294277, 5874897, 5874898})
		m, d := o.rng.Intn(14), o.rng.Intn(33)
		h, mi := o.rng.Intn(26), o.rng.Intn(62)
		s := pick(o.rng, []float64{0, 1.5, 59.999999, 60, 60.5, 59.9999999, 30, -1})
		add(day(MakeDate(y, m, d)), "make_date(%d, %d, %d)", y, m, d)
		add(tm(MakeTime(h, mi, s)), "make_time(%d, %d, %v)", h, mi, s)
		add(ts(MakeTimestamp(y, m, d, h, mi, s)), "make_timestamp(%d, %d, %d, %d, %d, %v)", y, m, d, h, mi, s)
		add(interval(MakeInterval(int64(y), int64(m), int64(d), int64(h), int64(mi), 7, s)), "make_interval(%d, %d, %d, %d, %d, 7, %v)", y, m, d, h, mi, s)
		f := pick(o.rng, []float64{0, 1.5, -1e9, 1e10, 1.23456789e9, 1e15, 9.2e12, 8.9e12})
		add(tz(TimestampFromEpoch(f)), "to_timestamp(%v::float8)", f)
	}
	o.check(cases)
}
