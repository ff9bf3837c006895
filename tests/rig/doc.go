// Package rig starts the real parts that tests stand on: PostgreSQL as the judge, an Apache Kafka broker, a schema registry,
// the Millrace server itself, and public data sets.
//
//	rig.Postgres(t)   one server a test process, durability off; PostgresDurable: on, for benchmarks
//	rig.Database(t)   a fresh database in it, dropped with the test
//	rig.Kafka(t)      a broker of the test's own (KRaft, one process): Kill9, Restart, topics, records
//	rig.SharedKafka(t) one broker a test process, with TLS and logins too, for tests that do not stop it
//	rig.Python(t, ..)  a Python with packages of PyPI
//	rig.Registry(t)   a schema registry (Apicurio), content in memory; SharedRegistry: one a test process
//	rig.Debezium(t)   Debezium's connector for PostgreSQL, from a Database to a broker
//	rig.Millrace(t)   a server of the test's own, built once: Kill9, Restart, Stop, DSN, Log
//	rig.Flights(t)    20,000 real flights and the airports they flew between
//
// Invariants
//   - Everything listens on 127.0.0.1, on ports nobody used a moment ago.
//   - Nothing outlives the test process, not even one that is killed: children carry a parent-death signal,
//     and a watchdog removes the temporary files (process.go).
//   - Downloads go through the ordinary clients (maven, npm, go) into os.UserCacheDir()/millrace-tests, at
//     pinned versions, once for all test processes of the machine.
//   - A missing tool skips the test and says which; with CI=true it fails it (need).
//
// What does not belong here: knowledge of SQL, of views, or of what a test means to prove.
package rig
