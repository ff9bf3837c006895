package op

import "github.com/millracedb/millrace/sql/funcs"

// Held is about how many bytes o holds for the running step, the batch it emitted last included.
func Held(o Operator) int64 {
	if h, ok := o.(interface{ size() int64 }); ok {
		return h.size()
	}
	return 0
}

func (a *Aggregate) size() int64 {
	var n int64
	for _, sh := range a.shards[:a.active] {
		groups := sh.groups.Size()
		n += groups + int64(4*cap(sh.refs)+8*cap(sh.counts)+sh.out.MemSize())
		if a.reps != nil {
			n += groups + int64(24*cap(sh.reps)) // a representative is about as long as its key
		}
		for j, acc := range sh.accs {
			n += funcs.Held(acc, sh.groups.Len()) + int64(sh.res[j].MemSize())
			if f := sh.feeds[j]; f != nil {
				n += f.size()
			}
		}
	}
	return n
}

func (d *distinctShard) size() int64 {
	entries := d.entries.Size()
	n := entries + int64(d.first.MemSize()+d.args.MemSize()+8*cap(d.net)+4*cap(d.group)+4*cap(d.argGrp))
	if d.loose {
		n += entries + int64(24*cap(d.lists))
	}
	return n
}

func (x *extremesShard) size() int64 {
	return x.entries.Size() + int64(x.vals.MemSize()+8*cap(x.net)+9*cap(x.group))
}

func (x *sortedShard) size() int64 { return int64(x.rows.MemSize() + 4*cap(x.group)) }

func (p *partitions) size() int64 {
	n := int64(p.pending.MemSize()+4*cap(p.of)) + p.groups.Size()
	for _, sh := range p.shards[:p.active] {
		n += 2 * sh.size()
	}
	return n
}

func (x *setOp) size() int64 {
	return x.groups.Size() + int64(x.first.MemSize()+8*cap(x.count[0])+8*cap(x.count[1]))
}

func (e *EmitOnClose) size() int64 { return int64(e.pending.MemSize()) }
