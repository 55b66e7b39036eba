package policy

import "github.com/roundtrip-dev/roundtrip"

// Never reports whether the condition is constantly false, so that no statement is needed.
func (p *Permit) Never() bool { return p.never }

// Always reports whether the condition (rule and filter) is constantly true.
func (p *Permit) Always() bool { return !p.never && p.rule == nil && p.filter == nil }

// AppendCondition appends the condition, rule and filter, as one SQL expression over alias r. It is TRUE, or FALSE or
// NULL for no, and can stand behind WHERE and AND as it is. It appends a true constant where Always. The aliases j, e
// and s with a number are taken.
func (p *Permit) AppendCondition(b *SQL, form Form) {
	switch {
	case p.never:
		b.Raw("FALSE")
		return
	case p.Always():
		b.Raw("TRUE")
		return
	}
	var js joins
	if form == Joined {
		js = p.joins()
	}
	var w writer
	p.rule.append(b, &w, js.rule)
	if p.rule != nil && p.filter != nil {
		b.Raw(" AND ")
	}
	p.filter.append(b, &w, js.filter)
}

// AppendJoins appends the LEFT JOINs that the Joined form of the condition needs, each with a leading space.
func (p *Permit) AppendJoins(b *SQL) {
	if p.never || p.Always() {
		return
	}
	js := p.joins()
	js.append(b)
}

// append writes the condition; numbers are those of the joins, by place.
func (b *bound) append(to *SQL, w *writer, numbers []int) {
	if b == nil {
		return
	}
	w.start(to, b)
	for i, n := range numbers {
		if n > 0 {
			w.aliases[i] = alias{'j', n}
		}
	}
	w.condition(b.prog.root)
}

// Check decides in memory over one row. known is false where the condition needs other records (ref paths, exists,
// readable), which only SQL can answer.
func (p *Permit) Check(row roundtrip.Row) (allowed, known bool) {
	if p.never {
		return false, true
	}
	rule, filter := p.rule.holds(row), p.filter.holds(row)
	if rule == no || filter == no {
		return false, true
	}
	return rule == yes && filter == yes, rule == yes && filter == yes
}

func (b *bound) holds(row roundtrip.Row) verdict {
	if b == nil {
		return yes
	}
	b.frame.row = row
	v := b.prog.closure()(&b.frame)
	b.frame.row = nil
	return v
}

// ReadsCounts reports whether the condition looks at a count field of any collection.
func (p *Permit) ReadsCounts() bool {
	return p.rule != nil && p.rule.prog.counts || p.filter != nil && p.filter.prog.counts
}
