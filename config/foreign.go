package config

import "strings"

// foreignKey is our name of what other servers call otherwise, or "". Whoever moves a site here writes what the hand
// knows, and no rule of spelling leads from there to ours.
func foreignKey(s string) string {
	switch strings.ReplaceAll(strings.ToLower(s), "-", "_") {
	case "proxy_pass", "reverse_proxy", "upstream", "upstreams", "backend":
		return "proxy"
	case "root", "alias", "file_server", "folder":
		return "static"
	case "autoindex", "browse":
		return "listing"
	case "return", "respond_with":
		return "respond"
	case "healthcheck", "health_check":
		return "health"
	case "interval", "period":
		return "every"
	case "client_max_body_size", "max_body", "body_size":
		return "body"
	case "rate", "limit_req", "rate_limit":
		return "requests"
	case "location":
		return "path"
	case "proxy_set_header", "header_up":
		return "set"
	case "gzip", "encode":
		return "compress"
	case "allow_origin", "allowed_origins":
		return "origins"
	}
	return ""
}
