// Package httpapi is the HTTP port: /healthz for those who restart servers, /metrics for Prometheus.
//
// Metrics are read from the server's own counters when they are asked for (collector.go); nothing is counted twice.
//
// What does not belong: statements, sessions, anything that changes the server.
package httpapi
