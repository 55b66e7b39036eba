package rest

// live answers GET live.
func (x *exchange) live() error { return x.door.streams.Live(x.w, x.r, x.from) }

// watch answers GET photos:watch.
func (x *exchange) watch() error {
	topic, cursor := watchTopic(x.at.plan.collection.Name, x.r.URL.RawQuery)
	return x.door.streams.Watch(x.w, x.r, x.from, topic, cursor)
}
