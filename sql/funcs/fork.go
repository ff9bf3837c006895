package funcs

// Fork returns a context for evaluating other rows on behalf of this one's: the same but without errors.
func (c *Ctx) Fork() *Ctx {
	s := *c
	s.Errors, s.bad = nil, nil
	return &s
}
