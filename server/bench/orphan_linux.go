package bench

import "syscall"

// dieWithParent: the server under test does not outlive the benchmark.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
