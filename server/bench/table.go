package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// table prints aligned columns; the first row is the head.
type table struct{ w *tabwriter.Writer }

func newTable(out io.Writer, head ...string) *table {
	t := &table{tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)}
	t.row(head...)
	return t
}

func (t *table) row(cells ...string) { fmt.Fprintf(t.w, "%s\t\n", strings.Join(cells, "\t")) }

func (t *table) flush() { _ = t.w.Flush() }

// median of a list that is not empty.
func median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// percentile p (0..1) of durations, which it sorts.
func percentile(ds []time.Duration, p float64) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	slices.Sort(ds)
	return ds[min(int(p*float64(len(ds))), len(ds)-1)]
}

// ratio of medians, as text; "" if there is nothing to compare with.
func ratio(a, b []float64) string {
	if len(a) == 0 || len(b) == 0 {
		return ""
	}
	return fmt.Sprintf("%.2fx", median(a)/median(b))
}

func number(xs []float64) string {
	if len(xs) == 0 {
		return "-"
	}
	return thousands(median(xs))
}

// spread is the least and the greatest.
func spread(xs []float64) string {
	if len(xs) == 0 {
		return ""
	}
	return thousands(slices.Min(xs)) + ".." + thousands(slices.Max(xs))
}

func thousands(x float64) string {
	s := fmt.Sprintf("%.0f", x)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000) }

// micros is the median of times in seconds, as text; "-" if none is known.
func micros(seconds []float64) string {
	if len(seconds) == 0 || median(seconds) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f µs", median(seconds)*1e6)
}
