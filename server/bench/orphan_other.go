//go:build unix && !linux

package bench

import "syscall"

// dieWithParent: only Linux has it. A benchmark that is killed leaves its server behind.
func dieWithParent() *syscall.SysProcAttr { return nil }
