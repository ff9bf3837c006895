package funcs

import "github.com/millracedb/millrace/sql/types"

// section collects the rows of one heading of the documentation.
type section struct {
	name string
	fs   []Func
}

func sig(ts ...types.OID) []types.OID { return ts }

// total adds an immutable function that gives a value for all arguments.
func (s *section) total(name string, args []types.OID, ret types.OID, f func(r *Row) error, doc, example string) *Func {
	return s.kernel(name, args, ret, Each(f), doc, example)
}

// partial adds an immutable function that fails for some arguments.
func (s *section) partial(name string, args []types.OID, ret types.OID, f func(r *Row) error, doc, example string) *Func {
	fn := s.kernel(name, args, ret, Each(f), doc, example)
	fn.CanFail = true
	return fn
}

// kernel adds an immutable function that cannot fail.
func (s *section) kernel(name string, args []types.OID, ret types.OID, k Kernel, doc, example string) *Func {
	s.fs = append(s.fs, Func{Name: name, Kind: Function, Args: args, Ret: ret, Vol: Immutable, Kernel: k,
		Doc: doc, Example: example, Section: s.name})
	return &s.fs[len(s.fs)-1]
}

// op adds a binary operator.
func (s *section) op(name string, l, r, ret types.OID, k Kernel, doc, example string) *Func {
	fn := s.kernel(name, sig(l, r), ret, k, doc, example)
	fn.Kind = Operator
	return fn
}

// prefix adds a prefix operator.
func (s *section) prefix(name string, arg, ret types.OID, k Kernel, doc, example string) *Func {
	fn := s.kernel(name, sig(arg), ret, k, doc, example)
	fn.Kind = Prefix
	return fn
}

// lax marks a function that is called with nulls.
func (f *Func) lax() *Func { f.Lax = true; return f }

// failing marks a function that may fail.
func (f *Func) failing() *Func { f.CanFail = true; return f }

// stable and volatile set the volatility.
func (f *Func) stable() *Func   { f.Vol = Stable; return f }
func (f *Func) volatile() *Func { f.Vol = Volatile; return f }

// variadic makes the last argument repeat.
func (f *Func) variadic() *Func { f.Variadic = true; return f }
