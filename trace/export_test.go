package trace

// Tender returns a function that does what [Recorder.Run] does at each tick.
func Tender(r *Recorder) func() {
	windows := map[*route]*window{}
	return func() { r.tend(windows) }
}

// BucketOf is how durations are put into buckets.
var BucketOf = bucketOf

// AppendTime and AppendMillis are how the log writes times.
var (
	AppendTime   = appendTime
	AppendMillis = appendMillis
)

// TakesAll reports whether a filter is known to take each journey.
func TakesAll(f Filter) bool { return f.all() }
