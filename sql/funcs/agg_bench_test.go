package funcs_test

import (
	"context"
	"testing"

	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// benchAggregate updates 1000 groups with 4096 rows a round.
func benchAggregate(b *testing.B, name string, weighted bool, ts ...types.OID) {
	const rows, groups = 4096, 1000
	in := make([]types.Type, len(ts))
	args := make([]*vec.Vec, len(ts))
	for i, t := range ts {
		in[i] = types.T(t)
		args[i] = vec.New(in[i], rows)
		for k := range rows {
			switch in[i].Class() {
			case types.I64:
				args[i].AppendI64(int64(k * 31))
			case types.F64:
				args[i].AppendF64(float64(k) * 0.37)
			default:
				args[i].AppendBytes(types.AppendNumericInt(nil, int64(k)))
			}
		}
	}
	a, _, _, err := funcs.ResolveAggregate(name, in)
	if err != nil {
		b.Fatal(err)
	}
	acc := a.New(in, weighted)
	acc.Reset(groups)
	gs := make([]int32, rows)
	for i := range gs {
		gs[i] = int32(i * 7919 % groups)
	}
	var w []int64
	if weighted {
		w = make([]int64, rows)
		for i := range w {
			w[i] = 1
		}
	}
	ctx := &funcs.Ctx{Context: context.Background()}
	b.ReportAllocs()
	for b.Loop() {
		acc.Update(ctx, gs, args, w, rows, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}

func BenchmarkCountStar(b *testing.B)     { benchAggregate(b, "count", false) }
func BenchmarkSumInt(b *testing.B)        { benchAggregate(b, "sum", false, types.Int8) }
func BenchmarkSumIntWeights(b *testing.B) { benchAggregate(b, "sum", true, types.Int8) }
func BenchmarkAvgInt(b *testing.B)        { benchAggregate(b, "avg", false, types.Int4) }
func BenchmarkMaxInt(b *testing.B)        { benchAggregate(b, "max", false, types.Int8) }
func BenchmarkSumFloat(b *testing.B)      { benchAggregate(b, "sum", false, types.Float8) }
func BenchmarkSumNumeric(b *testing.B)    { benchAggregate(b, "sum", false, types.Numeric) }
