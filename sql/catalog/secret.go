package catalog

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
)

// Secret returns the secret of that name in a schema, or nil.
func (s *Snapshot) Secret(schema ID, name string) *Secret {
	for _, n := range s.secrets {
		if n.Schema == schema && n.Name == name {
			return n
		}
	}
	return nil
}

// SecretByID returns the secret with an id, or nil.
func (s *Snapshot) SecretByID(id ID) *Secret { return s.secrets[id] }

// SecretsIn returns the secrets of a schema, by name.
func (s *Snapshot) SecretsIn(schema ID) []*Secret {
	var out []*Secret
	for _, n := range s.secrets {
		if n.Schema == schema {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b *Secret) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// SecretUsers returns the relations whose options refer to a secret, in the order of their ids.
func (s *Snapshot) SecretUsers(id ID) []*Relation {
	uses := func(refs map[string]ID) bool { return slices.Contains(slices.Collect(maps.Values(refs)), id) }
	var out []*Relation
	for _, r := range s.Relations() {
		if uses(r.Secrets) || r.Format != nil && (uses(r.Format.Secrets) || uses(r.Format.KeySecrets)) {
			out = append(out, r)
		}
	}
	return out
}

// Reveal returns options with the values of the secrets that refs names: for the connector, and for nobody's eyes.
func (s *Snapshot) Reveal(options map[string]string, refs map[string]ID) (map[string]string, error) {
	if len(refs) == 0 {
		return options, nil
	}
	out := maps.Clone(options)
	if out == nil {
		out = map[string]string{}
	}
	for option, id := range refs {
		n := s.secrets[id]
		if n == nil {
			return nil, pgerr.Newf(pgerr.UndefinedObject, `the secret of parameter "%s" does not exist`, option)
		}
		out[option] = n.Value
	}
	return out, nil
}

// Revealed is r with its options and those of its format as the connector needs them.
func (s *Snapshot) Revealed(r *Relation) (*Relation, error) {
	c := *r
	var err error
	if c.Options, err = s.Reveal(r.Options, r.Secrets); err != nil || r.Format == nil {
		return &c, err
	}
	f := *r.Format
	if f.Options, err = s.Reveal(f.Options, f.Secrets); err != nil {
		return &c, err
	}
	f.KeyOptions, err = s.Reveal(f.KeyOptions, f.KeySecrets)
	c.Format = &f
	return &c, err
}

// shortSecret is the length of values that Hide passes over: they would be found in any text, and protect nothing.
const shortSecret = 3

// Hide is text, of an error say, without the values of the secrets that r refers to.
func (s *Snapshot) Hide(r *Relation, text string) string {
	refs := []map[string]ID{r.Secrets}
	if r.Format != nil {
		refs = append(refs, r.Format.Secrets, r.Format.KeySecrets)
	}
	for _, m := range refs {
		for _, id := range m {
			if n := s.secrets[id]; n != nil && len(n.Value) > shortSecret {
				text = strings.ReplaceAll(text, n.Value, Masked)
			}
		}
	}
	return text
}

// HideError is err without the values of the secrets that r refers to.
func (s *Snapshot) HideError(r *Relation, err error) error {
	if err == nil {
		return nil
	}
	e := *pgerr.Of(err)
	hidden := e
	hidden.Message, hidden.Detail, hidden.Hint = s.Hide(r, e.Message), s.Hide(r, e.Detail), s.Hide(r, e.Hint)
	if hidden.Message == e.Message && hidden.Detail == e.Detail && hidden.Hint == e.Hint {
		return err
	}
	return &hidden
}

// Masked stands where a value must not be shown.
const Masked = "********"

// SecretOption reports whether an option's value is shown to nobody, by its name and what it looks like.
func SecretOption(name, value string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"password", "secret", "token", "jaas", "credential", "api.key", "userinfo", "user.info"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return strings.Contains(value, "PRIVATE KEY")
}

// login is the user and password of a URL.
var login = regexp.MustCompile(`://[^/@\s]*@`)

// ShownValue is the value of an option as it may be shown.
func ShownValue(name, value string) string {
	if SecretOption(name, value) {
		return Masked
	}
	return login.ReplaceAllString(value, "://"+Masked+"@")
}

// ShownOption is an option as it may be shown.
type ShownOption struct{ Name, Value string }

// ShownOptions are options by name, as they may be shown: the name of a secret instead of its value, and no password.
func (s *Snapshot) ShownOptions(options map[string]string, refs map[string]ID) []ShownOption {
	var out []ShownOption
	for name, value := range options {
		out = append(out, ShownOption{name, ShownValue(name, value)})
	}
	for name, id := range refs {
		if n := s.secrets[id]; n != nil {
			out = append(out, ShownOption{name, "SECRET " + n.Name})
		}
	}
	slices.SortFunc(out, func(a, b ShownOption) int { return strings.Compare(a.Name, b.Name) })
	return out
}
