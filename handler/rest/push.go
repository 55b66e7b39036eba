package rest

import (
	"context"
	"net/http"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// Push keeps the browsers of accounts to which notifications are pushed. *push.Sender does.
type Push interface {
	// Key returns the key that browsers subscribe with, in Base64url.
	Key() string
	// Subscribe keeps a browser for as long as a session, or says what is wrong with it.
	Subscribe(ctx context.Context, account, session roundtrip.ID, endpoint, p256dh, auth string) error
	// Unsubscribe drops a browser. One that is not there is no error.
	Unsubscribe(ctx context.Context, account roundtrip.ID, endpoint string) error
}

// pushRoutes are the paths with which a browser asks for pushes.
func pushRoutes() []route {
	return []route{
		{"GET", inboxShape, "inbox/push", (*exchange).pushKey},
		{"POST", inboxShape, "inbox/push", (*exchange).subscribePush},
		{"DELETE", inboxShape, "inbox/push", (*exchange).unsubscribePush},
	}
}

func (x *exchange) push() (Push, error) {
	if x.door.push == nil {
		return nil, unknownPath("nothing is pushed here")
	}
	return x.door.push, nil
}

// pushKey answers GET inbox/push: the server's key, for pushManager.subscribe.
func (x *exchange) pushKey() error {
	if err := x.noParameters(); err != nil {
		return err
	}
	push, err := x.push()
	if err != nil {
		return err
	}
	if _, err := x.account(); err != nil {
		return err
	}
	b := append(x.answer.out[:0], `{"key":`...)
	b = input.AppendString(b, []byte(push.Key()))
	x.answer.out = append(b, '}')
	return x.sendPrivate(http.StatusOK, x.answer.out)
}

// subscribePush answers POST inbox/push: what PushSubscription.toJSON gives in a browser.
func (x *exchange) subscribePush() error {
	push, err := x.push()
	if err != nil {
		return err
	}
	var endpoint, p256dh, auth string
	account, err := x.inboxBody([]string{"endpoint", "keys"}, func(d *decoder, call *roundtrip.Call, name string) (bool, error) {
		switch name {
		case "endpoint":
			return true, d.text(call, name, &endpoint)
		case "expirationTime": // the push service answers when it is over
			return true, d.Dec.SkipValue()
		case "keys":
			if d.Dec.PeekKind() != '{' {
				input.Wrong(call, name, "wrong_type", "an object with p256dh and auth is expected")
				return true, d.Dec.SkipValue()
			}
			return true, d.members(func(key string) error {
				switch key {
				case "p256dh":
					return d.text(call, key, &p256dh)
				case "auth":
					return d.text(call, key, &auth)
				}
				return d.Dec.SkipValue()
			})
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	who, err := x.who()
	if err != nil {
		return err
	}
	if err := push.Subscribe(x.r.Context(), account, who.Session, endpoint, p256dh, auth); err != nil {
		return err
	}
	return x.sendEmpty(http.StatusNoContent, "")
}

// unsubscribePush answers DELETE inbox/push: {"endpoint":"…"}.
func (x *exchange) unsubscribePush() error {
	push, err := x.push()
	if err != nil {
		return err
	}
	var endpoint string
	account, err := x.inboxBody([]string{"endpoint"}, func(d *decoder, call *roundtrip.Call, name string) (bool, error) {
		if name != "endpoint" {
			return false, nil
		}
		return true, d.text(call, name, &endpoint)
	})
	if err != nil {
		return err
	}
	if err := push.Unsubscribe(x.r.Context(), account, endpoint); err != nil {
		return err
	}
	return x.sendEmpty(http.StatusNoContent, "")
}
