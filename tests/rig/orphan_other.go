//go:build unix && !linux

package rig

import "syscall"

// whenOrphaned: only Linux ends a child with its parent. Elsewhere one is left behind if the test
// process is killed.
func whenOrphaned(*syscall.SysProcAttr, syscall.Signal) {}
