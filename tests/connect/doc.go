// Package connect tests connectors against the real systems: the source by itself for its speed, and the
// whole server for what it promises. See tests/rig for how those are started.
//
// TestExactlyOnce is the longest: MILLRACE_KILLS=50 asks for a million records and 50 kills of the server and of the broker,
// MILLRACE_SEED for the random numbers of another run.
package connect
