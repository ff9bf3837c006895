package session

import (
	"sort"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/pgcatalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// settings are the run-time settings of one session. Changes belong to the transaction: what SET changed goes back
// if it rolls back, what SET LOCAL changed goes back at its end either way.
type settings struct {
	values []string          // by place in gucs
	reset  []string          // what RESET goes back to: the session's start
	custom map[string]string // settings with a dot in their name

	undo []settingChange // of the open transaction, oldest first

	// What statements need of them, in their form.
	zone       *time.Location
	order      types.DateOrder
	searchPath []string
	// version changes when a setting does that plans depend on.
	version uint64
	// onChange is told of a change of gucs[i].
	onChange func(i int)
}

// settingChange undoes one SET.
type settingChange struct {
	guc   int    // -1: custom
	name  string // of a custom one
	old   string
	unset bool // the custom setting was not there
	local bool // SET LOCAL
}

// newSettings starts from the server's defaults.
func newSettings(defaults map[string]string) *settings {
	s := &settings{custom: map[string]string{}}
	for i := range gucs {
		v := gucs[i].Default
		if d, ok := defaults[gucs[i].Name]; ok {
			v = d
		}
		s.values = append(s.values, v)
	}
	s.reset = append([]string{}, s.values...)
	for _, i := range []int{gucTimeZone, gucDateStyle, gucSearchPath} {
		s.derive(i)
	}
	return s
}

func (s *settings) get(i int) string { return s.values[i] }

func (s *settings) isOn(i int) bool { return s.values[i] == "on" }

// lookup is current_setting: the value by name, as SHOW prints it.
func (s *settings) lookup(name string) (string, bool) {
	if i, ok := findGuc(name); ok {
		return gucs[i].show(s.values[i]), true
	}
	v, ok := s.custom[strings.ToLower(name)]
	return v, ok
}

func errNoSetting(name string) error {
	return pgerr.Newf(pgerr.UndefinedObject, `unrecognized configuration parameter "%s"`, name)
}

// change is SET: it checks the value and remembers the old one for the transaction's end.
func (s *settings) change(name, value string, local bool) error {
	i, ok := findGuc(name)
	if !ok {
		return s.changeCustom(name, value, local)
	}
	g := &gucs[i]
	if err := g.settable(); err != nil {
		return err
	}
	v, err := g.check(value)
	if err != nil {
		return err
	}
	s.undo = append(s.undo, settingChange{guc: i, old: s.values[i], local: local})
	s.put(i, v)
	return nil
}

func (g *guc) settable() error {
	switch g.Context {
	case contextInternal:
		return pgerr.Newf(pgerr.CantChangeRuntimeParam, `parameter "%s" cannot be changed`, g.Name)
	case contextPostmaster:
		return pgerr.Newf(pgerr.CantChangeRuntimeParam, `parameter "%s" cannot be changed without restarting the server`, g.Name)
	case contextSighup:
		return pgerr.Newf(pgerr.CantChangeRuntimeParam, `parameter "%s" cannot be changed now`, g.Name)
	}
	return nil
}

// changeCustom sets a setting of an extension or application: any name with a dot.
func (s *settings) changeCustom(name, value string, local bool) error {
	if !strings.Contains(name, ".") {
		return errNoSetting(name)
	}
	key := strings.ToLower(name)
	for _, part := range strings.Split(key, ".") {
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789_$") != "" {
			return pgerr.Newf(pgerr.InvalidName, `invalid configuration parameter name "%s"`, name).
				WithDetail("Custom parameter names must be two or more simple identifiers separated by dots.")
		}
	}
	old, ok := s.custom[key]
	s.undo = append(s.undo, settingChange{guc: -1, name: key, old: old, unset: !ok, local: local})
	s.custom[key] = value
	return nil
}

// resetOne is RESET name.
func (s *settings) resetOne(name string, local bool) error {
	i, ok := findGuc(name)
	if !ok {
		key := strings.ToLower(name)
		old, had := s.custom[key]
		if !had {
			if strings.Contains(name, ".") {
				return nil
			}
			return errNoSetting(name)
		}
		s.undo = append(s.undo, settingChange{guc: -1, name: key, old: old, local: local})
		s.custom[key] = ""
		return nil
	}
	if err := gucs[i].settable(); err != nil {
		return err
	}
	s.undo = append(s.undo, settingChange{guc: i, old: s.values[i], local: local})
	s.put(i, s.reset[i])
	return nil
}

