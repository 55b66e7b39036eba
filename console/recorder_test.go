package console_test

import (
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

func newRecorder(now func() time.Time) *trace.Recorder { return trace.New(now, 256, nil) }
