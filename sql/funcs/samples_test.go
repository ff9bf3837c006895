package funcs_test

import (
	"github.com/millracedb/millrace/sql/types"
)

// oracleSkips are functions whose result differs from PostgreSQL's on purpose, or cannot be compared, and why.
var oracleSkips = map[string]string{
	"pg_column_size": "how values are stored", "pg_my_temp_schema": "a fresh session", "to_regtype": "the catalog", "to_regclass": "the catalog",
	"to_regproc": "the catalog", "to_regprocedure": "the catalog", "to_regoper": "the catalog", "to_regoperator": "the catalog",
	"to_regnamespace": "the catalog", "to_regrole": "the catalog", "to_regcollation": "the catalog",
	"inet_server_addr": "addresses are not shown", "inet_client_addr": "addresses are not shown",
	"inet_server_port": "ports are not shown", "inet_client_port": "ports are not shown", "pg_jit_available": "there is no such compiler",
	"now": "the clock", "transaction_timestamp": "the clock", "statement_timestamp": "the clock",
}

// argSamples are arguments that make sense for one argument of a function, tried mostly instead of the type's.
var argSamples = map[string][]string{
	"split_part/1": {",", "b", "", "||"}, "split_part/0": {"a,b,c", "abc", "", "a||b||"},
	"split_part/2": {"1", "2", "-1", "-2", "0", "5", "-9"},
	"chr/0":        {"65", "0", "233", "8364", "128512", "55296", "1114112", "-1"},
	"encode/1":     {"hex", "base64", "escape", "HEX", "nope"}, "decode/1": {"hex", "base64", "escape", "nope"},
	"decode/0": {"MTIzAAE=", "3031", "abc", "a\\001b", "zz", "YWJj", "YWJjZA==", "YWJjZA=", "Y=Jj", "YW Jj"},
	"repeat/1": {"0", "3", "-1", "100"}, "lpad/1": {"0", "5", "-1", "20", "2147483647"}, "rpad/1": {"0", "5", "-1", "20", "2147483647"},
	"format/0":  {"%s", "hello %s %s", "%I", "%L", "%1$s %1$L", "%-5s|", "%5s|", "%%", "%", "%z", "%2$s %s", "%0$s", "%I %L %s"},
	"extract/0": unitSamples, "date_part/0": unitSamples, "date_trunc/0": unitSamples,
	"timezone/0/interval": {"00:00", "-05:00", "3 hours", "1 day"}, "timezone/0": zoneSamples, "date_trunc/2": zoneSamples,
	"make_date/0": {"2000", "2024", "0", "-44", "9999999"}, "make_date/1": {"1", "2", "12", "13"}, "make_date/2": {"1", "29", "31", "0"},
	"make_time/0": {"0", "23", "24"}, "make_time/1": {"0", "59", "60"}, "make_time/2": {"0", "59.999999", "60", "12.5", "-1", "NaN"},
	"make_timestamp/0": {"2000", "2024", "-1"}, "make_timestamp/1": {"1", "2", "12"}, "make_timestamp/2": {"1", "29"},
	"make_timestamp/3": {"0", "23"}, "make_timestamp/4": {"0", "59"}, "make_timestamp/5": {"0", "59.5"},
	"make_timestamptz/0": {"2000", "2024", "-1"}, "make_timestamptz/1": {"1", "2", "12"}, "make_timestamptz/2": {"1", "29"},
	"make_timestamptz/3": {"0", "23"}, "make_timestamptz/4": {"0", "59"}, "make_timestamptz/5": {"0", "59.5"}, "make_timestamptz/6": zoneSamples,
	"date_bin/0":     {"15 minutes", "1 day", "1 hour", "0", "-1 day", "1 month", "7 days"},
	"to_timestamp/0": {"0", "1284352323", "-1", "1284352323.123456", "Infinity", "-Infinity", "NaN", "1e15", "1e300"},
	"factorial/0":    {"0", "1", "5", "20", "30", "-1", "50000"},
	"~/1":            regexSamples, "!~/1": regexSamples, "~*/1": regexSamples, "!~*/1": regexSamples, "regexp_replace/1": regexSamples,
	"regexp_match/1": regexSamples, "regexp_split_to_array/1": regexSamples, "regexp_like/1": regexSamples, "regexp_count/1": regexSamples,
	"regexp_substr/1": regexSamples, "regexp_instr/1": regexSamples, "substring/1/text": regexSamples,
	"regexp_replace/2":      {"X", "", "[\\1]", "\\&\\&", "\\2", "a\\\\b", "\\"},
	"regexp_replace/3/text": flagSamples, "regexp_match/2": flagSamples, "regexp_split_to_array/2": flagSamples, "regexp_like/2": flagSamples,
	"regexp_count/3": flagSamples, "regexp_substr/4": flagSamples, "regexp_instr/5": flagSamples, "regexp_replace/5": flagSamples,
	"regexp_replace/3": {"1", "2", "4", "0", "100"}, "regexp_replace/4": {"0", "1", "2", "-1"},
	"regexp_count/2": {"1", "2", "4", "0", "100"}, "regexp_substr/2": {"1", "2", "100", "0"}, "regexp_substr/3": {"1", "2", "0"}, "regexp_substr/5": {"0", "1", "2", "-1"},
	"regexp_instr/2": {"1", "2", "100"}, "regexp_instr/3": {"1", "2"}, "regexp_instr/4": {"0", "1", "2"}, "regexp_instr/6": {"0", "1", "2"},
	"~~/1": likeSamples, "!~~/1": likeSamples, "~~*/1": likeSamples, "!~~*/1": likeSamples, "like/1": likeSamples, "notlike/1": likeSamples,
	"like_escape/0": {"a#%", "a\\b", "a##", "%"}, "like_escape/1": {"#", "\\", "", "ab", "é"},
	"similar_to_escape/0": similarSamples, "similar_escape/0": similarSamples, "similar_to_escape/1": {"#", "\\", "", "ab"}, "similar_escape/1": {"#", "\\", "", "ab"},
	"substring/2/text": {"#", "\\", "", "ab"},
	"->/1/text":        {"a", "b", "x", ""}, "->>/1/text": {"a", "b", "x"}, "->/1/integer": {"0", "1", "-1", "5", "-9"}, "->>/1/integer": {"0", "1", "-1", "-9"},
	"#>/1": jsonPaths, "#>>/1": jsonPaths, "#-/1": jsonPaths, "jsonb_set/1": jsonPaths, "jsonb_insert/1": jsonPaths,
	"?/1": {"a", "b", "foo"}, "?|/1": {"{a}", "{x,b}", "{}", "{NULL}"}, "?&/1": {"{a}", "{a,b}", "{}", "{NULL}"},
	"-/1/text": {"a", "b", "foo"}, "-/1/text[]": {"{a}", "{a,b}", "{}", "{NULL}"}, "-/1/integer": {"0", "1", "-1", "7", "2147483647", "-2147483648"},
	"json_extract_path/1": {"a", "b", "0"}, "jsonb_extract_path/1": {"a", "b", "0"}, "json_extract_path_text/1": {"a", "b", "1"}, "jsonb_extract_path_text/1": {"a", "b", "-1"},
	"json_object/0": {"{}", "{a,1}", "{a}", "{{a,1},{b,2}}", "{NULL,1}", "{a,NULL}"}, "jsonb_object/0": {"{}", "{a,1}", "{a}", "{{a,1},{b,2}}", "{NULL,1}", "{a,NULL}"},
	"format_type/0": {"23", "25", "1043", "1700", "1184", "1007", "16", "0", "4294967295", "18"}, "format_type/1": {"-1", "14", "655366"},
	"pg_encoding_to_char/0": {"0", "6", "8", "-1"}, "pg_char_to_encoding/0": {"UTF8", "latin1", "nope"}, "oidvectortypes/0": {"", "23", "23 25"},
	"parse_ident/0":    {"a.b", "\"A b\".c", "Foo", "", "a.", ".a", "\"a", "a b", " x . y ", "\"\"", "a$1", "1a"},
	"pg_size_pretty/0": {"0", "10239", "10240", "10485759", "1234567890", "-1000000", "9223372036854775807", "20479", "20971519"},
	"to_char/1":        {"YYYY-MM-DD HH24:MI:SS.US", "Day, DD Month YYYY", "FMDay FMDD", "HH12:MI AM", "Q IW ID", "TZ", "J", "999", "FM999.99", "S9999", "9,999.00", "000", "99.9EEEE", "RN", "9999MI", "PR99", "L999", "V99"},
	"to_date/0":        {"05 Dec 2000", "2000-12-05", "20001205", "12/31/99", "nope"}, "to_date/1": {"DD Mon YYYY", "YYYY-MM-DD", "YYYYMMDD", "MM/DD/YY"},
	"to_timestamp/0/text": {"05 Dec 2000", "2000-12-05 10:11:12", "20001205", "nope"}, "to_timestamp/1": {"DD Mon YYYY", "YYYY-MM-DD HH24:MI:SS", "YYYYMMDD"},
	"to_number/0": {"12,454.8-", "123", "-12.5", "$1,234.56", "  42", "abc", ""}, "to_number/1": {"99G999D9S", "999", "S99.9", "L9G999D99", "99999", "999D9"},
	"convert_from/1": {"UTF8", "utf-8"}, "convert_to/1": {"UTF8", "utf-8"},
}

