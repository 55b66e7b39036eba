package console_test

import (
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

func newRecorder(now func() time.Time) *trace.Recorder { return trace.New(trace.Options{Now: now, Recent: 256}) }
