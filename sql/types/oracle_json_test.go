package types

import (
	"fmt"
	"testing"
)

// TestOracleJSON: the operators of json and jsonb.
func TestOracleJSON(t *testing.T) {
	o := newOracle(t)
	var cases []oracleCase
	add := func(got, f string, args ...any) { cases = append(cases, oracleCase{fmt.Sprintf(f, args...), got}) }
	raw := func(v string, ok bool) string {
		if !ok {
			return ""
		}
		return v
	}
	text := func(v string, ok bool) string {
		if !ok || JSONKindOf(v) == JNull {
			return ""
		}
		return string(AppendJSONText(nil, v))
	}
	node := func(n *JSONNode, err error) string {
		switch {
		case err != nil:
			return errText(err)
		case n == nil:
			return ""
		}
		return string(n.Append(nil))
	}
	keys := []string{"a", "b", "aa", "", "Z", "é"}
	for range 2 * *oracleN {
		a, b := genJSON(o.rng, 3), genJSON(o.rng, 2)
		na, err := ParseJSON(a)
		if err != nil {
			t.Fatal(err)
		}
		nb, _ := ParseJSON(b)
		qj, qa, qb := quote(a)+"::json", quote(a)+"::jsonb", quote(b)+"::jsonb"
		k, i := pick(o.rng, keys), o.rng.Intn(7)-3
		ca := string(na.Append(nil))
		add(raw(JSONField(a, k)), "%s -> %s", qj, quote(k))
		add(text(JSONField(a, k)), "%s ->> %s", qj, quote(k))
		add(raw(JSONElem(a, i)), "%s -> %d", qj, i)
		add(text(JSONElem(a, i)), "%s ->> %d", qj, i)
		path := []string{pick(o.rng, []string{"a", "0", "-1", "b"}), pick(o.rng, []string{"a", "1", "0", "aa"})}
		add(raw(JSONPath(a, path)), "%s #> '{%s,%s}'", qj, path[0], path[1])
		add(text(JSONPath(ca, path)), "%s #>> '{%s,%s}'", qa, path[0], path[1])
		add(node(na.Path(path), nil), "%s #> '{%s,%s}'", qa, path[0], path[1])
		add(raw(JSONField(ca, k)), "%s -> %s", qa, quote(k))
		add(node(na.Index(i), nil), "%s -> %d", qa, i)
		add(JSONKindOf(a).String(), "json_typeof(%s)", qj)
		add(na.Kind.String(), "jsonb_typeof(%s)", qa)
		if na.Kind == JArray {
			add(fmt.Sprint(JSONLen(a)), "json_array_length(%s)", qj)
		}
		add(boolText(JSONContains(na, nb)), "%s @> %s", qa, qb)
		add(boolText(JSONExists(na, k)), "%s ? %s", qa, quote(k))
		add(node(JSONConcat(na, nb)), "%s || %s", qa, qb)
		add(node(JSONDelete(na, k)), "%s - %s", qa, quote(k))
		add(node(JSONDeleteIndex(na, i)), "%s - (%d)", qa, i)
		add(node(JSONStripNulls(na), nil), "jsonb_strip_nulls(%s)", qa)
		add(string(AppendJSONPretty(nil, na)), "jsonb_pretty(%s)", qa)
	}
	o.check(cases)
}

func boolText(b bool) string {
	if b {
		return "t"
	}
	return "f"
}
