package pgwire

import "encoding/binary"

// framing follows the boundaries of messages in the bytes received, so that the types of those waiting are known
// before they are decoded.
type framing struct {
	head  [5]byte
	have  int // bytes of head
	body  int // bytes of the current message's body still to come
	types []byte
	next  int // types[next:] have not been received yet
}

// scan takes bytes as they are given to the decoder.
func (f *framing) scan(p []byte) {
	for len(p) > 0 {
		if f.body > 0 {
			n := min(f.body, len(p))
			f.body -= n
			p = p[n:]
			continue
		}
		n := copy(f.head[f.have:], p)
		f.have += n
		p = p[n:]
		if f.have < len(f.head) {
			return
		}
		f.have = 0
		f.body = max(int(int32(binary.BigEndian.Uint32(f.head[1:])))-4, 0)
		if f.next == len(f.types) {
			f.types, f.next = f.types[:0], 0
		}
		f.types = append(f.types, f.head[0])
	}
}

// received takes the type of the message that was decoded off the list.
func (f *framing) received() {
	if f.next < len(f.types) {
		f.next++
	}
}

// peek is the type of the next message, 0 if it is not here yet.
func (f *framing) peek() byte {
	if f.next < len(f.types) {
		return f.types[f.next]
	}
	return 0
}
