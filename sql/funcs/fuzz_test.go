package funcs

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// FuzzRegex checks that no pattern, flags or replacement makes the regular expression functions panic.
func FuzzRegex(f *testing.F) {
	for _, p := range []string{"a", "(a)(b)?", "[[:alpha:]]", "[]a]", "a{2,3}?", `\mfoo\M`, "***=x", "(?i)x", `[\]`, "[[.x.]]", "a{", "\\", "[^", "(?", "x**"} {
		f.Add(p, "g", "foobar", `\1\&`)
	}
	f.Fuzz(func(t *testing.T, pattern, flags, s, rep string) {
		re, err := compileRegex(pattern, flags)
		if err != nil {
			return
		}
		last := 0
		for _, m := range matches(re, s, 0) {
			if m[0] < last || m[1] < m[0] || m[1] > len(s) {
				t.Fatalf("match %v of %q in %q", m, pattern, s)
			}
			last = m[1]
			expand(nil, rep, s, m)
		}
		var parts []string
		splitRegex(re, s, func(p string) { parts = append(parts, p) })
		if joined := strings.Join(parts, ""); len(joined) > len(s) {
			t.Fatalf("split of %q at %q gives more: %q", s, pattern, parts)
		}
	})
}

// FuzzLike compares the recognised shapes of patterns with the general matcher.
func FuzzLike(f *testing.F) {
	for _, p := range []string{"%", "a%", "%a", "%a%", "a", "a_%", `\%`, "_%_", "%%", `a\`} {
		f.Add(p, "abcab")
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !utf8.ValidString(s) || !utf8.ValidString(pattern) {
			return
		}
		var l likePattern
		l.compile(pattern, false, true)
		got, err := l.match(s)
		general := likePattern{text: pattern, shape: '?', chars: true}
		want, err2 := general.match(s)
		if got != want || (err == nil) != (err2 == nil) {
			t.Fatalf("%q LIKE %q: %v %v, want %v %v", s, pattern, got, err, want, err2)
		}
	})
}

// FuzzFunctions calls every function of texts alone with arbitrary ones.
func FuzzFunctions(f *testing.F) {
	f.Add("a", "b", "c")
	f.Add("%s %I", "YYYY-MM-DD", "999D99")
	f.Add(`{"a":[1,null]}`, "{a,0}", "1")
	f.Add("\"x\".y", "[a-", "UTC")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ctx := &Ctx{Context: context.Background(), Env: &types.Env{}}
		for _, fn := range All() {
			if fn.Vol == Volatile || len(fn.Args) == 0 || len(fn.Args) > 3 {
				continue
			}
			args := make([]*vec.Vec, len(fn.Args))
			ok := true
			for i, s := range []string{a, b, c}[:len(fn.Args)] {
				ok = ok && fn.Args[i] == text
				args[i] = vec.New(types.T(text), 1)
				args[i].AppendStr(s)
			}
			if !ok {
				continue
			}
			out := vec.New(types.T(fn.Ret), 1)
			if out.Type.Class() != types.Bytes {
				out.Resize(1)
			}
			ctx.Clear()
			fn.Kernel(ctx, args, 1, nil, out)
			if out.Len() != 1 {
				t.Fatalf("%s gives %d values", fn.Name, out.Len())
			}
		}
	})
}
