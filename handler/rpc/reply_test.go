package rpc

import "testing"

// What the hub has for a client, in the shapes of the messages of protobuf.
func TestReply(t *testing.T) {
	t.Parallel()
	const note = `{"id":"n1","kind":"liked","seq":17,"actors":[{"id":"u1","handle":"ana"},{"id":"u2"}],"text":"a \"b\""}`
	const shaped = `{"id":"n1","kind":"liked","seq":17,"actors":[{"id":"u1","names":{"handle":"ana"}},{"id":"u2","names":{}}],"text":"a \"b\""}`
	for name, c := range map[string]struct {
		hub   string
		shape func(*reply) []byte
		want  string
	}{
		"a snapshot of a collection": {
			`{"topic":"photos?filter=a","snapshot":[{"id":"p1"},{"id":"p2"}],"cursor":"e-1"}`, (*reply).watch,
			`{"snapshot":{"photos":[{"id":"p1"},{"id":"p2"}]},"resume_token":"e-1"}`,
		},
		"a snapshot in place of changes": {
			`{"topic":"photos","snapshot":[],"reset":"too_old","cursor":"e-1"}`, (*reply).watch,
			`{"snapshot":{"photos":[],"reset":"too_old"},"resume_token":"e-1"}`,
		},
		"changes of one record": {
			`{"topic":"photos/p1","changes":[{"put":{"id":"p1"}},{"removed":"p2"}],"cursor":"e-2"}`, (*reply).watch,
			`{"changes":[{"put":{"id":"p1"}},{"removed":"p2"}],"resume_token":"e-2"}`,
		},
		"a snapshot of an inbox": {
			`{"topic":"inbox","snapshot":[` + note + `],"unread":3,"unseen":1,"seq":17,"read_through":12,"seen_through":16,"reset":"epoch","cursor":"e-3"}`, (*reply).watchInbox,
			`{"snapshot":{"notifications":[` + shaped + `],"reset":"epoch"},"numbers":{"unread":3,"unseen":1,"seq":17,"read_through":12,"seen_through":16},"resume_token":"e-3"}`,
		},
		"changes of an inbox": {
			`{"topic":"inbox","changes":[{"put":` + note + `},{"removed":"n0"}],"unread":4,"unseen":0,"seq":18,"read_through":0,"seen_through":0,"cursor":"e-4"}`, (*reply).watchInbox,
			`{"changes":[{"put":` + shaped + `},{"removed":"n0"}],"numbers":{"unread":4,"unseen":0,"seq":18,"read_through":0,"seen_through":0},"resume_token":"e-4"}`,
		},
		"a snapshot among others": {
			`{"id":2,"topic":"photos?expand=author","snapshot":[{"id":"p1"},{"id":"p2"}],"reset":"rule","cursor":"e-1"}`, (*reply).open,
			`{"id":2,"topic":"photos?expand=author","resume_token":"e-1","snapshot":{"records":[{"photos":{"id":"p1"}},{"photos":{"id":"p2"}}],"reset":"rule"}}`,
		},
		"changes among others": {
			`{"topic":"photos","changes":[{"put":{"id":"p1"}},{"removed":"p2"}],"cursor":"e-1"}`, (*reply).open,
			`{"topic":"photos","resume_token":"e-1","changes":{"changes":[{"put":{"photos":{"id":"p1"}}},{"removed":"p2"}]}}`,
		},
		"no changes since a cursor": {
			`{"id":1,"topic":"photos","changes":[],"cursor":"e-1"}`, (*reply).open,
			`{"id":1,"topic":"photos","resume_token":"e-1","changes":{"changes":[]}}`,
		},
		"an inbox among others": {
			`{"id":3,"topic":"inbox","snapshot":[` + note + `],"unread":3,"unseen":1,"seq":17,"read_through":12,"seen_through":16,"cursor":"e-3"}`, (*reply).open,
			`{"id":3,"topic":"inbox","resume_token":"e-3","inbox_snapshot":{"notifications":[` + shaped + `],"numbers":{"unread":3,"unseen":1,"seq":17,"read_through":12,"seen_through":16}}}`,
		},
		"changes of an inbox among others": {
			`{"topic":"inbox","changes":[{"removed":"n0"}],"unread":0,"unseen":0,"seq":18,"read_through":0,"seen_through":0,"cursor":"e-4"}`, (*reply).open,
			`{"topic":"inbox","resume_token":"e-4","inbox_changes":{"changes":[{"removed":"n0"}],"numbers":{"unread":0,"unseen":0,"seq":18,"read_through":0,"seen_through":0}}}`,
		},
		"who is on a channel": {
			`{"id":1,"topic":"channel/lobby/a","presence":[{"id":"u1","handle":"ana"}]}`, (*reply).open,
			`{"id":1,"topic":"channel/lobby/a","presence":{"there":[{"id":"u1","handle":"ana"}]}}`,
		},
		"a channel without presence": {
			`{"id":1,"topic":"channel/lobby/a"}`, (*reply).open, `{"id":1,"topic":"channel/lobby/a","ok":true}`,
		},
		"who came": {
			`{"topic":"channel/lobby/a","joined":{"id":"u1"}}`, (*reply).open, `{"topic":"channel/lobby/a","joined":{"id":"u1"}}`,
		},
		"who left": {
			`{"topic":"channel/lobby/a","left":{"id":"u1"}}`, (*reply).open, `{"topic":"channel/lobby/a","left":{"id":"u1"}}`,
		},
		"what was sent": {
			`{"topic":"channel/lobby/a","from":{"id":"u1"},"data":{"x":[1,null]}}`, (*reply).open,
			`{"topic":"channel/lobby/a","sent":{"from":{"id":"u1"},"data":{"x":[1,null]}}}`,
		},
		"what a stranger sent": {
			`{"topic":"channel/lobby/a","from":null,"data":null}`, (*reply).open,
			`{"topic":"channel/lobby/a","sent":{"from":null,"data":null}}`,
		},
		"it is done": {`{"id":4,"ok":true}`, (*reply).open, `{"id":4,"ok":true}`},
		"heartbeat":  {`{"head":"e-5"}`, (*reply).open, `{"head":"e-5"}`},
		"it went bad": {
			`{"id":5,"topic":"nope","error":{"type":"/problems/not_found","title":"T","status":404,"code":"not_found","reason":"request.unknown_path","detail":"D","journey":"J","errors":[{"code":"x"}]}}`, (*reply).open,
			`{"id":5,"topic":"nope","error":{"code":"not_found","reason":"request.unknown_path","message":"D","journey":"J"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := takeApart([]byte(c.hub))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(c.shape(r)); got != c.want || r.err != nil {
				t.Errorf("%s\nis  %s (%v)\nnot %s", c.hub, got, r.err, c.want)
			}
		})
	}
}
