package engine

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/vec"
)

func benchRig(b *testing.B) (*Engine, func(d physical.DDL)) {
	b.Helper()
	e, err := Open(Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.Close(context.Background()) })
	return e, func(d physical.DDL) {
		if err := e.Begin(TxnOptions{Single: true}).DDL(context.Background(), d, fc(), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInsert is a durable single-row INSERT into a stream with ten counting views, from 1 and 64 writers.
func BenchmarkInsert(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			e, ddl := benchRig(b)
			s := &catalog.Relation{Schema: catalog.PublicID, Name: "s", Kind: catalog.Stream, Columns: intColumns("k", "x")}
			ddl(&physical.CreateRelation{Rel: s})
			for i := range 10 {
				v := &catalog.Relation{Schema: catalog.PublicID, Name: fmt.Sprint("v", i), Kind: catalog.MatView, Columns: intColumns("k", "n"), PrimaryKey: []int{0}, DependsOn: []catalog.ID{s.ID}}
				ddl(&physical.CreateRelation{Rel: v, View: &physical.View{Root: countBy(b, s), Key: []int{0}, Reads: []catalog.ID{s.ID}}})
			}
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					for i := w; i < b.N; i += writers {
						ins := &physical.Insert{Rel: s.ID, Query: values([]int64{int64(i % 1000), 1})}
						if _, err := e.Begin(TxnOptions{Single: true}).Insert(context.Background(), ins, fc()); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// BenchmarkGroupBy is events through the log into one GROUP BY view over a bigint key: one op is one event.
func BenchmarkGroupBy(b *testing.B) {
	for _, groups := range []int64{1_000, 1_000_000} {
		b.Run(fmt.Sprintf("groups=%d", groups), func(b *testing.B) {
			e, ddl := benchRig(b)
			s := &catalog.Relation{Schema: catalog.PublicID, Name: "s", Kind: catalog.Stream, Columns: intColumns("k")}
			ddl(&physical.CreateRelation{Rel: s})
			v := &catalog.Relation{Schema: catalog.PublicID, Name: "v", Kind: catalog.MatView, Columns: intColumns("k", "n"), PrimaryKey: []int{0}, DependsOn: []catalog.ID{s.ID}}
			ddl(&physical.CreateRelation{Rel: v, View: &physical.View{Root: countBy(b, s), Key: []int{0}, Reads: []catalog.ID{s.ID}}})
			const chunk = 65536
			rows := vec.New(int8Type, chunk)
			x := uint64(1)
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += chunk {
				rows.Reset()
				for range chunk {
					x = x*6364136223846793005 + 1442695040888963407
					rows.AppendI64(int64(x>>33) % groups)
				}
				t := e.Begin(TxnOptions{Single: true})
				c, err := t.CopyIn(context.Background(), s.ID, nil, fc())
				if err != nil {
					b.Fatal(err)
				}
				if err := c.Write(&vec.Batch{Cols: []*vec.Vec{rows}, N: chunk}); err != nil {
					b.Fatal(err)
				}
				if _, err := c.Finish(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