var unitSamples = []string{"year", "month", "day", "hour", "minute", "second", "week", "quarter", "century", "decade", "millennium", "milliseconds", "microseconds",
	"dow", "doy", "epoch", "isodow", "isoyear", "julian", "timezone", "timezone_hour", "nope", "DAY"}

var zoneSamples = []string{"UTC", "America/Denver", "Australia/Sydney", "EST", "+03", "nope", "PST8PDT"}

var regexSamples = []string{"a", "", "^a", "b$", "a.c", "[a-z]+", "(a)(b)", "(x)|a", "\\d+", "\\s", "\\w+", "[[:alpha:]]+", "a*", "a|b", "(", "[", "*", "a{2}", "a{", "l{2,}",
	"a+?", "[^a-z]", "\\mfoo", "o\\M", "\\yw", ".", "(?i)ABC", "(?:ab)c", "x?", "b(..)?", "o", "\\", "a**", "[]a]", "a{3,1}"}

var flagSamples = []string{"", "g", "i", "gi", "n", "x", "z", "q"}

var likeSamples = []string{"", "%", "_", "a%", "%c", "%b%", "a_c", "abc", "\\%", "%\\%%", "abc\\", "%_\\", "A%", "h_llo%", "%w_r%", "%%", "_%_", "%é%"}

