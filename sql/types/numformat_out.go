package types

import "strings"

// numWriter puts a number's digits into a template: PostgreSQL's NUM_processor, whose state it keeps,
// because what a template means in odd corners is what that does.
type numWriter struct {
	d        numDesc
	dst      []byte
	number   string // digits and point, without the sign
	at       int    // next of number
	spaces   int    // template digits before the number's first
	curr     int    // template digits passed
	count    int
	relevant int // last digit that FM keeps, -1 if all
	negative bool
	signed   bool // the sign has been written, or is not wanted here
	inNumber bool
}

// write formats text, a number or (digits false) a Roman one.
func (f *NumberFormat) write(dst []byte, d numDesc, text string, digits bool) []byte {
	w := numWriter{d: d, dst: dst, relevant: -1}
	if digits {
		w.number, w.negative = strings.CutPrefix(text, "-")
		w.fit()
	} else {
		w.number = text
	}
	w.prepare()
	for i := range f.nodes {
		w.node(&f.nodes[i])
	}
	return w.dst
}

// fit compares the digits before the point with the template's: too few are padded, too many are shown as #.
func (w *numWriter) fit() {
	pre := strings.IndexByte(w.number, '.')
	if pre < 0 {
		pre = len(w.number)
	}
	switch {
	case pre < w.d.pre:
		w.spaces = w.d.pre - pre
	case pre > w.d.pre:
		w.number = strings.Repeat("#", w.d.pre) + "." + strings.Repeat("#", w.d.post)
	}
}

func (w *numWriter) prepare() {
	d := &w.d
	if d.plus || d.minus {
		w.signed = d.minus
	} else {
		if !w.negative && d.fill {
			d.bracket = false
		}
		w.signed = !w.negative && d.fill && d.sign == signNone
		if d.sign == signBefore && d.pre == d.preSign {
			d.sign = signAfter
		}
	}
	w.count = d.post + d.pre - 1
	if d.fill && d.decimal {
		w.findRelevant()
	}
	if !w.signed && w.spaces == 0 {
		w.count++
	}
}

// findRelevant finds the last digit after the point that is not a trailing zero, or that a 0 asks for.
func (w *numWriter) findRelevant() {
	point := strings.IndexByte(w.number, '.')
	if point < 0 {
		return
	}
	w.relevant = point
	for i := point + 1; i < len(w.number); i++ {
		if w.number[i] != '0' {
			w.relevant = i
		}
	}
	if w.d.zeroEnd > w.spaces {
		w.relevant = max(w.relevant, min(len(w.number)-1, w.d.zeroEnd-w.spaces))
	}
}

func (w *numWriter) put(s string) { w.dst = append(w.dst, s...) }

// relevantIs reports whether the last relevant character is c.
func (w *numWriter) relevantIs(c byte) bool { return w.relevant >= 0 && w.number[w.relevant] == c }

// hiddenZero reports whether the next digit is the 0 before the point that a 9 does not show.
func (w *numWriter) hiddenZero() bool {
	return !w.d.zero && w.at == 0 && w.number != "" && w.number[0] == '0' && w.d.post != 0
}

func (w *numWriter) node(n *numNode) {
	switch n.key {
	case "":
		w.put(n.text)
	case "9", "0", ".", "D":
		if !w.d.roman {
			w.digit(n.key)
		}
	case ",", "G":
		switch {
		case w.inNumber:
			w.put(",")
		case !w.d.fill:
			w.put(" ")
		}
	case "L":
		w.put(" ")
	case "RN":
		s := w.number
		if n.low {
			s = strings.ToLower(s)
		}
		if !w.d.fill && len(s) < 15 {
			w.put(strings.Repeat(" ", 15-len(s)))
		}
		w.put(s)
	case "TH":
		w.ordinal(n)
	case "MI":
		w.signOr(w.negative, "-")
	case "PL":
		w.signOr(!w.negative, "+")
	case "SG":
		w.put(w.sign())
	}
}

func (w *numWriter) ordinal(n *numNode) {
	if w.d.roman || w.negative || w.d.decimal || strings.HasPrefix(w.number, "#") {
		return
	}
	mark := byte('T')
	if n.low {
		mark = 't'
	}
	full := appendOrdinal([]byte(w.number), 0, mark)
	w.put(string(full[len(w.number):]))
}

func (w *numWriter) signOr(show bool, s string) {
	switch {
	case show:
		w.put(s)
	case !w.d.fill:
		w.put(" ")
	}
}

func (w *numWriter) sign() string {
	if w.negative {
		return "-"
	}
	return "+"
}

// digit handles 9, 0 and the point.
func (w *numWriter) digit(key string) {
	d := &w.d
	w.inNumber = false
	if !w.signed && (w.curr >= w.spaces || d.zero && d.zeroStart == w.curr) && (!w.hiddenZero() || w.relevantIs('.')) {
		w.leadingSign()
	}
	switch {
	case w.curr < w.spaces && (d.zeroStart > w.curr || !d.zero):
		if !d.fill {
			w.put(" ")
		}
	case w.curr < w.spaces:
		w.put("0")
		w.inNumber = true
	default:
		w.numberChar(key)
	}
	end := w.count
	if w.spaces > 0 {
		end++
	}
	if d.decimal {
		end++
	}
	if w.relevant >= 0 && w.relevant == w.at {
		end = w.curr
	}
	if w.curr+1 == end {
		w.trailingSign()
	}
	w.curr++
}

func (w *numWriter) leadingSign() {
	switch {
	case w.d.sign != signNone:
		if w.d.sign != signBefore {
			return
		}
		w.put(w.sign())
	case w.d.bracket && w.negative:
		w.put("<")
	case w.negative:
		w.put("-")
	case w.d.bracket || !w.d.fill:
		w.put(" ")
	}
	w.signed = true
}

func (w *numWriter) trailingSign() {
	switch {
	case w.signed && w.d.bracket:
		if w.negative {
			w.put(">")
		} else {
			w.put(" ")
		}
	case w.d.sign == signAfter:
		w.put(w.sign())
	}
}

// numberChar writes the number's next character.
func (w *numWriter) numberChar(key string) {
	if w.at >= len(w.number) {
		return
	}
	c := w.number[w.at]
	switch {
	case c == '.':
		if w.relevant < 0 || !w.relevantIs('.') || w.d.fill {
			w.put(".")
		}
	case w.relevant >= 0 && w.at > w.relevant && key != "0":
	case w.hiddenZero():
		if !w.d.fill {
			w.put(" ")
		} else if w.relevantIs('.') {
			w.put("0")
		}
	default:
		w.put(string(c))
		w.inNumber = true
	}
	w.at++
}
