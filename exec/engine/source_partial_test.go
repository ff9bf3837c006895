package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// feedTest is a feed of a table (id bigint primary key, a bigint, b bigint not null) with these rows: 1|10|100, 2|20|200.
type feedTest struct {
	part connect.Part
	feed tableFeed
}

// row adds a row to the part; a NULL is none.
func (f *feedTest) row(weight int64, values ...int64) *feedTest {
	b := f.part.Rows
	b.SetWeights()
	for i, v := range values {
		if v == null {
			b.Cols[i].AppendNull()
		} else {
			b.Cols[i].AppendI64(v)
		}
	}
	b.N++
	b.W = append(b.W, weight)
	return f
}

// old says that the last row has old values in a column, of row number of.
func (f *feedTest) old(of int, columns ...int) *feedTest {
	f.part.Partial = append(f.part.Partial, connect.Partial{Row: f.part.Rows.N - 1, Of: of, Columns: columns})
	return f
}

func (f *feedTest) truncate() *feedTest {
	f.part.Truncates = append(f.part.Truncates, f.part.Rows.N)
	return f
}

// next gives the part to the feed and begins another one.
func (f *feedTest) next() *feedTest {
	p := f.part
	f.feed.take(&p)
	f.part = connect.Part{Rows: vec.NewBatch(columnTypes(f.feed.meta), 0)}
	return f
}

const null = -1 << 40

func TestTableFeed(t *testing.T) {
	for _, tc := range []struct {
		name  string
		given func(f *feedTest)
		want  string
	}{
		{"values", func(f *feedTest) { f.row(1, 1, 11, 101).row(-1, 2, null, null).row(1, 3, 30, 300) }, "-1|10|100 +1|11|101 -2|20|200 +3|30|300"},
		{"old value of a live row", func(f *feedTest) { f.row(1, 1, 11, null).old(0, 2) }, "-1|10|100 +1|11|100"},
		{"of a row of the epoch", func(f *feedTest) {
			f.row(1, 3, 30, 300).row(1, 3, 31, null).old(1, 2).next().row(1, 3, null, 302).old(0, 1)
		}, "+3|31|302"},
		{"of a row that it has, twice", func(f *feedTest) { f.row(1, 1, null, 101).old(0, 1).row(1, 1, null, null).old(1, 1, 2) }, "-1|10|100 +1|10|101"},
		{"another key", func(f *feedTest) { f.row(-1, 1, null, null).row(1, 4, 44, null).old(0, 2) }, "-1|10|100 +4|44|100"},
		{"another key, of a row of the epoch", func(f *feedTest) {
			f.row(1, 1, null, 101).old(0, 1).next().row(-1, 1, null, null).row(1, 4, null, 400).old(0, 1)
		}, "-1|10|100 +4|10|400"},
		{"a row that is not there", func(f *feedTest) { f.row(1, 9, 90, null).old(0, 2) }, "! 22004"},
		{"a row that is gone", func(f *feedTest) { f.row(-1, 1, null, null).row(1, 1, 11, null).old(1, 2) }, "! 22004 -1|10|100"},
		{"of nobody knows what", func(f *feedTest) { f.row(1, 1, 11, null).old(-1, 2) }, "! 22004"},
		{"a constraint", func(f *feedTest) { f.row(1, 1, null, null).old(0, 1) }, "! 23502"},
		{"a constraint, later mended", func(f *feedTest) { f.row(1, 1, null, null).old(0, 1).row(1, 1, null, 102).old(1, 1) }, "-1|10|100 +1|10|102"},
		{"what was in front of a bad one", func(f *feedTest) { f.row(1, 1, 12, 120).row(1, 1, null, null).old(1, 1) }, "! 23502 -1|10|100 +1|12|120"},
		{"truncate", func(f *feedTest) { f.row(1, 3, 30, 300).truncate() }, "-1|10|100 -2|20|200"},
		{"truncate, and rows behind it", func(f *feedTest) {
			f.truncate().row(1, 2, 21, 200).row(1, 3, 30, 300).truncate().next().row(1, 2, 20, 200).row(1, 4, 40, 400)
		}, "+4|40|400 -1|10|100"},
		{"old values behind a truncate", func(f *feedTest) { f.truncate().row(1, 1, 11, null).old(0, 2) }, "! 22004 -1|10|100 -2|20|200"},
		{"a deletion behind a truncate", func(f *feedTest) { f.truncate().row(-1, 1, null, null) }, "-1|10|100 -2|20|200"},
	} {
		meta := &catalog.Relation{ID: 1, Name: "t", Kind: catalog.Table, PrimaryKey: []int{0}, Columns: []catalog.Column{
			{Name: "id", Type: types.T(types.Int8), NotNull: true}, {Name: "a", Type: types.T(types.Int8)}, {Name: "b", Type: types.T(types.Int8), NotNull: true}}}
		e := &Engine{}
		c := &core{rels: map[catalog.ID]*relation{}}
		r, err := newRelation(meta)
		if err != nil {
			t.Fatal(err)
		}
		live := &feedTest{part: connect.Part{Rows: vec.NewBatch(columnTypes(meta), 0)}}
		r.table.Apply(live.row(1, 1, 10, 100).row(1, 2, 20, 200).part.Rows)
		c.rels[1] = r
		f := &feedTest{feed: tableFeed{meta: meta}, part: connect.Part{Rows: vec.NewBatch(columnTypes(meta), 0)}}
		tc.given(f)
		f.next()
		d, err := f.feed.delta(&cut{e: e, c: c})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range f.feed.errs {
			got = append(got, "! "+e.Err.Code)
		}
		for i := range d.N {
			sign := "+"
			if d.Weight(i) < 0 {
				sign = "-"
			}
			got = append(got, fmt.Sprintf("%s%d|%d|%d", sign, d.Cols[0].I64[i], d.Cols[1].I64[i], d.Cols[2].I64[i]))
		}
		if text := strings.Join(got, " "); text != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, text, tc.want)
		}
	}
}
