// Package crash kills the server with SIGKILL under load and checks what comes back: no acknowledged row lost, none
// doubled, no statement half there, views equal to a recomputation, the server up again in seconds. The load is INSERT,
// COPY, UPDATE, transactions and a Kafka topic; a view that is being filled is a test of its own.
package crash
