package pool

import "time"

const (
	retryPrice   = 100             // of one retry; a request pays in so much as the declared percentage says
	retryMinimum = 3 * retryPrice  // paid in each second, so that a route with few requests can retry too
	retrySaved   = 50 * retryPrice // what can be saved up at the most: a quiet day doesn't pay for a storm
)

// budget is a purse that requests pay into and retries are paid from.
type budget struct {
	percent int
	purse   int64
	filled  time.Time // when the minimum was last paid in
}

func newBudget(percent int, now time.Time) budget {
	return budget{percent: percent, purse: retryMinimum, filled: now}
}

func (b *budget) earn() { b.purse = min(b.purse+int64(b.percent), retrySaved) }

func (b *budget) spend(now time.Time) bool {
	if b.percent == 0 {
		return false
	}
	if since := now.Sub(b.filled); since > 0 {
		b.purse = min(b.purse+retryMinimum*int64(min(since, time.Minute))/int64(time.Second), retrySaved)
		b.filled = now
	}
	if b.purse < retryPrice {
		return false
	}
	b.purse -= retryPrice
	return true
}
