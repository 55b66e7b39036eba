package mail

import (
	"context"

	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/stream/courier"
)

// Tell does one job.
func (s *Sender) Tell(ctx context.Context, job store.Job) courier.Outcome { return s.tell(ctx, job) }
