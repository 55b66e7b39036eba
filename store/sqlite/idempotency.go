package sqlite

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// keyLife is how long an idempotency key is remembered.
const keyLife = 24 * time.Hour

// replay looks whether the call's key was seen before, and fills the result with what was answered then.
func (t *tx) replay(p *policy.Permit, result *store.Result) (bool, error) {
	var request, records string
	t.sql.Reset()
	t.sql.Raw("SELECT request, records FROM _keys WHERE principal = ").Arg(principalOf(p)).
		Raw(" AND key = ").Arg(keyOf(p)).Raw(" AND at > ").Arg(roundtrip.Time(t.now.Add(-keyLife)))
	found, err := t.first(func(st *raw.Stmt) { request, records = st.Text(0), st.Text(1) })
	if err != nil {
		return false, failed("keys.get", err, t.conn.Late())
	}
	if !found {
		return false, nil
	}
	if request != hex.EncodeToString(p.Call().KeyHash[:]) {
		return false, roundtrip.E(roundtrip.Unprocessable, "store.key_reused",
			"This idempotency key came with another request before. Use a new key for each request.").
			With(roundtrip.Detail{Parameter: "Idempotency-Key", Code: "key_reused", Message: "the key belongs to another request"})
	}
	out, good, err := decodeRecords(records, collectionsOf(p))
	if err != nil {
		return false, roundtrip.Wrap("keys.decode", err)
	}
	if !good { // the collection was dropped since, and this is another one of its name: nothing of the answer is left
		return false, nil
	}
	result.Records, result.Replayed = out, true
	return true, nil
}

// collectionsOf returns the collection of each write of a permit.
func collectionsOf(p *policy.Permit) []*roundtrip.Collection {
	if p.Action() != roundtrip.Batch {
		return []*roundtrip.Collection{p.Collection()}
	}
	all := make([]*roundtrip.Collection, len(p.Ops()))
	for i, op := range p.Ops() {
		all[i] = op.Collection()
	}
	return all
}

// remember keeps the key with what is answered, in the transaction of the write.
func (t *tx) remember(p *policy.Permit, result *store.Result) error {
	records, err := encodeRecords(result.Records)
	if err == nil {
		err = t.exec("INSERT OR REPLACE INTO _keys (principal, key, request, records, at) VALUES (?, ?, ?, ?, ?)",
			principalOf(p), keyOf(p), roundtrip.Text(hex.EncodeToString(p.Call().KeyHash[:])), roundtrip.Text(records), roundtrip.Time(t.now))
	}
	if err != nil {
		t.broken = t.broken || !t.deep
		return failed("keys.put", err, t.conn.Late())
	}
	return nil
}

// principalOf returns the caller's id, 0 for strangers: keys of different accounts never meet.
func principalOf(p *policy.Permit) roundtrip.Value {
	if who := p.Principal(); who != nil {
		return roundtrip.Int(int64(who.ID))
	}
	return roundtrip.Int(0)
}

// keyOf returns what a key is kept under. Strangers have no id to tell them apart, so a stranger's key goes with the
// client's address: nobody is answered what somebody else was who chose the same key.
func keyOf(p *policy.Permit) roundtrip.Value {
	key := p.Call().Key // no key has a NUL
	switch who := p.Principal(); {
	case who != nil && who.Operator != nil: // they have no id of an account either
		key += "\x00operator\x00" + who.Operator.Name
	case who.Stranger():
		key += "\x00" + p.Call().Addr.String()
	}
	sum := sha256.Sum256([]byte(key))
	return roundtrip.Text(hex.EncodeToString(sum[:]))
}

// kept is a record as it is kept beside a key: by numbers, which outlive renames.
type kept struct {
	Collection int32       `json:"c"`
	Fields     []keptField `json:"f"`
}

type keptField struct {
	Number int32               `json:"n"`
	Kind   roundtrip.ValueKind `json:"k"`
	Int    int64               `json:"i,omitempty"` // the bits of a float
	Text   string              `json:"s,omitempty"`
}

func encodeRecords(records []*roundtrip.Record) (string, error) {
	out := make([]*kept, len(records))
	for i, r := range records {
		if r == nil {
			continue
		}
		out[i] = &kept{Collection: r.Collection.Number}
		for j, f := range r.Collection.Fields {
			v := r.Values[j]
			k := keptField{Number: f.Column, Kind: v.Kind(), Int: v.Int(), Text: v.Text()}
			if !v.IsNull() {
				out[i].Fields = append(out[i].Fields, k)
			}
		}
	}
	b, err := json.Marshal(out)
	return string(b), err
}

// decodeRecords makes records of the given collections of what encodeRecords kept. It goes by numbers: the answer may have
// been kept under another schema, and the caller's may not be the one in force. good is false where a number shows that
// a collection is not the one of that time.
func decodeRecords(text string, collections []*roundtrip.Collection) (out []*roundtrip.Record, good bool, err error) {
	var in []*kept
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return nil, false, err
	}
	if len(in) != len(collections) {
		return nil, false, nil
	}
	out = make([]*roundtrip.Record, len(in))
	for i, k := range in {
		c := collections[i]
		switch {
		case k == nil:
			continue
		case c.Number != k.Collection:
			return nil, false, nil
		}
		out[i] = roundtrip.NewRecord(c)
		for _, kf := range k.Fields {
			for j, f := range c.Fields {
				if f.Column == kf.Number && f.Type.Value() == kf.Kind {
					out[i].Put(j, kf.value())
				}
			}
		}
	}
	return out, true, nil
}

func (k keptField) value() roundtrip.Value {
	switch k.Kind {
	case roundtrip.BoolValue:
		return roundtrip.Bool(k.Int != 0)
	case roundtrip.IntValue:
		return roundtrip.Int(k.Int)
	case roundtrip.FloatValue:
		return roundtrip.Float(math.Float64frombits(uint64(k.Int)))
	case roundtrip.TextValue:
		return roundtrip.Text(k.Text)
	case roundtrip.TimeValue:
		return roundtrip.Micros(k.Int)
	case roundtrip.IDValue:
		return roundtrip.Ref(roundtrip.ID(k.Int))
	case roundtrip.JSONValue:
		return roundtrip.JSON(k.Text)
	case roundtrip.Null:
	}
	return roundtrip.Value{}
}
