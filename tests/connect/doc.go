// Package connect tests connectors against the real systems: the source by itself for its speed, and the
// whole server for what it promises. See tests/rig for how those are started.
package connect