// resetAll is RESET ALL: everything but the transaction's own properties and the identity.
func (s *settings) resetAll() {
	for i := range gucs {
		switch i {
		case gucIsolation, gucReadOnly, gucRole, gucSessionAuth:
			continue
		}
		if s.values[i] != s.reset[i] {
			s.undo = append(s.undo, settingChange{guc: i, old: s.values[i]})
			s.put(i, s.reset[i])
		}
	}
	for k, v := range s.custom {
		s.undo = append(s.undo, settingChange{guc: -1, name: k, old: v})
		s.custom[k] = ""
	}
}

func (s *settings) put(i int, v string) {
	if s.values[i] == v {
		return
	}
	s.values[i] = v
	s.derive(i)
	if s.onChange != nil {
		s.onChange(i)
	}
}

func (s *settings) derive(i int) {
	switch i {
	case gucTimeZone:
		s.zone, _ = findZone(s.values[i])
	case gucDateStyle:
		s.order = dateOrder(s.values[i])
	case gucSearchPath:
		s.searchPath, _ = splitIdentifiers(s.values[i])
	default:
		return
	}
	s.version++
}

// mark is a place to roll back to.
func (s *settings) mark() int { return len(s.undo) }

// rollbackTo undoes the changes since mark.
func (s *settings) rollbackTo(mark int) {
	for k := len(s.undo) - 1; k >= mark; k-- {
		s.revert(s.undo[k])
	}
	s.undo = s.undo[:mark]
}

func (s *settings) revert(c settingChange) {
	switch {
	case c.guc >= 0:
		s.put(c.guc, c.old)
	case c.unset:
		delete(s.custom, c.name)
	default:
		s.custom[c.name] = c.old
	}
}

// commit makes the transaction's changes those of the session. A SET LOCAL gives way to what the setting was before
// it: the transaction's last plain SET, or the value at its begin.
func (s *settings) commit() {
	if len(s.undo) == 0 {
		return
	}
	for k := len(s.undo) - 1; k >= 0; k-- {
		c := s.undo[k]
		if !c.local {
			s.forget(c, k)
			continue
		}
		s.revert(c)
	}
	s.undo = s.undo[:0]
}

// forget takes the changes before k of the same setting out of the running: the plain SET at k overrides them.
func (s *settings) forget(c settingChange, k int) {
	for j := range s.undo[:k] {
		if s.undo[j].guc == c.guc && s.undo[j].name == c.name {
			s.undo[j].local = false
		}
	}
}

// named are all settings with their values, for SHOW ALL and pg_settings.
func (s *settings) named() []string {
	names := make([]string, 0, len(gucs)+len(s.custom))
	for i := range gucs {
		names = append(names, gucs[i].Name)
	}
	for k := range s.custom {
		names = append(names, k)
	}
	sort.Slice(names, func(i, j int) bool { return strings.ToLower(names[i]) < strings.ToLower(names[j]) })
	return names
}

// Settings are the rows of pg_settings; current answers the session's values.
func Settings(current func(name string) (string, bool)) []pgcatalog.Setting {
	out := make([]pgcatalog.Setting, 0, len(gucs))
	for i := range gucs {
		g := &gucs[i]
		shown, _ := current(g.Name)
		v := shown
		if g.Unit != "" {
			// SHOW prints with a unit, pg_settings in the base unit.
			if raw, err := g.checkNumber(shown); err == nil {
				v = raw
			}
		}
		s := pgcatalog.Setting{Name: g.Name, Value: v, Unit: g.Unit, Category: g.Category, Desc: g.Desc,
			Context: string(g.Context), Kind: string(g.Kind), Boot: g.Default, Reset: g.Default, Enum: g.Enum, Inert: g.Inert,
			Source: "default"}
		if v != g.Default {
			s.Source = "session"
		}
		if g.Kind == kindInteger || g.Kind == kindReal {
			s.Min, s.Max = formatNumber(g.Min), formatNumber(g.Max)
		}
		out = append(out, s)
	}
	return out
}
