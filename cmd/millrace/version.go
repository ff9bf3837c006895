package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// version is set by release builds with -ldflags "-X main.version=...".
var version = ""

// versionString is the version, or what the build knows of the commit.
func versionString() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	s := "devel"
	for _, kv := range info.Settings {
		switch {
		case kv.Key == "vcs.revision" && len(kv.Value) >= 12:
			s += " " + kv.Value[:12]
		case kv.Key == "vcs.modified" && kv.Value == "true":
			s += " modified"
		}
	}
	return s
}

func printVersion(_ []string, out, _ io.Writer) int {
	fmt.Fprintf(out, "millrace %s (%s %s/%s)\n", versionString(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return exitOK
}
