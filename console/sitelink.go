package console

import (
	"net/http"

	"github.com/roundtrip-dev/roundtrip"
)

// siteLink gives an operator a link that makes them known at a site, once.
func (c *Console) siteLink(r *http.Request) (any, error) {
	var in struct {
		Site string `json:"site"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	if in.Site == "" || len(in.Site) > 255 {
		return nil, roundtrip.E(roundtrip.Invalid, "request.invalid", "site is the name of one of the sites")
	}
	if err := Note(r.Context(), Entry{What: "site-link", Target: in.Site}); err != nil {
		return nil, err
	}
	link, err := c.options.SiteLink(in.Site)
	return struct {
		Link string `json:"link"`
	}{link}, err
}
