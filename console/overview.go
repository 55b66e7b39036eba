package console

import (
	"net/http"

	"github.com/roundtrip-dev/roundtrip/trace"
)

func (c *Console) showOverview(r *http.Request) (any, error) {
	return c.options.Overview(r.Context()), nil
}

// shownReason is a row of the catalogue.
type shownReason struct {
	Flag string `json:"flag"`
	Code string `json:"code"`
	Text string `json:"text"`
	Fix  string `json:"fix"`
}

func (c *Console) reasons(*http.Request) (any, error) {
	all := trace.Reasons()
	list := make([]shownReason, 0, len(all))
	for _, r := range all {
		list = append(list, shownReason{r.Flag(), r.Code(), r.Text(), r.Fix()})
	}
	return list, nil
}

func (c *Console) generations(*http.Request) (any, error) {
	if c.options.Generations == nil {
		return []any{}, nil
	}
	return c.options.Generations(), nil
}
