package trace_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Who follows all of them and is far behind goes on with newer ones, and is told how many were left out. Who looks for some of
// them gets each that is held.
func TestRecorder_AfterLeavesOutWhatIsFarBehind(t *testing.T) {
	t.Parallel()
	const many, each = 3000, 25
	r := trace.New(trace.Options{Now: time.Now, Recent: 4096})
	end := func(status int, why string) {
		j := r.Begin(trace.Request)
		j.Status = status
		j.Begin(trace.Access, "photos.get").Deny(trace.ReasonOf(why))
		r.End(j)
	}
	_, begin, _ := r.After(trace.Cursor{}, trace.Filter{}, each)
	end(403, "access.rule_denied")
	for range many {
		end(200, "")
	}
	list, at, missed := r.After(begin, trace.Filter{}, each)
	if len(list) != each || missed < many-1000 || missed > many-900 {
		t.Errorf("%d given, %d missed, of %d", len(list), missed, many)
	}
	total := len(list) + missed
	for len(list) > 0 {
		list, at, missed = r.After(at, trace.Filter{}, each)
		total += len(list) + missed
	}
	if total != many+1 {
		t.Errorf("%d given or missed, of %d", total, many+1)
	}
	if list, _, _ := r.After(begin, trace.Filter{Status: 403}, each); len(list) != 1 || list[0].Status != 403 {
		t.Errorf("what was looked for came as %+v", list)
	}
}

func TestFilter_EachFieldChooses(t *testing.T) {
	t.Parallel()
	if !trace.TakesAll(trace.Filter{}) {
		t.Error("the zero Filter chooses")
	}
	for i := range reflect.TypeFor[trace.Filter]().NumField() {
		var f trace.Filter
		switch v := reflect.ValueOf(&f).Elem().Field(i); v.Kind() {
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		case reflect.String:
			v.SetString("x")
		case reflect.Struct:
			v.Set(reflect.ValueOf(time.Unix(1, 0)))
		default:
			v.Set(reflect.ValueOf(1).Convert(v.Type()))
		}
		if trace.TakesAll(f) {
			t.Errorf("%+v is taken for one that takes all", f)
		}
	}
}