var similarSamples = []string{"a%", "(a|b)c", "a#%", "[a-c]_", "%#\"b#\"%", "a.b^$", "x\\y", "[\\]"}

var jsonPaths = []string{"{a}", "{b,0}", "{b,2,c}", "{a,b,c}", "{}", "{3,x}", "{1}", "{-1}", "{x}", "{b,9}", "{b,-9}", "{b,q}", "{NULL}"}

func samples(t types.OID) []string {
	if s, ok := typeSamples[t]; ok {
		return s
	}
	panic("no samples for " + t.String())
}

var typeSamples = map[types.OID][]string{
	types.Bool:   {"t", "f"},
	types.Int2:   {"0", "1", "-1", "2", "7", "-13", "100", "32767", "-32768"},
	types.Int4:   {"0", "1", "-1", "2", "3", "7", "-13", "100", "65536", "2147483647", "-2147483648"},
	types.Int8:   {"0", "1", "-1", "2", "7", "-13", "100", "3000000000", "9223372036854775807", "-9223372036854775808"},
	types.Float4: {"0", "1", "-1", "2.5", "-0", "0.1", "3.4e38", "1e-38", "1e-45", "NaN", "Infinity", "-Infinity", "123456.7", "32767.5"},
	types.Float8: {"0", "1", "-1", "0.5", "2.5", "-0", "0.1", "1e308", "-1e308", "1e-308", "5e-324", "NaN", "Infinity", "-Infinity",
		"3.141592653589793", "2147483647.5", "9223372036854775807", "45", "100", "-3.5", "1e15", "123456789.123"},
	types.Numeric: {"0", "1", "-1", "1.5", "-2.50", "0.001", "123456789012345678901234567890", "1e-20", "99999999999.99999", "NaN",
		"Infinity", "-Infinity", "2.500", "100", "3", "0.333333333333", "-0.5", "32767.5", "9223372036854775807", "10"},
	types.Text: {"", "a", "abc", "ABC", "  pad  ", "héllo wörld", "a,b,c", "%", "_", "abc%def", "a\\b", "O'Reilly", "x\ny", "日本語",
		"123", "Foo bar", "foo", "hello world", "xyxtrimyyx", "a1b2c3", "select"},
	types.BPChar: {"", "a", "abc  ", "  pad  ", "héllo", "x"}, types.Varchar: {"", "a", "abc  ", "héllo", "x"},
	types.Name: {"", "a", "pg_class", "Foo"}, types.Char: {"", "a", "z"},
	types.Bytea: {"", "abc", `\x00ff10`, "hello", `\x61`, `\x1234567890`},
	types.Date: {"2000-01-01", "1999-12-31", "2024-02-29", "0001-01-01", "4713-01-01 BC", "5874897-12-31", "infinity", "-infinity",
		"2024-03-10", "2024-11-03", "1970-01-01"},
	types.Time:   {"00:00:00", "23:59:59.999999", "12:34:56.789", "24:00:00", "04:05:06"},
	types.TimeTZ: {"00:00:00+00", "23:59:59.999999-08", "12:34:56.789+05:30", "24:00:00-05"},
	types.Timestamp: {"2000-01-01 00:00:00", "1999-12-31 23:59:59.999999", "2024-02-29 12:34:56.789", "2024-03-10 02:30:00",
		"2024-11-03 01:30:00", "infinity", "-infinity", "0001-01-01 00:00:00", "294276-12-31 23:59:59.999999", "4713-01-01 00:00:00 BC", "1970-01-01 00:00:00"},
	types.TimestampTZ: {"2000-01-01 00:00:00+00", "1999-12-31 23:59:59.999999+00", "2024-02-29 12:34:56.789-05", "2024-03-10 07:30:00+00",
		"2024-11-03 05:30:00+00", "2024-11-03 06:30:00+00", "infinity", "-infinity", "0001-01-01 00:00:00+00", "1970-01-01 00:00:00+00"},
	types.Interval: {"0", "1 day", "1 mon", "30 days", "24 hours", "-1 day", "1 year 2 mons 3 days 04:05:06.789", "-1 year -2 mons +3 days -04:05:06",
		"1.5 hours", "100 years", "00:00:00.000001", "1 mon -30 days", "35 days", "178000000 years"},
	types.UUID:  {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"},
	types.JSON:  {"{}", "[]", "null", "1", `"a"`, `{"a": 1, "b": [1,2,{"c": null}]}`, `[1, "a", null, {"x": true}]`, `{"a":{"b":{"c":"foo"}}}`},
	types.JSONB: {"{}", "[]", "null", "1", "1.50", `"a"`, "true", `{"a": 1, "b": [1,2,{"c": null}]}`, `[1, "a", null, {"x": true}]`, `{"a":{"b":{"c":"foo"}}}`, `["a","b"]`},
	types.Oid:   {"0", "1", "1259", "4294967295"}, types.Xid: {"0", "1", "4294967295"}, types.Cid: {"0", "1"},
	types.Int4Array: {"{}", "{1}", "{1,2,3}", "{NULL,1}", "{{1,2},{3,4}}", "[0:2]={7,8,9}", "{3,2,1}", "{1,1,2,NULL}"},
	types.Int2Array: {"{}", "{1}", "{1,2,3}"}, types.Int8Array: {"{}", "{1}", "{1,2,3}"},
	types.TextArray: {"{}", "{a}", "{a,b,NULL}", `{"x y","",c}`, "{{a,b},{c,d}}", "{a,b,c}"}, types.NumericArray: {"{}", "{1.5}", "{1,2.50,NULL}"},
	types.DateArray: {"{}", "{2000-01-01}", "{2000-01-01,NULL,2024-02-29}"}, types.BoolArray: {"{}", "{t,f}", "{t,NULL}"},
	types.OidVector: {"", "1", "1 2 3"}, types.Int2Vector: {"", "1", "1 2 3"},
	types.Float8Array: {"{}", "{1.5,2}", "{0.1,0.9}"},
}
