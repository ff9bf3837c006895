package kafka

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
	"github.com/twmb/franz-go/pkg/kgo"
)

// replayed counts what Replay delivers.
type replayed struct {
	engine
	places []connect.Place
	parts  int
}

func (r *replayed) Deliver(ctx context.Context, p *connect.Part) error {
	r.places = append(r.places, p.Replayed...)
	r.parts++
	return r.engine.Deliver(ctx, p)
}

func replayAll(t *testing.T, sp connect.StreamSpec, committed connect.Offsets, places ...connect.Place) *replayed {
	t.Helper()
	src, err := Connector.Open(sp)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out := &replayed{}
	if err := src.(connect.Replayer).Replay(ctx, committed, places, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func at0(offset int64) connect.Place { return connect.Place{Topic: "t", Offset: offset} }

// A stream's replay brings exactly the records named, and says of each whether it is still bad.
func TestReplayStream(t *testing.T) {
	c := cluster(t, 1)
	cl := client(t, c)
	for i := range 20 {
		v := fmt.Sprintf(`{"n":"v%d"}`, i)
		if i == 7 {
			v = "no json"
		}
		send(t, cl, &kgo.Record{Topic: "t", Value: []byte(v)})
	}
	e := &engine{}
	r := read(t, spec(t, c.ListenAddrs(), nil), e) // n is bigint: every record is bad
	r.await("20 errors", func() bool { _, n := e.counts(); return n == 20 })
	r.close()
	mended := spec(t, c.ListenAddrs(), nil, catalog.Column{Name: "n", Type: types.T(types.Text)})
	out := replayAll(t, mended, e.offsets, at0(3), at0(15), at0(7), at0(99))
	if want := []string{"0:text=v3", "0:text=v15"}; !slices.Equal(out.rows, want) {
		t.Errorf("rows %q, want %q", out.rows, want)
	}
	if len(out.errors) != 1 || len(out.places) != 3 || len(out.offsets) != 0 {
		t.Errorf("errors %q, places %v, offsets %v", out.errors, out.places, out.offsets)
	}
}

// In a table the newest record of a key wins, whenever an older one is replayed, and all of it is one part.
func TestReplayTable(t *testing.T) {
	c := cluster(t, 1)
	cl := client(t, c)
	for i, v := range []string{`{"k":1,"n":"old"}`, `{"k":2,"n":"two"}`, `{"k":1,"n":"new"}`, `{"k":3,"n":"three"}`} {
		send(t, cl, &kgo.Record{Topic: "t", Key: []byte(v[5:6]), Value: []byte(v), Timestamp: time.UnixMilli(int64(i + 1))})
	}
	sp := spec(t, c.ListenAddrs(), nil, catalog.Column{Name: "k", Type: types.T(types.Int8)}, catalog.Column{Name: "n", Type: types.T(types.Text)})
	sp.PrimaryKey = []int{0}
	out := replayAll(t, sp, connect.Offsets{0: 4}, at0(0), at0(1))
	if want := []string{"0:1:text=old", "0:2:text=two", "0:1:text=new"}; !slices.Equal(out.rows, want) || out.parts != 1 {
		t.Errorf("rows %q in %d parts, want %q", out.rows, out.parts, want)
	}
}
