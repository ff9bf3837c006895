package rig

import "syscall"

// whenOrphaned is what the child receives should this process die.
func whenOrphaned(a *syscall.SysProcAttr, s syscall.Signal) { a.Pdeathsig = s }
