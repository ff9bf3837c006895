package readme

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/millracedb/millrace/tests/rig"
)

// block is a fenced block of the README.
type block struct {
	lang, text string
	line       int
}

func blocks(t *testing.T, path string) []block {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	var cur *block
	for i, line := range strings.SplitAfter(string(data), "\n") {
		lang, fence := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "```")
		switch {
		case fence && cur == nil:
			cur = &block{lang: lang, line: i + 2}
		case fence:
			out = append(out, *cur)
			cur = nil
		case cur != nil:
			cur.text += line
		}
	}
	return out
}

func TestShopExample(t *testing.T) {
	srv := rig.Millrace(t)
	shown, want := 0, ""
	var last block
	bs := blocks(t, "../../README.md")
	for i, b := range bs {
		if b.lang != "sql" {
			continue
		}
		got := psql(t, srv, b)
		if i+1 < len(bs) && bs[i+1].lang == "text" {
			shown++
			want = bs[i+1].text
			last = block{text: b.text[strings.Index(b.text, "SELECT"):], line: b.line}
			if got != want {
				t.Errorf("README.md:%d: psql prints\n%s\nthe README shows\n%s", b.line, got, bs[i+1].text)
			}
		}
	}
	if shown < 3 {
		t.Errorf("%d results are shown in the README", shown)
	}

	// "Kill the server with -9 and start it again: all of it is still there, once."
	srv.Kill9()
	srv.Restart()
	if again := psql(t, srv, last); again != want {
		t.Errorf("after kill -9, README.md:%d: psql prints\n%s\nthe README shows\n%s", last.line, again, want)
	}
}

// psql runs a block and returns what psql prints for its queries.
func psql(t *testing.T, srv *rig.Server, b block) string {
	t.Helper()
	path := rig.Tool(t, "psql", "postgresql-client")
	cmd := exec.Command(path, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", fmt.Sprint(srv.Port()), "-U", "millrace", "millrace")
	cmd.Stdin = strings.NewReader(b.text)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("README.md:%d: %v\n%s", b.line, err, out)
	}
	return strings.TrimSuffix(string(out), "\n")
}
