package app

import (
	"context"
	"encoding/json"
	"time"

	"github.com/roundtrip-dev/roundtrip/store"
)

// jobsEvery is how often the outbox is looked at without a hint.
const jobsEvery = 5 * time.Second

// jobsAtOnce is how many jobs are claimed in one write.
const jobsAtOnce = 100

// runJobs removes the bytes of files whose records are gone: the job was written in the transaction that deleted the
// record, so neither a crash nor a full disk loses it.
func (a *App) runJobs(ctx context.Context) error {
	tick := time.NewTicker(jobsEvery)
	defer tick.Stop()
	for {
		if err := a.removeFiles(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("files of deleted records", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-a.hint:
		case <-tick.C:
		}
	}
}

func (a *App) removeFiles(ctx context.Context) error {
	for ctx.Err() == nil {
		jobs, err := a.base.store.ClaimJobs(ctx, store.JobFilesRemove, jobsAtOnce)
		if err != nil || len(jobs) == 0 {
			return err
		}
		for _, job := range jobs {
			var ids []string
			if err := json.Unmarshal([]byte(job.Payload), &ids); err != nil {
				return err
			}
			for _, id := range ids {
				if err := a.base.files.Remove(ctx, id); err != nil {
					return err
				}
			}
			if err := a.base.store.FinishJob(ctx, job.ID); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}
