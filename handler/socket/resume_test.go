package socket_test

import (
	"strings"
	"testing"
)

// Between the last look at the log and the snapshot that an answer is read in there is time for another commit. What it takes
// away is gone from the snapshot and not in the changes that were read, and nobody else is there who was known to hold it.
func TestResume_WhatGoesWhileTheAnswerIsMade(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	photo := ana.make("photos", `{}`)
	stays, goes := ana.make("comments", `{"photo":"`+photo+`","text":"a"}`), ana.make("comments", `{"photo":"`+photo+`","text":"b"}`)
	topic := "comments?photo=" + photo
	away := ana.open()
	first := away.subscribe(topic)
	if got := ids(first["snapshot"]); len(got) != 2 {
		t.Fatalf("the first message holds %v", got)
	}
	away.conn.Close()
	<-away.over
	looks := 0
	delete := func() {
		if looks++; looks == 2 { // the first look is taken before anybody waits
			h.pages.log.Store(nil)
			ana.remove("comments/" + goes)
		}
	}
	h.pages.log.Store(&delete)
	back := ana.open()
	told := changes(back.subscribe(topic+"&page_size=9", first["cursor"].(string))) // a topic that nobody else has
	if looks != 2 {
		t.Fatalf("the log was looked at %d times", looks)
	}
	ana.patch("comments/"+stays, `{"text":"c"}`)
	for !strings.Contains(told, "+"+stays) {
		told += " " + changes(back.next())
	}
	if !strings.Contains(told, "-"+goes) {
		t.Errorf("told only %q: %s is held for ever", told, goes)
	}
}
