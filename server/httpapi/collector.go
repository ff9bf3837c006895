package httpapi

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// collector reads the server's counters at the time of a scrape.
type collector struct {
	src     Source
	metrics []metric
	lag     *prometheus.Desc
	build   *prometheus.Desc
}

// metric is one number of the server.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(*Source) float64
}

func newCollector(s Source) *collector {
	c := &collector{
		src: s,
		lag: prometheus.NewDesc("millrace_source_lag_records", "Records of a partition that are not read yet.",
			[]string{"stream", "partition"}, nil),
		build: prometheus.NewDesc("millrace_build_info", "The version that runs; always 1.", []string{"version"}, nil),
	}
	for _, m := range []struct {
		name, help string
		kind       prometheus.ValueType
		read       func(*Source) float64
	}{
		{"millrace_sessions", "Client connections.", prometheus.GaugeValue,
			func(s *Source) float64 { return float64(s.Sessions()) }},
		{"millrace_epoch", "The newest published epoch.", prometheus.GaugeValue,
			func(s *Source) float64 { return float64(s.Engine.Epoch()) }},
		{"millrace_epochs_total", "Epochs since start.", prometheus.CounterValue,
			func(s *Source) float64 { return float64(s.Engine.Stats().Epochs.Load()) }},
		{"millrace_rows_in_total", "Rows that came in since start.", prometheus.CounterValue,
			func(s *Source) float64 { return float64(s.Engine.Stats().RowsIn.Load()) }},
		{"millrace_transactions_total", "Transactions that changed something since start.", prometheus.CounterValue,
			func(s *Source) float64 { return float64(s.Engine.Stats().CommittedTxns.Load()) }},
		{"millrace_conflicts_total", "Transactions ended with 40001 since start.", prometheus.CounterValue,
			func(s *Source) float64 { return float64(s.Engine.Stats().Conflicts.Load()) }},
		{"millrace_checkpoints_total", "Checkpoints since start.", prometheus.CounterValue,
			func(s *Source) float64 { return float64(s.Engine.Stats().Checkpoints.Load()) }},
		{"millrace_checkpoint_pages_total", "Pages written by checkpoints since start.", prometheus.CounterValue,
			func(s *Source) float64 { return float64(s.Engine.Stats().CheckpointPages.Load()) }},
		{"millrace_log_bytes_total", "Bytes appended to the log since start.", prometheus.CounterValue,
			func(s *Source) float64 { return float64(s.Engine.Stats().LogBytes.Load()) }},
		{"millrace_backfills", "Materialized views that are being filled.", prometheus.GaugeValue,
			func(s *Source) float64 { return float64(len(s.Engine.Jobs())) }},
	} {
		c.metrics = append(c.metrics, metric{prometheus.NewDesc(m.name, m.help, nil, nil), m.kind, m.read})
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		ch <- m.desc
	}
	ch <- c.lag
	ch <- c.build
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	for _, m := range c.metrics {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.read(&c.src))
	}
	ch <- prometheus.MustNewConstMetric(c.build, prometheus.GaugeValue, 1, c.src.Version)
	for _, s := range c.src.Engine.Sources() {
		for _, p := range s.Status.Partitions {
			if p.High < 0 {
				continue
			}
			lag := max(p.High-s.Offsets[p.Partition], 0)
			ch <- prometheus.MustNewConstMetric(c.lag, prometheus.GaugeValue, float64(lag), s.Name,
				strconv.Itoa(int(p.Partition)))
		}
	}
}
