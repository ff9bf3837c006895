// Package lint holds the laws of the source tree as tests: which room may import which, who may know which
// library, what lies at the top, how long a file gets, that it is formatted, that every package says what it
// is for, and that the paths the documents name exist.
//
//	go list -json ./...  ->  laws (imports.go)  ->  violations, one line each
//	the files themselves ->  laws (files.go)    ->  violations, one line each
//
// Every law is itself tested: a tree that breaks it must be reported, so that a law that checks nothing
// cannot pass. What does not belong here: what a general linter (.ci/run) already finds.
package lint
